import JSON
import OrderedCollections

/// `/devices/<device path>`: what is known of a device.
public struct DeviceRecord: Sendable, Equatable {
    public var device: String
    public var route: String
    /// When the device was first heard, milliseconds since 1970.
    public var firstSeen: Milliseconds
    public var state: DeviceState
    /// Since when it has been in this state.
    public var since: Milliseconds

    public init(device: String, route: String, firstSeen: Milliseconds, state: DeviceState, since: Milliseconds) {
        self.device = device
        self.route = route
        self.firstSeen = firstSeen
        self.state = state
        self.since = since
    }

    /// nil for anything that is not a device record.
    public init?(data: [UInt8]) {
        guard let json = try? JSONValue(parsing: data), let device = json["device"]?.stringValue,
            let route = json["route"]?.stringValue, let firstSeen = json["firstSeen"]?.timeValue,
            let name = json["state"]?.stringValue, let state = DeviceState(rawValue: name),
            let since = json["since"]?.timeValue
        else { return nil }
        self.init(device: device, route: route, firstSeen: firstSeen, state: state, since: since)
    }

    public func serialized() -> [UInt8] {
        JSONValue.object([
            "device": .string(device), "route": .string(route), "firstSeen": .integer(firstSeen),
            "state": .string(state.rawValue), "since": .integer(since),
        ]).serialized()
    }
}
