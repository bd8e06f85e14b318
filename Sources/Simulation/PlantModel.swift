import JSON
import OrderedCollections
package import Plant
import Primitives

/// A small plant that never was: conveyors, presses, a water pump and a guard switch a line, with drift, noise, trouble
/// now and then, and devices that obey commands.
///
/// A pure value. The same seed and the same times give the same messages, however often ``advance(to:)`` is called in
/// between. The shell (`linekeeper simulate`) owns clock and connections.
package struct PlantModel: Sendable {
    /// Milliseconds after the start at which the first press overheats.
    static let firstOverheating: Milliseconds = 4000

    package private(set) var devices: [SimulatedDevice]
    /// So many devices, the first ones, have a connection and a last will of their own.
    package static let devicesWithOwnConnection = 24

    /// The device that loses its connection now and then.
    package let dropout: Int?
    private let start: Milliseconds
    private let period: Double
    /// Rounds of measurements made so far, by device.
    private var rounds: [Int64]
    private var outages: Episodes
    package private(set) var isDropoutOffline = false

    /// - Parameters:
    ///   - devices: how many machines, guard switches included.
    ///   - rate: measurements a second of every sensor.
    ///   - seed: the same seed gives the same plant.
    ///   - start: the present, in milliseconds since 1970.
    package init(devices count: Int, rate: Double, seed: UInt64, start: Milliseconds) {
        var random = SeededRandom(seed: seed)
        self.start = start
        period = 1000 / min(max(rate, 0.001), 1000)
        var devices: [SimulatedDevice] = []
        for index in 0..<max(1, count) {
            let (line, place) = index.quotientAndRemainder(dividingBy: Self.machines.count)
            let (kind, name) = Self.machines[place]
            devices.append(
                SimulatedDevice(
                    kind: kind, path: "factory/line\(line + 1)/\(name)",
                    firstTrouble: name == "press1" && line == 0 ? Self.firstOverheating : nil, random: &random))
        }
        self.devices = devices
        rounds = [Int64](repeating: 0, count: devices.count)
        dropout = devices.indices.prefix(Self.devicesWithOwnConnection).last { devices[$0].kind == .conveyor && $0 > 0 }
        outages = Episodes(first: 25_000, pause: 60_000...180_000, length: 12_000...20_000, random: &random)
    }

    /// The machines of one line, in the order in which a growing plant gets them.
    private static let machines: [(SimulatedDevice.Kind, String)] = [
        (.press, "press1"), (.conveyor, "conveyor1"), (.pump, "pump1"), (.guardSwitch, "guard"),
        (.conveyor, "conveyor2"), (.press, "press2"), (.conveyor, "conveyor3"), (.press, "press3"),
    ]

    /// Messages a second when every device is online.
    package var messageRate: Double {
        Double(devices.reduce(0) { $0 + $1.sensorCount }) * 1000 / period
    }

    /// When device `index` measures for the nth time: devices are spread over the period, as they are in life.
    private func time(ofRound round: Int64, device index: Int) -> Milliseconds {
        let phase = period * Double(index) / Double(devices.count)
        return start &+ Milliseconds(phase + Double(round) * period)
    }

    /// Everything measured up to `now`, in the order of time. Also moves the outage on: see ``isDropoutOffline``.
    package mutating func advance(to now: Milliseconds) -> [SimulatedMessage] {
        var due: [(at: Milliseconds, message: SimulatedMessage)] = []
        for index in devices.indices {
            while case let at = time(ofRound: rounds[index], device: index), at <= now {
                rounds[index] &+= 1
                let readings = devices[index].measure(elapsed: at &- start, after: period / 1000)
                if index == dropout, isOutage(at: at) { continue }
                for (metric, reading) in readings {
                    due.append((at, Self.message(path: devices[index].path, metric: metric, reading: reading, at: at)))
                }
            }
        }
        isDropoutOffline = dropout != nil && isOutage(at: now)
        due.sort { $0.at < $1.at }
        return due.map(\.message)
    }

    private mutating func isOutage(at time: Milliseconds) -> Bool { outages.isUnderWay(at: time &- start) }

    private static func message(
        path: String, metric: String, reading: SimulatedDevice.Reading, at time: Milliseconds
    ) -> SimulatedMessage {
        let value =
            switch reading {
            case .number(let number):
                number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
            case .bool(let bool): bool ? "true" : "false"
            }
        return SimulatedMessage(topic: "\(path)/\(metric)", payload: Array("{\"v\":\(value),\"ts\":\(time)}".utf8))
    }

    // MARK: Presence

    /// `<device>/status`: what a device says of itself when it connects, and the broker for it when it is cut off.
    package static func presence(of path: String, online: Bool) -> SimulatedMessage {
        SimulatedMessage(topic: path + "/status", payload: Array((online ? "online" : "offline").utf8), retain: true)
    }

    // MARK: Commands

    /// The filter that brings commands to every device of the plant.
    package static let commandFilter = "factory/+/+/cmd/+"

    /// A message on `<device>/cmd/<name>`. Answers what the device would publish: nil when it is not for one of ours, or
    /// when the device has no connection.
    package mutating func commandReceived(topic: String, payload: [UInt8], now: Milliseconds) -> SimulatedMessage? {
        guard let (index, name) = target(of: topic), !(index == dropout && isDropoutOffline) else { return nil }
        let path = devices[index].path
        guard let json = try? JSONValue(payload: payload), let id = json["id"]?.stringValue else {
            return Self.answer(path: path, id: nil, outcome: .error("the command has no id"), note: nil)
        }
        let verdict = devices[index].inbox.received(
            id: id, deadline: json["deadline"]?.intValue, epoch: json["epoch"]?.intValue, now: now)
        switch verdict {
        case .answer(let outcome, let note):
            return Self.answer(path: path, id: id, outcome: outcome, note: note)
        case .execute:
            let outcome = devices[index].execute(name, parameters: json["parameters"] ?? json)
            devices[index].inbox.finished(id: id, outcome: outcome)
            return Self.answer(path: path, id: id, outcome: outcome, note: nil)
        }
    }

    private func target(of topic: String) -> (device: Int, command: String)? {
        guard let range = topic.utf8.indices(of: "/cmd/") else { return nil }
        let path = topic[..<range.lowerBound]
        guard let index = devices.firstIndex(where: { $0.path == path }) else { return nil }
        return (index, String(topic[range.upperBound...]))
    }

    private static func answer(path: String, id: String?, outcome: CommandInbox.Outcome, note: String?)
        -> SimulatedMessage
    {
        var members: [(String, JSONValue)] = [("id", id.map(JSONValue.string) ?? .null)]
        switch outcome {
        case .ok:
            members.append(("status", "ok"))
            if let note { members.append(("message", .string(note))) }
        case .error(let reason):
            members.append(("status", "error"))
            members.append(("message", .string(note.map { "\(reason): \($0)" } ?? reason)))
        }
        return SimulatedMessage(
            topic: path + "/ack", payload: JSONValue.object(.init(uniqueKeysWithValues: members)).serialized())
    }
}

extension String.UTF8View {
    /// Where `text` occurs first.
    fileprivate func indices(of text: String) -> Range<Index>? {
        let wanted = Array(text.utf8)
        var start = startIndex
        while start != endIndex {
            var position = start
            var matched = 0
            while matched < wanted.count, position != endIndex, self[position] == wanted[matched] {
                matched += 1
                position = index(after: position)
            }
            if matched == wanted.count { return start..<position }
            start = index(after: start)
        }
        return nil
    }
}
