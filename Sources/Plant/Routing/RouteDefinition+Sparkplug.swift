import SparkplugB

// Routes for Sparkplug B: their topics are fixed, and their devices are edge nodes and what is below them.
extension RouteDefinition {
    /// What the device template can use: the ids of the group and of the edge node.
    static let sparkplugNames = ["group", "edge"]
    static let defaultSparkplugDevice = "{group}/{edge}"

    /// The group whose topics the template takes; empty for all groups, nil when it is no template for Sparkplug B.
    static func sparkplugGroup(of topic: TopicTemplate) -> String? {
        guard case .literal(let namespace)? = topic.levels.first, namespace == SparkplugTopic.namespace,
            topic.levels.last == .rest(nil)
        else { return nil }
        switch topic.levels.count {
        case 2: return ""
        case 3:
            guard case .literal(let group) = topic.levels[1], SparkplugTopic.isID(group) else { return nil }
            return group
        default: return nil
        }
    }

    /// What the device template must have, so that no two edge nodes are the same device.
    static func namesNeeded(bySparkplugTopic topic: TopicTemplate) -> [String] {
        sparkplugGroup(of: topic) == "" ? sparkplugNames : ["edge"]
    }

    /// The device that an edge node is.
    func edgeNodePath(group: String, edge: String) throws(TagPath.Refusal) -> TagPath {
        try devicePath(["group": group, "edge": edge])
    }

    /// The device that a command on that topic is for; nil when births from there do not come by this route.
    package func device(writtenOn topic: String) -> TagPath? {
        let bytes = Array(topic.utf8)
        guard payload == .sparkplug, case .edge(let place)? = try? SparkplugTopic(bytes.span),
            let group = Self.sparkplugGroup(of: self.topic)
        else { return nil }
        let ids = place.ids(in: bytes)
        guard group.isEmpty || group.hasSameBytes(as: ids.group),
            let edge = try? edgeNodePath(group: ids.group, edge: ids.edge)
        else { return nil }
        guard let device = ids.device else { return edge }
        return try? edge.appending(device)
    }

    /// The one group whose edge nodes the route hears; nil for all groups, and where it hears none.
    package var sparkplugGroup: String? {
        guard payload == .sparkplug, let group = Self.sparkplugGroup(of: topic), !group.isEmpty else { return nil }
        return group
    }

    /// The device template of edge nodes, in which the route's one group stands.
    package var edgeNodeTemplate: TextTemplate { sparkplugGroup.map { device.filling("group", with: $0) } ?? device }

    /// Whether an edge node, or a device below one, can have that path.
    func makes(sparkplugDevice path: TagPath) -> Bool {
        let template = edgeNodeTemplate
        return template.canGive(path.text) || template.canGive(path.levels.dropLast().joined(separator: "/"))
    }

    /// Whether a metric can have that tag.
    func canMake(sparkplugTag path: TagPath) -> Bool {
        guard payload == .sparkplug else { return false }
        let levels = path.levels
        let template = edgeNodeTemplate
        return levels.indices.dropFirst().contains { template.canGive(levels[..<$0].joined(separator: "/")) }
    }
}
