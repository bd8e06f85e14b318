import JSON
import OrderedCollections
import Plant

/// Definitions and records that the tests of the desk share.
enum DeskFixture {
    static let press1 = device("factory/line1/press1")
    static let press2 = device("factory/line1/press2")
    static let epoch: Int64 = 1_000

    static func device(_ text: String) -> TagPath {
        do { return try TagPath(text) } catch { fatalError("\(text): \(error)") }
    }

    static func definition(
        _ name: String, _ execution: CommandExecution, answers: Bool = true, underway: Bool = false,
        interlock: String? = nil,
        inputAge: Milliseconds? = nil
    ) -> CommandDefinition {
        do {
            let answer = try CommandAnswerRule(
                topic: DeviceTemplate("{device}/ack"), id: JSONPointer("/id"),
                succeeded: [.init(pointer: JSONPointer("/status"), value: "ok")],
                failed: underway ? [.init(pointer: JSONPointer("/status"), value: "error")] : nil,
                message: JSONPointer("/message"))
            return try CommandDefinition(
                name: name, devices: TopicFilter("factory/+/+"), topic: DeviceTemplate("{device}/cmd/\(name)"),
                parameters: [
                    CommandParameter(
                        name: "rpm", kind: .number, minimum: 0, maximum: 1800, unit: "rpm", defaultValue: 100)
                ], execution: execution, answer: answers ? answer : nil, interlock: interlock.map { try Interlock($0) },
                interlockInputAge: inputAge)
        } catch {
            fatalError("\(name): \(error)")
        }
    }

    static let catalogue = CommandCatalogue([
        definition("setSpeed", .idempotent), definition("start", .atMostOnce),
        definition("tell", .idempotent, answers: false),
        definition("kick", .atMostOnce, answers: false), definition("slow", .idempotent, underway: true),
        definition("guarded", .atMostOnce, interlock: "{device}/guard == true", inputAge: 5000),
        definition("guardedSpeed", .idempotent, interlock: "{device}/guard == true"),
    ])

    static func request(
        _ id: String, _ command: String, device: TagPath = press1, at: Milliseconds = 0, timeout: Milliseconds? = nil
    ) -> CommandRecord {
        CommandRecord(
            id: id, device: device, command: command, parameters: ["rpm": 700], by: Principal(claimed: "ada"),
            requestedAt: at,
            timeout: timeout)
    }

    /// A desk that owns shard 0 and reaches the broker.
    static func desk(_ limits: CommandDesk.Limits = .init(), epoch: Int64 = epoch, gateway: String = "g1")
        -> CommandDesk
    {
        var desk = CommandDesk(gateway: gateway, catalogue: catalogue, limits: limits)
        _ = desk.brokerAvailable(true, at: 0)
        _ = desk.shardGained(0, epoch: epoch, at: 0)
        return desk
    }

    static func answer(_ id: String, _ status: String, message: String? = nil) -> [UInt8] {
        var answer: OrderedDictionary<String, JSONValue> = ["id": .string(id), "status": .string(status)]
        answer["message"] = message.map(JSONValue.string)
        return JSONValue.object(answer).serialized()
    }

    static func ackTopic(_ device: TagPath = press1) -> [UInt8] { Array((device.text + "/ack").utf8) }
}

extension Array<CommandAction> {
    var write: CommandWrite? {
        guard count == 1, case .record(let write) = self[0] else { return nil }
        return write
    }

    var publication: CommandPublication? {
        guard count == 1, case .publish(let publication) = self[0] else { return nil }
        return publication
    }

    var judgement: (ticket: CommandTicket, tags: [String])? {
        guard count == 1, case .judge(let ticket, let tags) = self[0] else { return nil }
        return (ticket, tags)
    }
}
