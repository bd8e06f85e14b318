public import JSON

/// A moment as integer milliseconds since 1970 UTC, or a span of milliseconds: the only time that Plant knows.
/// It always comes in as an argument.
public typealias Milliseconds = Int64

extension Milliseconds {
    /// The moments that a clock shows: from 1970 to the end of the year 9999.
    ///
    /// What lies outside is no time. A record or request that holds it is refused where it is read, so that
    /// what comes after may add and subtract times.
    public static let shownByClocks: ClosedRange<Milliseconds> = 0...253_402_300_799_999

    /// Whether a clock can show it.
    public var isShownByClocks: Bool { Self.shownByClocks.contains(self) }

    /// The sum, or the nearest time that there is.
    public func addingClamped(_ other: Milliseconds) -> Milliseconds {
        let (sum, overflow) = addingReportingOverflow(other)
        guard overflow else { return sum }
        return other > 0 ? .max : .min
    }

    /// The difference, or the nearest span that there is.
    public func subtractingClamped(_ other: Milliseconds) -> Milliseconds {
        let (difference, overflow) = subtractingReportingOverflow(other)
        guard overflow else { return difference }
        return other < 0 ? .max : .min
    }
}

extension JSONValue {
    /// A moment that a clock shows; nil for everything else.
    public var timeValue: Milliseconds? { intValue.flatMap { $0.isShownByClocks ? $0 : nil } }

    /// The largest count that is read: beyond it, not every JSON reader tells one integer from the next.
    public static let countLimit: Int64 = 1 << 53

    /// How often something has happened; nil for what no counter reaches.
    public var countValue: Int64? { intValue.flatMap { (0...Self.countLimit).contains($0) ? $0 : nil } }
}
