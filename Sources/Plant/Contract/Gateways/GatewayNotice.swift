import JSON
import OrderedCollections

/// What a gateway says of itself on `linekeeper/<plant>/gateways/<gateway>` (retained), and what the broker says for it,
/// as its last will, when its connection breaks.
package struct GatewayNotice: Sendable, Equatable {
    package enum State: String, Sendable { case online, offline }

    package var gateway: String
    package var state: State
    package var pid: Int64
    /// When the process started, in milliseconds since 1970.
    package var started: Milliseconds
    /// Tells one life of a gateway from the next; nil in the notices of older gateways.
    package var life: String?

    package init(gateway: String, state: State, pid: Int64, started: Milliseconds, life: String? = nil) {
        self.gateway = gateway
        self.state = state
        self.pid = pid
        self.started = started
        self.life = life
    }

    package init(_ identity: GatewayIdentity, _ state: State) {
        self.init(
            gateway: identity.gateway, state: state, pid: identity.pid, started: identity.started, life: identity.life)
    }

    /// nil for anything that is not a notice: the topic is open to every client that may publish there.
    package init?(payload: [UInt8]) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(parsing: payload, sizeLimit: GatewayRecord.sizeLimit)
            guard let state = State(rawValue: try members.requiredText(.state)) else { return nil }
            self.init(
                gateway: try members.requiredText(.gateway), state: state, pid: try members.requiredInteger(.pid),
                started: try members.requiredTime(.started), life: members[.life]?.stringValue)
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable { case gateway, state, pid, started, life }

    package var asLife: GatewayLife { GatewayLife(gateway: gateway, life: life, pid: pid, started: started) }

    package var payload: [UInt8] {
        var members: OrderedDictionary<String, JSONValue> = [
            "gateway": .string(gateway), "state": .string(state.rawValue), "pid": .integer(pid),
            "started": .integer(started),
        ]
        members["life"] = life.map(JSONValue.string)
        return JSONValue.object(members).serialized()
    }

    package static func topic(plant: String, gateway: String) -> String { "linekeeper/\(plant)/gateways/\(gateway)" }
}
