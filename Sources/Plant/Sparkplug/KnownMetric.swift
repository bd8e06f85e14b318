public import SparkplugB

/// What this gateway knows of a metric, and which tag it is here; nil when it has none.
public typealias KnownMetric = MetricStanding<TagPath?>

extension Ingest {
    /// What is known of a metric.
    func metric(at address: MetricAddress) -> KnownMetric {
        let topic = Array(address.topic.utf8)
        guard case .edge(let place)? = try? SparkplugTopic(topic.span) else { return .unborn }
        let (group, edge, _) = place.ids(in: topic)
        for route in routes.indices where routes[route].definition.payload == .sparkplug {
            guard let number = edgeNodes.number(of: EdgeNodes.key(route: route, group: group, edge: edge)) else {
                continue
            }
            let standing = edgeNodes[number].session.standing(
                of: Array(address.name.utf8).span, device: topic.span.extracting(place.device ?? 0..<0))
            return switch standing {
            case .unborn: .unborn
            case .dead: .dead
            case .unnamed: .unnamed
            case .untagged: .untagged
            case .named(let type, let alias, let tag): .named(type, alias: alias, tag: path(of: tag, edgeNodes[number]))
            }
        }
        return .unborn
    }

    /// The tag that a metric is here; nil when it has none, or another device has it now.
    private func path(of id: SparkplugTagID, _ node: EdgeNode) -> TagPath? {
        guard case .bound(let tag, let topic) = node.tags[Int(id.rawValue)],
            tags[tag.tag].device == bindings[topic].device
        else { return nil }
        return tags[tag.tag].path
    }
}

extension LivePlant {
    /// What this gateway knows of a metric that a command is to write.
    public func metric(at address: MetricAddress) -> KnownMetric { ingest.metric(at: address) }
}
