extension TopicClock {
    /// What has been seen since a topic's clock was contradicted.
    public struct Doubt: Sendable, Hashable {
        /// The re-base needs so many source times,
        static let distinct = 3
        /// over so long by both clocks,
        static let leastSpan: Milliseconds = 5_000
        /// whose offsets lie so close together, or within a tenth of the time that they span.
        static let constancy: Milliseconds = 1_000
        /// How much later than usual the message may come that decides.
        static let grace: Milliseconds = 500
        /// A doubt is given up after so much time without a decision; between two messages so much counts at most, so that
        /// a device which sends rarely is given a few messages to decide it by.
        static let givenUpAfter: Milliseconds = 300_000
        static let longestGap: Milliseconds = 60_000
        /// The same time twice: the clock shows no more than that, and does not stand still yet.
        static let coarsest: Milliseconds = 60_000

        /// When the first sample that contradicts was received.
        public let since: Milliseconds
        /// When what has not been decided may raise, once all has been heard that was kept until then: min(60 s, max(5 s, two
        /// usual intervals)) after the first one. The message that shows a new offset comes just then, or one interval
        /// later; it is waited for, since what it decides is better dated.
        public let deadline: Milliseconds
        public internal(set) var isOverdue = false
        /// Nothing has been decided for so long that the device is taken as one without a clock.
        public var isGivenUp: Bool { undecidedFor >= Self.givenUpAfter }
        private var undecidedFor: Milliseconds = 0
        private var lastHeard: Milliseconds
        /// Samples in a row at the former offset.
        private(set) var agreeing: UInt8 = 0
        private var newestSource: Milliseconds
        /// Whether what has come since the last sample at the offset was at worst late: none dated before the one before.
        private var isInOrder = true
        /// The greatest lateness since the last sample at the offset.
        private var lateness: Milliseconds = 0

        /// Samples in a row at a constant offset that is not the former one.
        private var count = 0
        private var firstSource: Milliseconds = 0
        private var firstReceived: Milliseconds = 0
        private var lastSource: Milliseconds = 0
        private var lastReceived: Milliseconds = 0
        private var least: Milliseconds = 0
        private var greatest: Milliseconds = 0

        init(since: Milliseconds, usualInterval: Milliseconds, newestSource: Milliseconds) {
            self.since = since
            lastHeard = since
            self.newestSource = newestSource
            let awaited = max(Self.leastSpan &+ usualInterval, 2 &* usualInterval)
            deadline = since &+ min(60_000, awaited &+ Self.grace)
        }

        /// The offsets of the samples that show another, constant one; nil while they do not.
        var newOffsets: ClosedRange<Milliseconds>? {
            guard count >= Self.distinct, lastSource &- firstSource >= Self.leastSpan,
                lastReceived &- firstReceived >= Self.leastSpan
            else { return nil }
            return least...greatest
        }

        mutating func contradicted(_ arrival: Arrival, late: Milliseconds) {
            agreeing = 0
            noteOrder(arrival, late: late)
            if late < 0 { isInOrder = false }
            lateness = max(lateness, late)
            let offset = arrival.received &- arrival.source
            let span = min(arrival.source &- firstSource, arrival.received &- firstReceived)
            guard count > 0, max(greatest, offset) &- min(least, offset) <= max(Self.constancy, span / 10) else {
                count = 1
                firstSource = arrival.source
                firstReceived = arrival.received
                lastSource = arrival.source
                lastReceived = arrival.received
                least = offset
                greatest = offset
                return
            }
            least = min(least, offset)
            greatest = max(greatest, offset)
            lastReceived = arrival.received
            guard arrival.source > lastSource else { return }
            lastSource = arrival.source
            count += 1
        }

        /// A sample at the former offset. Returns how late those before it were, when they were that and nothing worse.
        mutating func agreed(_ arrival: Arrival) -> Milliseconds? {
            agreeing &+= 1
            count = 0
            noteOrder(arrival, late: 0)
            defer {
                lateness = 0
                isInOrder = true
            }
            return isInOrder && lateness > 0 ? lateness : nil
        }

        /// A sample that decides nothing.
        mutating func noteTime(_ arrival: Arrival) {
            undecidedFor &+= max(0, min(Self.longestGap, arrival.received &- lastHeard))
            lastHeard = max(lastHeard, arrival.received)
        }

        private mutating func noteOrder(_ arrival: Arrival, late: Milliseconds) {
            noteTime(arrival)
            if arrival.source < newestSource || arrival.source == newestSource && late > Self.coarsest {
                isInOrder = false
            }
            newestSource = max(newestSource, arrival.source)
        }
    }
}
