import Foundation
public import JSON
import MQTT
import OrderedCollections
import Synchronization

/// Devices that know nothing of Linekeeper, each speaking as its make does: Tasmota, zigbee2mqtt, Shelly of the second generation,
/// a valve behind ChirpStack v4, and one that answers as MQTT 5 has it.
public final class HomeDevices: Sendable {
    /// Something that a device is to say.
    private struct Saying: Sendable {
        var topic: String
        var payload: String
        var correlation: [UInt8]?
    }

    private struct State {
        /// By device and name: `plug` `POWER`.
        var values: [String: OrderedDictionary<String, JSONValue>] = [:]
        var arrivals: [(topic: String, payload: String)] = []
        var delay = Duration.zero
        /// Devices that keep their state whatever they are told.
        var stuck: Set<String> = []
    }

    private final class House: Sendable {
        let state = Mutex(State())
        let link = Mutex<BrokerLink?>(nil)
    }

    private let house: House
    private let link: BrokerLink

    public init(port: Int) async throws {
        let house = House()
        self.house = house
        link = try await BrokerLink(
            port: port, clientID: "home-\(UUID().uuidString.prefix(6))",
            subscriptions: [
                "cmnd/+/+", "zigbee2mqtt/+/set", "zigbee2mqtt/+/+/set", "+/rpc", "cell/+/do",
                "application/+/device/+/command/down",
            ]
        ) { message in
            let delay = house.state.withLock { state in
                state.arrivals.append((message.topic, message.text))
                return state.delay
            }
            guard let link = house.link.withLock({ $0 }) else { return }
            // A loose task: what the end of the test overtakes is of no interest.
            Task {
                try? await Task.sleep(for: delay)
                for saying in house.state.withLock({ Self.obey(message, &$0) }) {
                    let properties = MQTTProperties(correlationData: saying.correlation)
                    try? await link.publish(saying.topic, Array(saying.payload.utf8), properties: properties)
                }
            }
        }
        let link = link
        house.link.withLock { $0 = link }
    }

    /// A device says something of its own accord.
    public func say(_ topic: String, _ payload: String) async throws { try await link.publish(topic, payload) }
    /// How long a device takes to do what it is told.
    public func take(_ delay: Duration) { house.state.withLock { $0.delay = delay } }
    public func jam(_ device: String) { house.state.withLock { _ = $0.stuck.insert(device) } }
    public func value(_ device: String, _ name: String) -> JSONValue? {
        house.state.withLock { $0.values[device]?[name] }
    }
    /// What has come on a topic.
    public func arrivals(on topic: String) -> [String] {
        house.state.withLock { state in state.arrivals.filter { $0.topic == topic }.map(\.payload) }
    }
    public func close() async {
        house.link.withLock { $0 = nil }
        await link.close()
    }

    private static func obey(_ message: BrokerLink.Message, _ state: inout State) -> [Saying] {
        let levels = message.topic.split(separator: "/").map(String.init)
        switch (levels.first, levels.last) {
        case ("cmnd", let what?): return tasmota(levels[1], what, message.text, &state)
        case ("zigbee2mqtt", "set"):
            return zigbee(levels[1..<levels.count - 1].joined(separator: "/"), message.text, &state)
        case (let device?, "rpc"): return shelly(device, message.text, &state)
        case ("application", "down"): return chirpstack(levels[1], levels[3], message.text, &state)
        case ("cell", "do"):
            guard let topic = message.properties?.responseTopic else { return [] }
            return [
                Saying(
                    topic: topic, payload: #"{"result":null}"#, correlation: message.properties?.correlationData)
            ]
        default: return []
        }
    }

    private static func switched(_ word: String, from old: JSONValue?) -> String? {
        switch word.uppercased() {
        case "ON", "1": "ON"
        case "OFF", "0": "OFF"
        case "TOGGLE", "2": old == "ON" ? "OFF" : "ON"
        default: nil
        }
    }

    // MARK: Tasmota, with SetOption59 1

    private static func tasmota(_ name: String, _ what: String, _ word: String, _ state: inout State) -> [Saying] {
        let result = "stat/\(name)/RESULT"
        if what == "Dimmer", let level = Int64(word), (0...100).contains(level) {
            state.values[name, default: [:]]["Dimmer"] = .integer(level)
            state.values[name]?["POWER"] = level > 0 ? "ON" : "OFF"
            let values = JSONValue.object(state.values[name] ?? [:])
            return [
                Saying(topic: result, payload: "\(values)"), Saying(topic: "tele/\(name)/STATE", payload: "\(values)"),
            ]
        }
        guard what.hasPrefix("POWER"), let power = switched(word, from: state.values[name]?[what]) else {
            return [Saying(topic: result, payload: #"{"Command":"Unknown"}"#)]
        }
        let shown = state.stuck.contains(name) ? "OFF" : power
        state.values[name, default: [:]][what] = .string(shown)
        return [
            Saying(topic: result, payload: #"{"\#(what)":"\#(shown)"}"#),
            Saying(topic: "stat/\(name)/\(what)", payload: shown),
        ]
    }

    // MARK: zigbee2mqtt

    private static func zigbee(_ name: String, _ payload: String, _ state: inout State) -> [Saying] {
        guard let wanted = (try? JSONValue(parsing: payload))?.objectValue else { return [] }
        for (key, value) in wanted where key != "transition" {
            let word = value.stringValue.flatMap { switched($0, from: state.values[name]?[key]) }
            state.values[name, default: [:]][key] = key == "state" ? word.map(JSONValue.string) : value
        }
        return [Saying(topic: "zigbee2mqtt/\(name)", payload: "\(JSONValue.object(state.values[name] ?? [:]))")]
    }

    // MARK: Shelly: one relay

    private static func shelly(_ device: String, _ payload: String, _ state: inout State) -> [Saying] {
        guard let frame = try? JSONValue(parsing: payload), let source = frame["src"]?.stringValue else { return [] }
        var answer: OrderedDictionary<String, JSONValue> = [
            "id": frame["id"] ?? .null, "src": .string(device), "dst": .string(source),
        ]
        let wasOn = state.values[device]?["output"] == true
        let on: Bool?
        switch frame["method"]?.stringValue {
        case "Switch.Set": on = frame["params"]?["on"]?.boolValue
        case "Switch.Toggle": on = !wasOn
        default: on = nil
        }
        var sayings: [Saying] = []
        if let on, frame["params"]?["id"] == 0 {
            answer["result"] = ["was_on": .bool(wasOn)]
            state.values[device, default: [:]]["output"] = .bool(on)
            if on != wasOn {
                // The seconds of now, as its clock has them.
                let now = JSONValue.number((Date().timeIntervalSince1970 * 100).rounded() / 100)
                let status: JSONValue = [
                    "src": .string(device), "dst": .string(device + "/events"), "method": "NotifyStatus",
                    "params": ["ts": now, "switch:0": ["id": 0, "output": .bool(on), "source": "MQTT"]],
                ]
                sayings.append(Saying(topic: device + "/events/rpc", payload: "\(status)"))
            }
        } else {
            answer["error"] = ["code": -105, "message": "Argument 'id', value not found!"]
        }
        return [Saying(topic: source + "/rpc", payload: "\(JSONValue.object(answer))")] + sayings
    }

    // MARK: ChirpStack v4: a valve of class A

    private static func chirpstack(
        _ application: String, _ eui: String, _ payload: String, _ state: inout State
    ) -> [Saying] {
        // What names another device, or no port, is dropped.
        guard let frame = try? JSONValue(parsing: payload), frame["devEui"]?.stringValue == eui,
            let port = frame["fPort"]?.intValue, port > 0
        else { return [] }
        let event = "application/\(application)/device/\(eui)/event/"
        // Of the item in the device's queue: ChirpStack's own.
        let item = UUID().uuidString.lowercased()
        // Behind this uplink the device listens.
        let now = Date()
        var sayings = [uplink(event, state.values[eui] ?? [:], at: now)]
        sayings.append(Saying(topic: event + "txack", payload: #"{"queueItemId":"\#(item)"}"#))
        if frame["confirmed"] == true {
            sayings.append(Saying(topic: event + "ack", payload: #"{"queueItemId":"\#(item)","acknowledged":true}"#))
        }
        if !state.stuck.contains(eui) {
            switch (port, frame["data"]?.stringValue, frame["object"]) {
            case (2, "AQ=="?, _): state.values[eui, default: [:]]["valve"] = ["open": true]
            case (2, "AA=="?, _): state.values[eui, default: [:]]["valve"] = ["open": false]
            case (3, _, let object?): state.values[eui, default: [:]]["interval"] = object["interval"]
            case (4, "AQ=="?, _): state.values[eui] = nil
            default: break
            }
        }
        return sayings + [uplink(event, state.values[eui] ?? [:], at: now.addingTimeInterval(0.02))]
    }

    private static func uplink(_ event: String, _ values: OrderedDictionary<String, JSONValue>, at date: Date) -> Saying
    {
        var values = values
        values["level"] = 3.25
        let time = date.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
        return Saying(
            topic: event + "up", payload: #"{"time":"\#(time)Z","fPort":2,"object":\#(JSONValue.object(values))}"#)
    }
}
