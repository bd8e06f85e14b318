import Plant

/// Whether the host of Sparkplug B listens to any edge node, and whether each edge node is a device of its own.
extension PlantSections {
    func checkSparkplug() {
        checkEdgeNodes()
        guard let sparkplug, !routes.contains(where: { $0.definition.payload == .sparkplug }) else { return }
        sparkplug.value.warn(
            "sparkplug says to edge nodes that host \"\(sparkplug.definition.hostID)\" listens, and no route does",
            expected: "a route with payload: sparkplug")
    }

    /// Edge nodes of two groups may have one id; where neither device says the group, they are one device.
    private func checkEdgeNodes() {
        var groups: [[TextTemplate.Segment]: (route: String, group: String)] = [:]
        for route in routes {
            guard let group = route.definition.sparkplugGroup else { continue }
            let segments = route.definition.edgeNodeTemplate.segments
            guard let other = groups[segments] else {
                groups[segments] = (route.definition.name, group)
                continue
            }
            guard other.group != group else { continue }
            route.place(["device"]).warn(
                "route \"\(route.definition.name)\" gives edge nodes of group \(group) the devices that route \"\(other.route)\" gives those of group \(other.group) with the same id",
                expected: "{group}, or another text, in device")
        }
    }
}
