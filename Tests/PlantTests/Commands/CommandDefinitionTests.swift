import JSON
import OrderedCollections
import Plant
import Testing

@Suite("CommandDefinition")
struct CommandDefinitionTests {
    static func definition(_ parameters: [CommandParameter]) throws -> CommandDefinition {
        try CommandDefinition(
            name: "go", devices: CommandDevices("f/+"), topic: DeviceTemplate("{device}/cmd"), parameters: parameters,
            execution: .idempotent)
    }

    @Test("parameters are checked, ordered and completed")
    func parameters() throws {
        let definition = try Self.definition([
            CommandParameter(name: "rpm", kind: .number, minimum: 0, maximum: 1800, unit: "rpm"),
            CommandParameter(name: "count", kind: .integer, defaultValue: 3),
            CommandParameter(name: "mode", kind: .text, values: ["auto", "manual"], isRequired: false),
            CommandParameter(name: "force", kind: .bool, isRequired: false),
        ])
        #expect(
            try definition.checked(["force": true, "rpm": 5]).elements.map(\.key) == ["rpm", "count", "force"])
        #expect(try definition.checked(["rpm": 1800, "count": 4.0])["count"] == 4)
        #expect(throws: CommandParameter.Mistake.missing("rpm")) { try definition.checked([:]) }
        #expect(throws: CommandParameter.Mistake.tooSmall("rpm", value: -1, minimum: 0, unit: "rpm")) {
            try definition.checked(["rpm": -1])
        }
        #expect(throws: CommandParameter.Mistake.wrongKind("rpm", expected: .number, found: "5")) {
            try definition.checked(["rpm": "5"])
        }
        #expect(throws: CommandParameter.Mistake.wrongKind("count", expected: .integer, found: 1.5)) {
            try definition.checked(["rpm": 5, "count": 1.5])
        }
        #expect(throws: CommandParameter.Mistake.notAllowed("mode", value: "x", allowed: ["auto", "manual"])) {
            try definition.checked(["rpm": 5, "mode": "x"])
        }
        #expect(throws: CommandParameter.Mistake.unknown("rmp", known: ["rpm", "count", "mode", "force"])) {
            try definition.checked(["rpm": 5, "rmp": 5])
        }
        #expect(throws: CommandParameter.Mistake.tooLong("mode")) {
            try definition.checked(["rpm": 5, "mode": .string(String(repeating: "x", count: 5000))])
        }
        #expect(try definition.parameters[0].value(fromText: "12.5") == 12.5)
        #expect(try definition.parameters[2].value(fromText: "12") == "12")
        #expect(throws: CommandParameter.Mistake.self) { try definition.parameters[1].value(fromText: "many") }
    }

    @Test("definitions that cannot be")
    func mistakes() {
        #expect(throws: CommandDefinition.Mistake.bounds("a")) {
            try Self.definition([CommandParameter(name: "a", kind: .number, minimum: 2, maximum: 1)])
        }
        #expect(throws: CommandDefinition.Mistake.boundsWithoutNumber("a")) {
            try Self.definition([CommandParameter(name: "a", kind: .text, minimum: 2)])
        }
        #expect(throws: CommandDefinition.Mistake.parameterTwice("a")) {
            try Self.definition([CommandParameter(name: "a", kind: .text), CommandParameter(name: "a", kind: .bool)])
        }
        #expect(throws: CommandDefinition.Mistake.self) {
            try Self.definition([CommandParameter(name: "a", kind: .number, maximum: 1, defaultValue: 2)])
        }
        #expect(throws: CommandDefinition.Mistake.timeout(0)) {
            try CommandDefinition(
                name: "go", devices: CommandDevices("#"), topic: DeviceTemplate("{device}/cmd"), execution: .idempotent,
                timeout: 0)
        }
        #expect(throws: CommandDefinition.Mistake.name("a b")) {
            try CommandDefinition(
                name: "a b", devices: CommandDevices("#"), topic: DeviceTemplate("{device}/cmd"), execution: .idempotent
            )
        }
    }

    @Test("topics for devices, and filters for their answers")
    func templates() throws {
        let template = try DeviceTemplate("{device}/cmd/{device}")
        #expect(template.filled(device: DeskFixture.device("a/b")) { _ in nil } == "a/b/cmd/a/b")
        #expect(try DeviceTemplate("{device}/ack").filter(devices: CommandDevices("f/+/+")) == "f/+/+/ack")
        #expect(try DeviceTemplate("{device}/ack").filter(devices: CommandDevices("f/#")) == "f/#")
        #expect(try DeviceTemplate("acks").filter(devices: CommandDevices("f/#")) == "acks")
        #expect(throws: DeviceTemplate.Mistake.unclosedPlaceholder) { try DeviceTemplate("{device}/{") }
        #expect(throws: DeviceTemplate.Mistake.self) { try DeviceTemplate("{device}/+") }
    }

    @Test("the first definition that matches the device counts")
    func catalogue() throws {
        func definition(_ devices: String, _ execution: CommandExecution) throws -> CommandDefinition {
            try CommandDefinition(
                name: "go", devices: CommandDevices(devices), topic: DeviceTemplate("{device}/cmd"),
                execution: execution)
        }
        let catalogue = CommandCatalogue([try definition("f/press", .atMostOnce), try definition("f/+", .idempotent)])
        #expect(try catalogue.definition(of: "go", for: DeskFixture.device("f/press")).execution == .atMostOnce)
        #expect(try catalogue.definition(of: "go", for: DeskFixture.device("f/pump")).execution == .idempotent)
        #expect(throws: CommandCatalogue.Absence.unknownDevice) {
            try catalogue.definition(of: "go", for: DeskFixture.device("g/pump"))
        }
        #expect(throws: CommandCatalogue.Absence.unknownCommand) {
            try catalogue.definition(of: "stop", for: DeskFixture.device("f/press"))
        }
        #expect(catalogue.definitions(for: DeskFixture.device("f/press")).count == 2)
    }
}
