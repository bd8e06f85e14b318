/// What is known of a metric that a command names.
///
/// - Parameter Tag: how the tag of a metric is known.
public enum MetricStanding<Tag: Hashable & Sendable>: Hashable, Sendable {
    /// No birth that holds has been heard of its edge node, or of its device.
    case unborn
    /// Its edge node or its device has died, and has not been born again.
    case dead
    /// The birth that holds names no such metric.
    case unnamed
    /// It has several values, as a data set has, or its name makes no tag.
    case untagged
    /// It has one value, of that type. `alias` is what stands for its name while the birth holds; nil: it has none.
    case named(SparkplugDataType, alias: UInt64? = nil, tag: Tag)
}

extension EdgeNodeSession {
    /// What is known of the metric of that name.
    ///
    /// - Parameter device: the device that it belongs to; empty for the edge node itself.
    public func standing(
        of name: borrowing Span<UInt8>, device: borrowing Span<UInt8>
    ) -> MetricStanding<SparkplugTagID> {
        // Of an edge node that has died, no device is there.
        guard state != .offline else { return .dead }
        guard let number = table.device(device) else { return .unborn }
        guard table.devices[Int(number)].isBorn else {
            // Its own birth follows that of its edge node, whatever it was before.
            return table.devices[Int(number)].state == .offline && devicesAwaitedUntil == nil ? .dead : .unborn
        }
        guard let metric = table.metric(name, device: number), table.isBorn(metric) else { return .unnamed }
        guard let tag = table.metrics[Int(metric)].tag else { return .untagged }
        let known = table.metrics[Int(metric)]
        return .named(known.type, alias: known.alias, tag: SparkplugTagID(rawValue: tag))
    }
}
