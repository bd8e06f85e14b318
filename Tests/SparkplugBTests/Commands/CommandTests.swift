import SparkplugB
import Testing

@Suite("Commands")
struct CommandTests {
    struct Case: CustomTestStringConvertible {
        let type: SparkplugDataType
        let value: SparkplugScalar
        let wire: SparkplugValue?
        let refusal: SparkplugCommandRefusal?

        init(_ type: SparkplugDataType, _ value: SparkplugScalar, _ wire: SparkplugValue) {
            self.type = type
            self.value = value
            self.wire = wire
            refusal = nil
        }

        init(
            _ type: SparkplugDataType, _ value: SparkplugScalar,
            _ refusal: (SparkplugDataType) -> SparkplugCommandRefusal
        ) {
            self.type = type
            self.value = value
            wire = nil
            self.refusal = refusal(type)
        }

        var testDescription: String { "\(type.name) \(value)" }
    }

    static let cases: [Case] = [
        Case(.int8, .integer(-128), .int(0xFFFF_FF80)), Case(.int8, .integer(127), .int(127)),
        Case(.int8, .integer(128), SparkplugCommandRefusal.outOfRange),
        Case(.int16, .integer(-32_768), .int(0xFFFF_8000)),
        Case(.int16, .integer(32_768), SparkplugCommandRefusal.outOfRange),
        Case(.int32, .number(-3), .int(0xFFFF_FFFD)), Case(.int32, .number(0.5), SparkplugCommandRefusal.inexact),
        Case(.int32, .number(1e10), SparkplugCommandRefusal.outOfRange),
        Case(.int32, .number(.nan), SparkplugCommandRefusal.outOfRange),
        Case(.int32, .number(.infinity), SparkplugCommandRefusal.outOfRange),
        Case(.int64, .integer(.min), .long(1 << 63)), Case(.int64, .number(1e300), SparkplugCommandRefusal.outOfRange),
        Case(.int64, .unsigned(1 << 63), SparkplugCommandRefusal.outOfRange), Case(.uint8, .integer(255), .int(255)),
        Case(.uint8, .integer(-1), SparkplugCommandRefusal.outOfRange), Case(.uint16, .integer(65_535), .int(65_535)),
        Case(.uint32, .integer(0xFFFF_FFFF), .int(.max)), Case(.uint64, .unsigned(.max), .long(.max)),
        Case(.uint64, .integer(5), .long(5)), Case(.uint64, .integer(-5), SparkplugCommandRefusal.outOfRange),
        Case(.uint64, .number(18_446_744_073_709_549_568), .long(18_446_744_073_709_549_568)),
        Case(.dateTime, .integer(1_790_000_000_000), .long(1_790_000_000_000)),
        Case(.dateTime, .integer(-1), SparkplugCommandRefusal.outOfRange),
        Case(.int32, .bool(true), SparkplugCommandRefusal.kind), Case(.int32, .text("1"), SparkplugCommandRefusal.kind),
        Case(.float, .number(0.1), .float(0.1)), Case(.float, .integer(16_777_216), .float(16_777_216)),
        Case(.float, .integer(16_777_217), SparkplugCommandRefusal.inexact),
        Case(.float, .number(1e300), SparkplugCommandRefusal.outOfRange),
        Case(.double, .number(0.1), .double(0.1)), Case(.double, .integer(7), .double(7)),
        Case(.double, .integer(.max), SparkplugCommandRefusal.inexact),
        Case(.double, .number(.nan), SparkplugCommandRefusal.outOfRange),
        Case(.boolean, .bool(true), .bool(true)), Case(.boolean, .integer(1), SparkplugCommandRefusal.kind),
        Case(.string, .text("é"), .string("é")), Case(.text, .text(""), .string("")),
        Case(.string, .integer(1), SparkplugCommandRefusal.kind),
        Case(.string, .text(String(repeating: "x", count: 65_537)), SparkplugCommandRefusal.outOfRange),
        Case(.uuid, .text("01234567-89ab-cdef-0123-456789abcdef"), .string("01234567-89ab-cdef-0123-456789abcdef")),
        Case(.uuid, .text("x"), SparkplugCommandRefusal.kind),
        Case(.bytes, .text("Zg=="), SparkplugCommandRefusal.type),
        Case(.dataSet, .integer(1), SparkplugCommandRefusal.type),
        Case(.unknown, .integer(1), SparkplugCommandRefusal.type),
        Case(.int8Array, .text("[1]"), SparkplugCommandRefusal.type),
    ]

    // Assertions: operational-behavior-data-commands-ncmd-metric-value,
    // operational-behavior-data-commands-dcmd-metric-value
    @Test(
        "a value fits the metric's type or is refused",
        arguments: cases)
    func values(_ example: Case) throws {
        guard let wire = example.wire else {
            let refusal = try #require(example.refusal)
            #expect(throws: refusal) {
                try SparkplugCommand(metric: "m", type: example.type, value: example.value)
            }
            #expect(refusal.description.contains(example.type.name))
            return
        }
        let command = try SparkplugCommand(metric: "m", type: example.type, value: example.value)
        let payload = try SparkplugPayload(command.payload(at: 5, alias: nil).span)
        #expect(payload.metrics == [SparkplugMetric(name: "m", timestamp: 5, type: example.type, value: wire)])
        // What the device tells when it has done it is what is waited for.
        #expect(scalar(example.type, wire) == .success(command.expected))
    }

    // Assertions: operational-behavior-data-commands-ncmd-verb, operational-behavior-data-commands-ncmd-metric-name,
    // operational-behavior-data-commands-dcmd-verb, operational-behavior-data-commands-dcmd-metric-name,
    // payloads-ncmd-seq, payloads-dcmd-seq, topics-ncmd-timestamp, topics-dcmd-timestamp, payloads-ncmd-timestamp,
    // payloads-dcmd-timestamp, topics-ncmd-payload, topics-dcmd-payload, payloads-alias-data-cmd-requirement
    @Test("a command has its metric's name and alias, a time, and no sequence number")
    func payload() throws {
        let command = try SparkplugCommand(metric: "Setpoint", type: .double, value: .number(2))
        for alias in [nil, 0, 7] as [UInt64?] {
            let payload = try SparkplugPayload(command.payload(at: 77, alias: alias).span)
            #expect(payload.sequence == nil && payload.timestamp == 77)
            #expect(payload.metrics.map(\.name) == ["Setpoint"] && payload.metrics.map(\.alias) == [alias])
        }
        #expect(EdgeTopic.text(.nodeCommand, group: "g", edge: "e") == "spBv1.0/g/NCMD/e")
        #expect(EdgeTopic.text(.deviceCommand, group: "g", edge: "e", device: "d") == "spBv1.0/g/DCMD/e/d")
    }

    // Assertions: operational-behavior-data-commands-rebirth-name-aliases,
    // operational-behavior-data-commands-ncmd-rebirth-verb, operational-behavior-data-commands-ncmd-rebirth-name,
    // operational-behavior-data-commands-ncmd-rebirth-value
    @Test("a request for a rebirth names its metric, and has no alias")
    func rebirth() throws {
        let payload = try SparkplugPayload(SparkplugCommand.rebirth(at: 77).span)
        #expect(
            payload.metrics == [
                SparkplugMetric(name: "Node Control/Rebirth", timestamp: 77, type: .boolean, value: .bool(true))
            ])
        #expect(payload.sequence == nil && payload.timestamp == 77)
        #expect(EdgeTopic.text(.nodeCommand, group: "g", edge: "e") == "spBv1.0/g/NCMD/e")
    }

    // Assertions: operational-behavior-data-commands-ncmd-metric-name,
    // operational-behavior-data-commands-dcmd-metric-name
    @Test("what a command needs of its metric comes from the birth that holds")
    func fromBirth() throws {
        var listener = Listener()
        #expect(listener.standing("a") == .unborn && listener.standing("a", device: "d") == .unborn)
        _ = listener.hear(.nodeBirth, birth([int("a", alias: 4, 1)]), at: 0)
        #expect(listener.standing("a") == .named(.int32, alias: 4, tag: SparkplugTagID(rawValue: 0)))
        #expect(listener.standing("b") == .unnamed && listener.standing("a", device: "d") == .unborn)
        let command = try SparkplugCommand(metric: "a", type: .int32, value: .integer(-7))
        #expect(listener.hear(.nodeData, message(1, [int(4, 0xFFFF_FFF9)]), at: 0) == ["a=-7"])
        #expect(command.expected == .integer(-7))
        // A device has metrics of its own, and dies by itself.
        _ = listener.hear(
            .deviceBirth, message(2, [SparkplugMetric(name: "a", type: .float, value: .float(1))]), device: "d", at: 0)
        #expect(listener.standing("a", device: "d") == .named(.float, tag: SparkplugTagID(rawValue: 1)))
        _ = listener.advance(to: listener.session.rule.deviceGrace)
        _ = listener.hear(.deviceDeath, message(3), device: "d", at: 60_000)
        #expect(listener.standing("a", device: "d") == .dead)
        #expect(listener.standing("a") == .named(.int32, alias: 4, tag: SparkplugTagID(rawValue: 0)))
        // The next birth says what there is.
        _ = listener.hear(
            .deviceBirth, message(4, [SparkplugMetric(name: "b", type: .boolean, value: .bool(true))]), device: "d",
            at: 60_000)
        #expect(listener.standing("a", device: "d") == .unnamed)
        #expect(listener.standing("b", device: "d") == .named(.boolean, tag: SparkplugTagID(rawValue: 2)))
        // Without their edge node no devices are there, also those that were never heard of.
        _ = listener.hear(.nodeDeath, death(0), at: 60_001)
        #expect(listener.standing("a") == .dead)
        #expect(listener.standing("b", device: "d") == .dead && listener.standing("b", device: "x") == .dead)
        // Born again, it has the devices that are born again soon.
        _ = listener.hear(.nodeBirth, birth(number: 1, at: 5_000, [int("a", 1)]), at: 65_000)
        #expect(listener.standing("a") == .named(.int32, tag: SparkplugTagID(rawValue: 0)))
        #expect(listener.standing("b", device: "d") == .unborn)
        _ = listener.advance(to: 65_000 + listener.session.rule.deviceGrace)
        #expect(listener.standing("b", device: "d") == .dead)
    }
}
