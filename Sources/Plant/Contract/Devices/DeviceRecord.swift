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
    /// Since when it goes and comes so often that it is not called online; nil: it does not.
    public var flapping: Milliseconds?

    public init(
        device: String, route: String, firstSeen: Milliseconds, state: DeviceState, since: Milliseconds,
        flapping: Milliseconds? = nil
    ) {
        self.device = device
        self.route = route
        self.firstSeen = firstSeen
        self.state = state
        self.since = since
        self.flapping = flapping
    }

    /// nil for anything that is not a device record.
    public init?(data: [UInt8]) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(parsing: data)
            self.init(
                device: try members.requiredText(.device), route: try members.requiredText(.route),
                firstSeen: try members.requiredTime(.firstSeen), state: try members.requiredName(.state),
                since: try members.requiredTime(.since), flapping: try members.time(.flapping))
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable { case device, route, firstSeen, state, since, flapping }

    public func serialized() -> [UInt8] {
        var members: OrderedDictionary<String, JSONValue> = [
            "device": .string(device), "route": .string(route), "firstSeen": .integer(firstSeen),
            "state": .string(state.rawValue), "since": .integer(since),
        ]
        members["flapping"] = flapping.map(JSONValue.integer)
        return JSONValue.object(members).serialized()
    }
}
