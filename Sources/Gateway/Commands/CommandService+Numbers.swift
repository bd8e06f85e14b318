extension CommandService {
    /// Counters by name, for the gateway's status.
    var numbers: [(name: String, value: UInt64)] {
        let counters = counters
        return [
            ("commandsOpen", UInt64(clamping: counters.open)), ("commandsRecorded", counters.recorded),
            ("commandsFenced", counters.fenced), ("commandsMalformed", UInt64(clamping: counters.malformed)),
        ]
    }
}
