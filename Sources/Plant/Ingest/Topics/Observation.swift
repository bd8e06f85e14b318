/// What a gateway listens to only to count what no route takes, and what it does not count.
public struct Observation: Sendable, Hashable {
    /// What is subscribed to besides the routes, on a connection of its own. Messages there become nothing.
    public var filters: [TopicFilter]
    /// Topics that no route needs to take, because Linekeeper uses them otherwise: commands and their answers.
    public var exceptions: [TopicFilter]

    public init(filters: [TopicFilter] = [], exceptions: [TopicFilter] = []) {
        self.filters = filters
        self.exceptions = exceptions
    }

    /// Whether a message on such a topic comes on the connection for observing.
    func observes(_ topic: borrowing Span<UInt8>) -> Bool { filters.match(topic) }

    /// Whether Linekeeper uses such a topic otherwise.
    func excepts(_ topic: borrowing Span<UInt8>) -> Bool { exceptions.match(topic) }
}
