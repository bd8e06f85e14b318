import SparkplugB

/// Whether somebody else publishes this host's STATE: what ``HostState`` has counted is looked at now and then.
///
/// One older offline is the will of a connection before; more than one within ``memory`` is somebody who keeps saying so.
struct ForeignHostWatch {
    /// For how long after the last message it is still said.
    static let memory = Duration.seconds(60)

    private var seen = HostState.Counters()
    private var olderOfflineAt: ContinuousClock.Instant?
    private var trouble: (what: String, last: ContinuousClock.Instant)?

    /// What somebody else has said; nil when nobody has for a while.
    mutating func look(_ counters: HostState.Counters, now: ContinuousClock.Instant) -> String? {
        var said: [String] = []
        if counters.newerOffline > seen.newerOffline { said.append("offline, with a newer timestamp") }
        if counters.foreignOnline > seen.foreignOnline { said.append("online") }
        if counters.unreadable > seen.unreadable { said.append("what cannot be read, or nothing") }
        if counters.olderOffline > seen.olderOffline {
            let isOften = olderOfflineAt.map { now - $0 < Self.memory } ?? false
            if isOften || counters.olderOffline - seen.olderOffline > 1 { said.append("offline, again and again") }
            olderOfflineAt = now
        }
        seen = counters
        if !said.isEmpty { trouble = ("it says \(said.joined(separator: "; "))", now) }
        guard let trouble, now - trouble.last < Self.memory else {
            trouble = nil
            return nil
        }
        return trouble.what
    }
}
