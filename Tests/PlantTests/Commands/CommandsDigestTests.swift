import JSON
import Testing

@testable import Plant

@Suite("PlantDefinition.digest: whether two gateways are configured alike")
struct CommandsDigestTests {
    /// What commands could say from the beginning.
    static func commands() throws -> [CommandDefinition] {
        let answer = try CommandAnswerRule(
            topic: DeviceTemplate("{device}/ack"), id: .place(JSONPointer("/id")),
            succeeded: [.init(pointer: JSONPointer("/status"), value: "ok")],
            failed: [.init(pointer: JSONPointer("/code"), value: 7)], message: JSONPointer("/message"))
        let parameters = [
            CommandParameter(
                name: "rpm", kind: .number, minimum: 0, maximum: 1800.5, unit: "rpm", defaultValue: 100),
            CommandParameter(name: "mode", kind: .text, values: ["slow", "fast \"x\""], isRequired: false),
        ]
        return [
            try CommandDefinition(
                name: "setSpeed", devices: CommandDevices("factory/+/+"),
                topic: DeviceTemplate("{device}/cmd/setSpeed"),
                parameters: parameters, execution: .idempotent, timeout: 5_000, answer: answer),
            try CommandDefinition(
                name: "start", devices: CommandDevices("factory/#"), topic: DeviceTemplate("{device}/cmd/{device}"),
                execution: .atMostOnce, interlock: Interlock("factory/guard == true and not {device}/mode == 'x'"),
                interlockInputAge: 3_000),
        ]
    }

    @Test("of commands that say nothing new, it is what earlier versions compute")
    func stays() throws {
        #expect(PlantDefinition(commands: try Self.commands()).digest == "fb606060aee3ccca")
        let host = try #require(SparkplugHostDefinition(hostID: "scada"))
        #expect(PlantDefinition(commands: try Self.commands(), sparkplug: host).digest != "fb606060aee3ccca")
    }
}
