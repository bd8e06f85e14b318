import SparkplugB

// Devices and tags of an edge node that the tree knows, and of which this process has heard no birth: it was started after it.
extension Ingest {
    /// Whether there is anything here that a device's death or silence concerns. What nobody has heard of is not made known by
    /// its death.
    func isKnown(_ device: SparkplugDeviceID, of edge: Int) -> Bool {
        if case .bound = edgeNodes[edge].devices[Int(device.rawValue)] { return true }
        guard let path = try? edgeNodes[edge].path(of: device) else { return false }
        return devices.id(of: path) != nil
    }

    /// What becomes of an edge node that is not online becomes of its devices as well.
    ///
    /// - Parameter topic: the edge node's own.
    mutating func releaseUnborn(of edge: Int, _ state: EdgeNodeState, topic: Int, at now: Milliseconds) {
        for device in unbornDevices(of: edge) where state == .offline || devices.isThere(device) {
            edgeNodes.release(state, of: topic, device: device, at: now)
        }
    }

    /// The births of an edge node are over. Devices that have none are stale, and so are tags that none has named.
    ///
    /// - Parameter first: the first release of the message that is being read.
    mutating func releaseUnnamed(of edge: Int, at now: Milliseconds, from first: Int) {
        guard case .bound(let topic, _)? = edgeNodes[edge].devices.first else { return }
        releaseUnborn(of: edge, .stale, topic: topic, at: now)
        guard !unclaimed.isEmpty else { return }
        for (number, place) in edgeNodes[edge].devices.enumerated() {
            let device = SparkplugDeviceID(rawValue: UInt32(clamping: number))
            guard case .bound(let topic, _) = place, edgeNodes[edge].session.device(device).state == .online else {
                continue
            }
            for tag in tags.tags(of: bindings[topic].device) where unclaimed.contains(tag) {
                edgeNodes.release(stale: tag, of: topic, at: now, from: first)
            }
        }
    }

    /// Devices below an edge node of which its session has not heard, unless another route is known to have them.
    private mutating func unbornDevices(of edge: Int) -> [DeviceID] {
        let below = deviceFamilies.children(of: edgeNodes[edge].path, in: devices)
        guard !below.isEmpty else { return [] }
        var heard: Set<DeviceID> = []
        for case .bound(let topic, _) in edgeNodes[edge].devices { heard.insert(bindings[topic].device) }
        let route = edgeNodes[edge].route
        let name = routes[route].definition.name
        return below.filter {
            !heard.contains($0) && (devices[$0].route.map { $0 == name } ?? ((recordedRoutes[$0] ?? route) == route))
        }
    }
}
