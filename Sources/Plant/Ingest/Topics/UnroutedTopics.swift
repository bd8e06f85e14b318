/// Counts the messages that no route takes, by the beginnings of their topics, Linekeeper's own left out.
///
/// A message is *heard* when a route's subscription brought it, and *observed* when it came on the connection that is there
/// to count. One that comes on both is counted where it is observed.
///
/// A topic is looked into once. Further messages on it are a look-up of its bytes and an addition; see ``TopicMemory`` for
/// what happens when there are too many.
public struct UnroutedTopics: Sendable {
    public private(set) var counts = TopicPrefixCounts()
    private let observation: Observation
    private var heard: TopicMemory
    private var observed: TopicMemory

    init(_ observation: Observation = Observation(), hashSeed: UInt64 = 0) {
        self.observation = observation
        heard = TopicMemory(hashSeed: hashSeed)
        observed = TopicMemory(hashSeed: hashSeed)
    }

    /// Counts a message on a topic of which ``heard(_:)`` has been told; false for another topic.
    mutating func heardAgain(_ topic: borrowing Span<UInt8>) -> Bool {
        countAgain(heard.place(of: topic))
    }

    /// Takes a message that no route takes, on a topic that is not known as such.
    mutating func heard(_ topic: borrowing Span<UInt8>) {
        let isCounted = !isOwn(topic) && !observation.excepts(topic) && !observation.observes(topic)
        heard.insert(topic, count(topic, if: isCounted))
    }

    /// Counts a message on a topic of which ``observed(_:isRouted:)`` has been told, or leaves one of Linekeeper's own
    /// alone; false for another topic.
    mutating func observedAgain(_ topic: borrowing Span<UInt8>) -> Bool {
        // Not remembered: there may be one for each alarm.
        if isOwn(topic) { return true }
        return countAgain(observed.place(of: topic))
    }

    /// Takes a message on a topic that is not known to be observed.
    mutating func observed(_ topic: borrowing Span<UInt8>, isRouted: Bool) {
        observed.insert(topic, count(topic, if: !isRouted && !observation.excepts(topic)))
    }

    /// False when the topic is unknown.
    private mutating func countAgain(_ finding: TopicMemory.Finding) -> Bool {
        switch finding {
        case .unknown: return false
        case .uncounted: return true
        case .counted(let place):
            counts.count(at: place)
            return true
        }
    }

    private mutating func count(_ topic: borrowing Span<UInt8>, if isCounted: Bool) -> TopicPrefixCounts.Place? {
        guard isCounted else { return nil }
        let place = counts.place(of: topic)
        counts.count(at: place)
        return place
    }

    private func isOwn(_ topic: borrowing Span<UInt8>) -> Bool {
        let prefix = GatewayFault.prefix.utf8
        guard topic.count >= prefix.count else { return false }
        var position = 0
        for byte in prefix {
            if topic[position] != byte { return false }
            position += 1
        }
        return true
    }
}
