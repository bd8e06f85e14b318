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

    /// Whether an edge node, or a device below one, can have that path.
    func makes(sparkplugDevice path: TagPath) -> Bool {
        device.canGive(path.text) || device.canGive(path.levels.dropLast().joined(separator: "/"))
    }

    /// Whether a metric can have that tag.
    func canMake(sparkplugTag path: TagPath) -> Bool {
        guard payload == .sparkplug else { return false }
        let levels = path.levels
        return levels.indices.dropFirst().contains { device.canGive(levels[..<$0].joined(separator: "/")) }
    }
}
