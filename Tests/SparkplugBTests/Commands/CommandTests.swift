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

    @Test(
        "operational-behavior-data-commands-ncmd-metric-value, -dcmd-metric-value: a value fits the metric's type or is refused",
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
        let payload = try SparkplugPayload(command.payload(at: 5).span)
        #expect(payload.metrics == [SparkplugMetric(name: "m", timestamp: 5, type: example.type, value: wire)])
        // What the device tells when it has done it is what is waited for.
        #expect(scalar(example.type, wire) == .success(command.expected))
    }

    @Test(
        """
        operational-behavior-data-commands-ncmd-verb, -ncmd-metric-name, -dcmd-verb, -dcmd-metric-name, payloads-ncmd-seq, \
        payloads-dcmd-seq, topics-ncmd-timestamp: a command has its metric's name, a time, and no sequence number
        """)
    func payload() throws {
        let payload = try SparkplugPayload(
            SparkplugCommand(metric: "Setpoint", type: .double, value: .number(2)).payload(at: 77).span)
        #expect(payload.sequence == nil && payload.timestamp == 77)
        #expect(payload.metrics.map(\.name) == ["Setpoint"] && payload.metrics.map(\.alias) == [nil])
        #expect(EdgeTopic.text(.nodeCommand, group: "g", edge: "e") == "spBv1.0/g/NCMD/e")
        #expect(EdgeTopic.text(.deviceCommand, group: "g", edge: "e", device: "d") == "spBv1.0/g/DCMD/e/d")
    }

    @Test("operational-behavior-data-commands-rebirth-name, -name-aliases, -ncmd-rebirth-verb, -name, -value")
    func rebirth() throws {
        let payload = try SparkplugPayload(SparkplugCommand.rebirth(at: 77).span)
        #expect(
            payload.metrics == [
                SparkplugMetric(name: "Node Control/Rebirth", timestamp: 77, type: .boolean, value: .bool(true))
            ])
        #expect(payload.sequence == nil && payload.timestamp == 77)
        #expect(EdgeTopic.text(.nodeCommand, group: "g", edge: "e") == "spBv1.0/g/NCMD/e")
    }

    @Test("the echo is the same value in data that are good and about the present")
    func echo() throws {
        let command = try SparkplugCommand(metric: "m", type: .float, value: .number(0.1))
        func sample(
            _ value: SparkplugScalar?, _ flags: SparkplugSample.Flags = [], _ quality: SparkplugQuality = .good
        ) throws -> SparkplugSample {
            var metric = SparkplugMetric(name: "m", type: .float, value: .float(0))
            if case .number(let number)? = value { metric.value = .float(Float(number)) }
            metric.isNull = value == nil
            metric.isHistorical = flags.contains(.historical)
            metric.isTransient = flags.contains(.transient)
            metric.properties = SparkplugPropertySet(quality: quality)
            var session = EdgeNodeSession(seed: 1, asksFirst: true)
            var events = session.hear(.nodeBirth, birth([metric]), at: 0)
            if !flags.contains(.birth) { events += session.hear(.nodeData, message(1, [metric]), at: 0) }
            guard case .sample(let sample)? = events.last else { throw CancellationError() }
            return sample
        }
        #expect(command.isEcho(try sample(.number(0.1))))
        #expect(command.isEcho(try sample(.number(0.1), .transient)))
        #expect(!command.isEcho(try sample(.number(0.2))))
        #expect(!command.isEcho(try sample(nil)))
        #expect(!command.isEcho(try sample(.number(0.1), .historical)))
        #expect(!command.isEcho(try sample(.number(0.1), .birth)))
        #expect(!command.isEcho(try sample(.number(0.1), [], .bad)))
        #expect(!command.isEcho(try sample(.number(0.1), [], .stale)))
    }

    @Test("what a command needs of its metric comes from the birth that holds")
    func fromBirth() throws {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth([int("a", alias: 4, 1)]), at: 0)
        let metric = try #require(listener.session.metric(of: SparkplugTagID(rawValue: 0)))
        #expect(metric.name == "a" && metric.type == .int32 && metric.alias == 4)
        let command = try SparkplugCommand(metric: metric.name, type: metric.type, value: .integer(-7))
        #expect(listener.hear(.nodeData, message(1, [int(4, 0xFFFF_FFF9)]), at: 0) == ["a=-7"])
        #expect(command.expected == .integer(-7))
        _ = listener.hear(.nodeDeath, death(0), at: 1)
        #expect(listener.session.metric(of: SparkplugTagID(rawValue: 0)) == nil)
    }
}
