import OrderedCollections
import Plant

/// What a gateway says of itself on `linekeeper/<plant>/gateways/<gateway>` (retained), and what the broker says for it,
/// as its last will, when its connection breaks.
struct GatewayNotice: Sendable, Equatable {
    enum State: String, Sendable { case online, offline }

    var gateway: String
    var state: State
    var pid: Int64
    /// When the process started, in milliseconds since 1970; with `pid` it tells one life of a gateway from the next.
    var started: Int64

    init(gateway: String, state: State, pid: Int64, started: Int64) {
        self.gateway = gateway
        self.state = state
        self.pid = pid
        self.started = started
    }

    /// nil for anything that is not a notice: the topic is open to whoever may publish there.
    init?(payload: [UInt8]) {
        guard let json = try? JSONValue(parsing: payload),
            let gateway = json["gateway"]?.stringValue, let name = json["state"]?.stringValue,
            let state = State(rawValue: name), let pid = json["pid"]?.intValue, let started = json["started"]?.intValue
        else { return nil }
        self.init(gateway: gateway, state: state, pid: pid, started: started)
    }

    var payload: [UInt8] {
        JSONValue.object([
            "gateway": .string(gateway), "state": .string(state.rawValue), "pid": .integer(pid),
            "started": .integer(started),
        ]).serialized()
    }

    static func topic(plant: String, gateway: String) -> String { "linekeeper/\(plant)/gateways/\(gateway)" }
}
