import Plant
import Primitives
import TestFixtures
import Testing

@Suite("Interlock expressions")
struct InterlockTests {
    static let device = DeskFixture.press1

    func verdict(_ text: String, _ values: [TagValue?], quality: Quality = .good) throws -> Interlock.Verdict {
        try Interlock(text).verdict(
            values.map { value in value.map { .init(value: $0, quality: quality, receivedAt: 0, isVouchedFor: true) } },
            device: Self.device, at: 100)
    }

    @Test(
        "what holds and what does not",
        arguments: [
            ("a/b == true", [TagValue.bool(true)], true), ("a/b == true", [.bool(false)], false),
            ("a/b != true", [.bool(false)], true), ("a/b >= 3", [.integer(3)], true),
            ("a/b >= 3", [.number(2.9)], false),
            ("a/b == 3.0", [.integer(3)], true), ("a/b < -1.5e3", [.integer(-1501)], true),
            ("a/b>3", [.integer(4)], true),
            ("\"a b/c\" == 'auto'", [.text("auto")], true), ("a/b != \"it\\\"s\"", [.text("it\"s")], false),
            ("a == 1 and b == 2", [.integer(1), .integer(2)], true),
            ("a == 1 and b == 2", [.integer(1), .integer(3)], false),
            ("a == 1 or b == 2 and c == 3", [.integer(1), .integer(0), .integer(0)], true),
            ("(a == 1 or b == 2) and c == 3", [.integer(1), .integer(0), .integer(0)], false),
            ("not a == 1 and b == 2", [.integer(0), .integer(2)], true),
            ("not (a == 1 and b == 2)", [.integer(1), .integer(2)], false),
            ("not not a == 1", [.integer(1)], true), ("a == 1 and a < 2", [.integer(1)], true),
            ("and1 == 1", [.integer(1)], true),
            ("a-b.c/d_e <= 9007199254740993", [.integer(9_007_199_254_740_993)], true),
        ] as [(String, [TagValue], Bool)])
    func holds(text: String, values: [TagValue], expected: Bool) throws {
        let verdict = try verdict(text, values)
        #expect((verdict == .satisfied) == expected, "\(verdict)")
    }

    @Test("inputs must be known, good, fresh and comparable; the reason names the tag")
    func inputs() throws {
        #expect(try verdict("a/b == true", [nil]) == .refused("interlock: a/b has no value"))
        #expect(try verdict("a/b == true", [.bool(true)], quality: .stale) == .refused("interlock: a/b is stale"))
        #expect(
            try verdict("a/b == true", [.bool(true)], quality: .uncertain) == .refused("interlock: a/b is uncertain"))
        #expect(try verdict("a == 1 or b == 2", [.integer(1), nil]) == .refused("interlock: b has no value"))
        #expect(
            try verdict("{device}/x > 3", [.text("high")])
                == .refused("interlock: factory/line1/press1/x is high, which cannot be compared with 3"))
        #expect(
            try verdict("a == 1 and b == 2", [.integer(1), .integer(3)])
                == .refused("interlock not satisfied: a == 1 and b == 2; a is 1, b is 3"))
        let interlock = try Interlock("a == 1")
        let reading = Interlock.Reading(value: .integer(1), quality: .good, receivedAt: 1000)
        #expect(interlock.verdict([reading], device: Self.device, at: 1500, maximumAge: 500) == .satisfied)
        #expect(
            interlock.verdict([reading], device: Self.device, at: 1501, maximumAge: 500)
                == .refused("interlock: a is older than 500 ms"))
        #expect(interlock.verdict([], device: Self.device, at: 0) != .satisfied)
    }

    @Test(
        "a value counts only where something would have told that it is old",
        arguments: [
            (true, DeviceState.online, nil, nil), (false, .online, 500, nil),
            (false, .online, nil, "interlock: nothing tells whether a has fallen silent"),
            (true, .stale, nil, "interlock: the device of a is stale"),
            (true, .offline, 500, "interlock: the device of a is offline"),
        ] as [(Bool, DeviceState, Milliseconds?, String?)])
    func freshness(isVouchedFor: Bool, state: DeviceState, maximumAge: Milliseconds?, refusal: String?) throws {
        let reading = Interlock.Reading(
            value: .integer(1), quality: .good, receivedAt: 0, isVouchedFor: isVouchedFor, device: state)
        let verdict = try Interlock("a == 1").verdict(
            [reading], device: Self.device, at: 100, maximumAge: maximumAge)
        if case .refused(let why) = verdict {
            #expect(refusal.map(why.hasPrefix) == true, "\(why)")
        } else {
            #expect(refusal == nil)
        }
    }

    @Test(
        "mistakes are told with their column",
        arguments: [
            ("", 1), ("a", 2), ("a ==", 5), ("a = 1", 3), ("a == auto", 6), ("a == 1 b", 8), ("a == 1)", 7),
            ("(a == 1", 8),
            ("a == 1 and", 11), ("and a == 1", 1), ("a < true", 5), ("a < \"x\"", 5), ("a ! 1", 3), ("\"a == 1", 1),
            ("a/+ == 1", 1), ("{x}/a == 1", 1), ("a == \"\\n\"", 7), ("not", 4), ("a == 1 or or b == 1", 11),
            ("a == 01", 6),
        ])
    func mistakes(text: String, column: Int) {
        #expect {
            _ = try Interlock(text)
        } throws: { error in
            guard let mistake = error as? Interlock.Mistake else { return false }
            #expect(mistake.column == column, "\(text): \(mistake)")
            return true
        }
    }

    @Test("nesting and length are bounded, rubbish never traps")
    func bounded() {
        #expect(throws: Interlock.Mistake.self) { try Interlock(String(repeating: "(", count: 4000) + "a == 1") }
        #expect(throws: Interlock.Mistake.self) { try Interlock(String(repeating: "not ", count: 1000) + "a == 1") }
        #expect(throws: Interlock.Mistake.self) { try Interlock(String(repeating: " ", count: 5000)) }
        #expect(throws: Interlock.Mistake.self) {
            try Interlock((0..<200).map { "a\($0) == 1" }.joined(separator: " and "))
        }
        var generator = SeededRandom(seed: 7)
        let pieces = [
            "a", "==", "=", "(", ")", "not", "and", "or", "\"", "'", "1", "true", "<", "!", "\\", " ", "{device}", "{",
            "é", "#",
        ]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<12, using: &generator)).compactMap { _ in
                pieces.randomElement(using: &generator)
            }
            .joined(separator: Bool.random(using: &generator) ? " " : "")
            if let interlock = try? Interlock(text) {
                let inputs = interlock.inputs(device: Self.device)
                let readings = inputs.map { _ in Interlock.Reading(value: .integer(1), quality: .good, receivedAt: 0) }
                _ = interlock.verdict(readings, device: Self.device, at: 0)
            }
        }
    }
}
