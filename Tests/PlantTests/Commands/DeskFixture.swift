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
        inputAge: Milliseconds? = nil, verifies: Bool = false, within: Milliseconds? = nil
    ) -> CommandDefinition {
        do {
            let verification = try CommandVerification(
                tag: DeviceTemplate("{device}/rpm"), wanted: .parameter("rpm"), within: within)
            let answer = try CommandAnswerRule(
                topic: DeviceTemplate("{device}/ack"), id: .place(JSONPointer("/id")),
                succeeded: [.init(pointer: JSONPointer("/status"), value: "ok")],
                failed: underway ? [.init(pointer: JSONPointer("/status"), value: "error")] : nil,
                message: JSONPointer("/message"))
            return try CommandDefinition(
                name: name, devices: CommandDevices("factory/+/+"), topic: DeviceTemplate("{device}/cmd/\(name)"),
                parameters: [
                    CommandParameter(
                        name: "rpm", kind: .number, minimum: 0, maximum: 1800, unit: "rpm", defaultValue: 100)
                ], execution: execution, answer: answers ? answer : nil, verification: verifies ? verification : nil,
                interlock: interlock.map { try Interlock($0) }, interlockInputAge: inputAge)
        } catch {
            fatalError("\(name): \(error)")
        }
    }

    /// Commands in a device's own form.
    static let own: [CommandDefinition] = {
        do {
            let devices = try CommandDevices("factory/+/+")
            let answer = try CommandAnswerRule(
                topic: DeviceTemplate("{device}/ack"), id: .correlation,
                succeeded: [.init(pointer: JSONPointer("/result"), exists: true)],
                failed: [.init(pointer: JSONPointer("/error"), exists: true)])
            return [
                try CommandDefinition(
                    name: "correlated", devices: devices, topic: DeviceTemplate("{device}/rpc"),
                    parameters: [CommandParameter(name: "rpm", kind: .number)],
                    payload: .json(CommandJSON(["rpm": "{rpm}"])), execution: .idempotent, answer: answer),
                try CommandDefinition(
                    name: "chosen", devices: devices, topic: DeviceTemplate("{device}/cmnd/{output}"),
                    parameters: [CommandParameter(name: "output", kind: .text)], payload: .nothing,
                    execution: .idempotent),
                try CommandDefinition(
                    name: "toggle", devices: devices, topic: DeviceTemplate("{device}/toggle"),
                    parameters: [CommandParameter(name: "rpm", kind: .number)], payload: .nothing,
                    execution: .atMostOnce),
            ]
        } catch {
            fatalError("\(error)")
        }
    }()

    static func metric(
        _ name: String, _ execution: CommandExecution = .idempotent, interlock: String? = nil,
        verification: CommandVerification? = CommandVerification(.echo), timeout: Milliseconds = 10_000
    ) -> CommandDefinition {
        do {
            return try CommandDefinition(
                name: name, devices: CommandDevices("factory/{edge}/{unit}"),
                topic: DeviceTemplate("spBv1.0/factory/DCMD/{edge}/{unit}"),
                parameters: [CommandParameter(name: "rpm", kind: .number)],
                payload: .metric(CommandMetric(name: DeviceTemplate("Outputs/Speed"), value: .parameter("rpm"))),
                execution: execution, timeout: timeout, verification: verification,
                interlock: interlock.map { try Interlock($0) }, interlockInputAge: interlock == nil ? nil : 5_000)
        } catch {
            fatalError("\(name): \(error)")
        }
    }

    static let catalogue = CommandCatalogue(
        own + [
            metric("written"), metric("writtenOnce", .atMostOnce), metric("writtenBlind", verification: nil),
            metric("writtenSoon", verification: CommandVerification(.echo, tolerance: 5, within: 1_000)),
            metric("writtenGuarded", interlock: "{device}/guard == true"),
            definition("setSpeed", .idempotent), definition("start", .atMostOnce),
            definition("tell", .idempotent, answers: false),
            definition("kick", .atMostOnce, answers: false), definition("slow", .idempotent, underway: true),
            definition("guarded", .atMostOnce, interlock: "{device}/guard == true", inputAge: 5000),
            definition("guardedSpeed", .idempotent, interlock: "{device}/guard == true"),
            definition("shown", .idempotent, answers: false, verifies: true),
            definition("shownSoon", .idempotent, answers: false, verifies: true, within: 1_000),
            definition("shownOnce", .atMostOnce, answers: false, verifies: true),
            definition("both", .idempotent, verifies: true), definition("bothOnce", .atMostOnce, verifies: true),
        ])

    static func request(
        _ id: String, _ command: String, device: TagPath = press1, at: Milliseconds = 0, timeout: Milliseconds? = nil,
        rpm: Int64 = 700
    ) -> CommandRecord {
        CommandRecord(
            id: id, device: device, command: command, parameters: ["rpm": .integer(rpm)], by: Principal(claimed: "ada"),
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
        guard count == 1, case .judge(let ticket, let tags, nil) = self[0] else { return nil }
        return (ticket, tags)
    }

    var metricJudgement: (ticket: CommandTicket, tags: [String], metric: MetricAddress)? {
        guard count == 1, case .judge(let ticket, let tags, let metric?) = self[0] else { return nil }
        return (ticket, tags, metric)
    }
}
