import SparkplugB

/// Where a command writes: a metric of an edge node of Sparkplug B, or of one of its devices.
public struct MetricAddress: Sendable, Hashable {
    /// The topic of the NCMD or DCMD.
    public let topic: String
    /// As its birth has it.
    public let name: String

    package init(topic: String, name: String) {
        self.topic = topic
        self.name = name
    }
}

extension MetricAddress {
    /// The topic of the birth that names the metric.
    var birth: String {
        let bytes = Array(topic.utf8)
        guard case .edge(let place)? = try? SparkplugTopic(bytes.span) else { return topic }
        let ids = place.ids(in: bytes)
        return EdgeTopic.text(
            ids.device == nil ? .nodeBirth : .deviceBirth, group: ids.group, edge: ids.edge, device: ids.device)
            ?? topic
    }
}
