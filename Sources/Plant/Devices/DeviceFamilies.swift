/// Which devices lie one level below another one, found without a walk over all devices. It follows a table, which only grows.
struct DeviceFamilies: Sendable {
    private var children: [TagPath: [DeviceID]] = [:]
    /// How many devices of the table it knows.
    private var known = 0

    mutating func children(of path: TagPath, in devices: DeviceTable) -> [DeviceID] {
        while known < devices.count {
            let device = DeviceID(rawValue: UInt32(truncatingIfNeeded: known))
            known += 1
            let above = devices[device].path.levels.dropLast()
            guard let parent = try? TagPath(above.joined(separator: "/")) else { continue }
            children[parent, default: []].append(device)
        }
        return children[path] ?? []
    }
}
