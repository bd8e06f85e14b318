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
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(parsing: data)
            self.init(
                device: try members.requiredText(.device), route: try members.requiredText(.route),
                firstSeen: try members.requiredTime(.firstSeen), state: try members.requiredName(.state),
                since: try members.requiredTime(.since))
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable { case device, route, firstSeen, state, since }

    public func serialized() -> [UInt8] {
        JSONValue.object([
            "device": .string(device), "route": .string(route), "firstSeen": .integer(firstSeen),
            "state": .string(state.rawValue), "since": .integer(since),
        ]).serialized()
    }
}
