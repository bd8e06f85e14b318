import Plant

/// Whether the host of Sparkplug B listens to any edge node.
extension PlantSections {
    func checkSparkplug() {
        guard let sparkplug, !routes.contains(where: { $0.definition.payload == .sparkplug }) else { return }
        sparkplug.value.warn(
            "sparkplug says to edge nodes that host \"\(sparkplug.definition.hostID)\" listens, and no route does",
            expected: "a route with payload: sparkplug")
    }
}
