/// The time zone of clocks that show no zone.
public struct LocalZone: Sendable, Hashable {
    /// In the IANA database, such as `Europe/Berlin`.
    public let name: String
    public let rules: ZoneRules

    public init(name: String, rules: ZoneRules) {
        self.name = name
        self.rules = rules
    }

    /// The moment at which a clock showed a local time, as far as that can be told.
    ///
    /// In autumn the clocks show an hour twice. Of the two moments the later one counts, unless it lies ahead of `latest`:
    /// then the earlier one. In spring they skip one; what is said to be of that hour was dated by a clock that had not been
    /// put forward.
    ///
    /// - Parameter local: as if it were UTC.
    /// - Parameter latest: the latest moment that it can have been.
    func moment(ofLocal local: Milliseconds, latest: Milliseconds) -> Milliseconds {
        switch rules.moments(ofLocal: local) {
        case .one(let moment), .skipped(let moment): moment
        case .two(let earlier, let later): later > latest ? earlier : later
        }
    }
}
