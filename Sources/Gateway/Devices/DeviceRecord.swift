import OrderedCollections
package import Plant

/// `/devices/<device path>`: what is known of a device.
package struct DeviceRecord: Sendable, Equatable {
    package var device: String
    package var route: String
    /// When the device was first heard, milliseconds since 1970.
    package var firstSeen: Milliseconds
    package var state: DeviceState
    /// Since when it has been in this state.
    package var since: Milliseconds

    package init(device: String, route: String, firstSeen: Milliseconds, state: DeviceState, since: Milliseconds) {
        self.device = device
        self.route = route
        self.firstSeen = firstSeen
        self.state = state
        self.since = since
    }

    /// nil for anything that is not a device record.
    package init?(data: [UInt8]) {
        guard let json = try? JSONValue(parsing: data), let device = json["device"]?.stringValue,
            let route = json["route"]?.stringValue, let firstSeen = json["firstSeen"]?.intValue,
            let name = json["state"]?.stringValue, let state = DeviceState(rawValue: name),
            let since = json["since"]?.intValue
        else { return nil }
        self.init(device: device, route: route, firstSeen: firstSeen, state: state, since: since)
    }

    package func serialized() -> [UInt8] {
        JSONValue.object([
            "device": .string(device), "route": .string(route), "firstSeen": .integer(firstSeen),
            "state": .string(state.rawValue), "since": .integer(since),
        ]).serialized()
    }
}

/// A device whose node is to be written.
struct DeviceChange: Sendable {
    var device: DeviceID
    /// As it is spelt below `/devices`, without a leading slash.
    var znodePath: String
    var shard: Int
    var record: DeviceRecord
}
