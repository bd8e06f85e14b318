import Primitives
import TestFixtures
import Testing

@testable import JSON

@Suite("The scanner against the full reader")
struct JSONScannerTests {
    /// What the scanner found as a value; nil for nothing.
    private func value(_ found: JSONScanner.Found, _ bytes: [UInt8]) -> JSONValue? {
        switch found.kind {
        case .missing: nil
        case .null: .null
        case .integer: .integer(found.integer)
        case .number: .number(found.number)
        case .bool: .bool(found.bool)
        case .text: .string(String(decoding: bytes[found.text], as: UTF8.self))
        case .container: []
        }
    }

    private func isContainer(_ value: JSONValue?) -> Bool { value?.arrayValue != nil || value?.objectValue != nil }

    /// Whatever the scanner accepts, the reader reads, and both see the same values. Gives whether the scanner
    /// accepted.
    @discardableResult
    private func compare(_ bytes: [UInt8], _ pointers: [JSONPointer], _ scanner: inout JSONScanner, seed: String)
        -> Bool
    {
        let plan = JSONScanPlan(pointers)
        guard scanner.scan(bytes.span, plan: plan) else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let document = try? JSONValue(parsing: bytes) else {
            Issue.record("\(seed): the scanner accepted what the reader refuses: \(text)")
            return true
        }
        for (pointer, slot) in zip(pointers, plan.slots) {
            let expected = document.value(at: pointer)
            let found = scanner.found[slot]
            if found.kind == .container {
                #expect(isContainer(expected), "\(seed): \(pointer) of \(text)")
            } else {
                #expect(value(found, bytes) == expected, "\(seed): \(pointer) of \(text)")
                if case .number(let left) = value(found, bytes), case .number(let right) = expected {
                    #expect(left.bitPattern == right.bitPattern, "\(seed): \(pointer) of \(text)")
                }
            }
        }
        return true
    }

    @Test("Generated documents, whole, truncated and damaged", arguments: 0..<8)
    func differential(seed: UInt64) {
        var generator = JSONGenerator(seed: seed)
        var scanner = JSONScanner()
        for round in 0..<250 {
            let bytes = generator.value().serialized()
            let pointers = (0..<4).map { _ in generator.pointer() }
            let place = "seed \(seed) round \(round)"
            compare(bytes, pointers, &scanner, seed: place)
            for length in bytes.indices { compare(Array(bytes.prefix(length)), pointers, &scanner, seed: place) }
            for _ in 0..<20 { compare(generator.damaged(bytes), pointers, &scanner, seed: place) }
        }
    }

    /// What the scanner accepts the reader reads as the same; what is salvaged of a sound document is that document.
    /// `LINEKEEPER_LONG=1` plays ten million.
    @Test("Mutated documents")
    func mutants() {
        var generator = JSONGenerator(seed: 21)
        var random = SeededRandom(seed: 22)
        let mutator = Mutator(seeds: (0..<300).map { _ in generator.value().serialized() })
        let pointers = (0..<32).map { _ in (0..<4).map { _ in generator.pointer() } }
        var scanner = JSONScanner()
        var accepted = 0
        var sound = 0
        var run = LongRun(usual: 100_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let bytes = mutator.mutant(&random)
            if compare(bytes, pointers[round % 32], &scanner, seed: "round \(round)") { accepted += 1 }
            let salvaged = try? SalvagedJSON(salvaging: bytes.span)
            guard let document = try? JSONValue(parsing: bytes) else { continue }
            sound += 1
            guard salvaged?.soundParts == document else {
                Issue.record("round \(round): salvaged \(String(describing: salvaged)) of \(document)")
                return
            }
        }
        // A fuzz that is always or never refused tests nothing.
        #expect(accepted > run.inputs / 100 && sound > run.inputs / 20, "\(accepted), \(sound)")
        #expect(sound < run.inputs * 19 / 20, "\(sound)")
        #expect(!run.hasGrown)
    }

    @Test("Readings as sensors send them take the fast path")
    func acceptsReadings() throws {
        var scanner = JSONScanner()
        let pointers = try ["/v", "/ts", "/readings/1/v", "/unit"].map { try JSONPointer($0) }
        let documents = [
            #"{"v":21.5,"ts":1700000000000,"unit":"°C"}"#, #"{ "ts" : "2026-11-21T06:52:23Z" , "v" : -3 }"#,
            #"{"readings":[{"v":1},{"v":2}],"v":true}"#, #"{"v":null}"#, #"{"v":"running"}"#, "{}", "[]", "1", "\"x\"",
            #"{"v":1e3}"#, #"{"v":123456789012345678}"#, #"{"v":1234567890123456789}"#, #"{"v":0.1234567890123456789}"#,
            #"{"v":18446744073709551616}"#, #"{"v":-9223372036854775808}"#, #"{"v":5e-324}"#,
            #"{"v":2.2250738585072011e-308}"#,
        ]
        for document in documents {
            let isAccepted = compare(Array(document.utf8), pointers, &scanner, seed: "fixed")
            #expect(isAccepted, "\(document)")
        }
    }

    @Test("Numbers are the same to the last bit")
    func numbers() {
        var random = SeededRandom(seed: 3)
        var scanner = JSONScanner()
        let pointers = [JSONPointer(tokens: [])]
        for _ in 0..<20_000 {
            var text = Bool.random(using: &random) ? "-" : ""
            text += String(
                UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random))
            if Bool.random(using: &random) {
                text += "."
                for _ in 0..<Int.random(in: 1...20, using: &random) {
                    text += String(Int.random(in: 0...9, using: &random))
                }
            }
            if Int.random(in: 0..<4, using: &random) == 0 { text += "e\(Int.random(in: -330...330, using: &random))" }
            compare(Array(text.utf8), pointers, &scanner, seed: text)
        }
    }

    private func accepts(_ text: String, _ plan: JSONScanPlan, _ scanner: inout JSONScanner) -> Bool {
        let bytes = Array(text.utf8)
        return scanner.scan(bytes.span, plan: plan)
    }

    @Test("A name that occurs twice, at any depth and however many there are, is left to the reader")
    func duplicates() {
        var scanner = JSONScanner()
        let plan = JSONScanPlan([JSONPointer(tokens: ["v"])])
        for text in [#"{"v":1,"v":2}"#, #"{"v":1,"x":{"a":1,"a":1}}"#, #"{"v":1,"x":[{"":1,"":1}]}"#] {
            #expect(!accepts(text, plan, &scanner), "\(text)")
        }
        let many = "{" + (0..<80).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(accepts(many + "}", plan, &scanner))
        #expect(!accepts(many + ",\"k0\":1}", plan, &scanner))
        #expect(accepts(#"{"a":{"a":{"a":1}},"v":{"a":1}}"#, plan, &scanner))
    }

    @Test("UTF-8 is judged as the standard library judges it")
    func utf8() {
        var random = SeededRandom(seed: 4)
        var scanner = JSONScanner()
        let pointers = [JSONPointer(tokens: [])]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                UInt8.random(in: 0x80...0xFF, using: &random)
            }
            let isText = String(validating: bytes, as: UTF8.self) != nil
            let isAccepted = compare([0x22] + bytes + [0x22], pointers, &scanner, seed: "\(bytes)")
            #expect(isAccepted == isText, "\(bytes)")
        }
    }
}
