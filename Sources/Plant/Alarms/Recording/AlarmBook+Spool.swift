extension AlarmBook {
    /// What became of a spool that was taken up.
    public struct Resumption: Sendable, Hashable {
        /// Transitions that are to be recorded still.
        public var resumed = 0
        /// Those that are recorded, or that the alarm's record has passed by; also of alarms that were removed, and of limits that
        /// are not configured any more.
        public var settled = 0
        /// Those of alarms that are not configured.
        public var unconfigured = 0
        /// Some of these alarms.
        public var unknownAlarms: [AlarmPath] = []
        /// Those that there is no room for; the newest of each alarm has it always.
        public var overflowed = 0

        public init(resumed: Int = 0, settled: Int = 0, unconfigured: Int = 0, overflowed: Int = 0) {
            self.resumed = resumed
            self.settled = settled
            self.unconfigured = unconfigured
            self.overflowed = overflowed
        }
    }

    /// Everything that waits to be recorded, for the disk, in no particular order of the alarms. Costs a look at each alarm that
    /// has something; the edges are shared, not copied.
    public var spool: AlarmSpool {
        AlarmSpool(
            agenda.alarms.map {
                SpooledAlarm(
                    path: ledgers[$0].path, edges: ledgers[$0].pending, after: ledgers[$0].committed?.changedAt)
            })
    }

    /// Takes up what this gateway computed in an earlier life. Call it once the records of the tree have been restored; what has
    /// been heard by then is evaluated again behind it.
    ///
    /// Where an alarm's record has not passed them, the edges wait to be recorded like those that are computed here, in order of
    /// their time; samples are evaluated from the last edge on.
    public mutating func resume(_ spool: AlarmSpool, at now: Milliseconds) -> Resumption {
        var resumption = Resumption()
        let limits = limits
        let heardThrough = heardThrough
        for spooled in spool.alarms {
            guard let alarm = number(of: spooled.path) else {
                resumption.unconfigured += spooled.count
                if resumption.unknownAlarms.count < 5 { resumption.unknownAlarms.append(spooled.path) }
                continue
            }
            // As when edges are computed: beyond the bound only the newest of an alarm.
            let room = pendingCount + spooled.count > limits.pendingTotal ? 1 : limits.pendingPerAlarm
            let edges = spooled.edges.suffix(max(1, room))
            resumption.overflowed += spooled.count - edges.count
            let resumed = changingPending(of: alarm) { book in
                book.ledgers[alarm].resume(
                    edges, after: spooled.after, evaluator: &book.evaluators[alarm],
                    definition: book.definitions[book.ledgers[alarm].definition], limits: limits,
                    heardThrough: heardThrough, clock: book.clock, now: now)
            }
            resumption.resumed += resumed
            resumption.settled += edges.count - resumed
            schedule(alarm)
        }
        return resumption
    }
}
