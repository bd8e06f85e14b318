public import SparkplugB

/// What the gateway knows of a metric that a command writes, and its tag's latest value.
public struct MetricSight: Sendable, Hashable {
    public let metric: KnownMetric
    public let reading: Interlock.Reading?

    /// - Parameter reading: the latest value of a tag.
    public init(_ metric: KnownMetric, reading: (TagPath) -> Interlock.Reading?) {
        self.metric = metric
        if case .named(_, _, .some(let tag)) = metric { self.reading = reading(tag) } else { self.reading = nil }
    }
}
