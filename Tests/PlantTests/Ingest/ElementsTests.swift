import JSON
import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Messages with several samples")
struct ElementsTests {
    private static let start: Milliseconds = 1_700_000_000_000

    private func plant(_ change: (inout RouteDraft) -> Void = { _ in }, limits: IngestLimits = .init()) throws
        -> IngestHarness
    {
        var draft = RouteDraft(name: "s", topic: "s/{x}", device: "s", value: "/v", each: "", time: "/ts")
        change(&draft)
        var harness = try IngestHarness([draft], limits: limits)
        harness.now += 100_000
        return harness
    }

    private func times(_ plant: IngestHarness) -> [Milliseconds?] {
        plant.samples.map { $0.hasSourceTime ? $0.sourceTime - Self.start : nil }
    }

    @Test("Each element is a sample with its own time, oldest first whatever the order")
    func order() throws {
        var plant = try plant()
        let outcome = plant.send(
            "s/1",
            #"[{"ts":1700000003000,"v":3},{"ts":1700000001000,"v":1},{"v":9},{"ts":1700000002000,"v":2},{"ts":1700000001000,"v":1.5}]"#
        )
        #expect(outcome.result == .samples(5) && outcome.isBatch && outcome.sourceTime == Self.start + 3_000)
        #expect(
            plant.samples.map(\.value) == [1, 1.5, 2, 3, 9], "what has no time comes last; equal times keep their order"
        )
        #expect(times(plant) == [1_000, 1_000, 2_000, 3_000, nil])
        #expect(plant.samples.allSatisfy { $0.quality == .good })
    }

    @Test("An object with a sample for each time")
    func named() throws {
        var plant = try plant {
            $0.each = "/data"
            $0.time = nil
            $0.isTimeName = true
            $0.value = nil
            $0.values = [.init("t", "/t"), .init("p", "/p")]
        }
        let payload = #"{"data":{"1700000002":{"t":2,"p":20},"2023-11-14T22:13:21Z":{"t":1},"soon":{"t":7}}}"#
        let outcome = plant.send("s/1", payload)
        #expect(outcome.result == .samples(4) && outcome.flaw?.failure == .invalidTime)
        #expect(plant.samples.map(\.value) == [1, 2, 20, 7])
        #expect(times(plant) == [1_000, 2_000, 2_000, nil])
        #expect(plant.samples.map(\.quality) == [.good, .good, .good, .uncertain])
        #expect(plant.ingest.counters.unreadableTimes == 1)
    }

    @Test("Rows of a table, and values that stand by themselves")
    func rows() throws {
        var plant = try plant {
            $0.each = "/rows"
            $0.time = "/0"
            $0.value = nil
            $0.values = [.init("a", "/1"), .init("b", .init(at: "/2", scale: 0.1))]
        }
        plant.send("s/1", #"{"rows":[[1700000001,5,30],[1700000002,6,40]]}"#)
        #expect(plant.samples.map(\.value) == [5, 3.0, 6, 4.0])
        var plain = try self.plant {
            $0.time = nil
            $0.value = ""
        }
        plain.send("s/1", "[1, 2,3]")
        #expect(plain.samples.map(\.value) == [1, 2, 3] && times(plain) == [nil, nil, nil])
    }

    @Test("Wildcards learn from every element, and no other message has to come for that")
    func wildcards() throws {
        var plant = try plant {
            $0.value = nil
            $0.values = [.init("#", "/values/#")]
        }
        let payload =
            #"[{"ts":1700000001000,"values":{"a":1}},{"ts":1700000002000,"values":{"b":{"c":2}}},{"ts":1700000003000,"values":{"a":3,"d":4}}]"#
        let first = plant.send("s/1", payload)
        #expect(first.result == .samples(4) && first.newTags == 0..<3)
        #expect(plant.values == ["s/1/a": 3, "s/1/b/c": 2, "s/1/d": 4])
        #expect(plant.send("s/1", payload).newTags.isEmpty)
        #expect(plant.samples.map(\.value) == [1, 2, 3, 4])
        let later = plant.send("s/1", #"[{"values":{"e":1}},{"values":{"f":1}}]"#)
        #expect(later.newTags == 3..<5, "both are new, also of a topic that is known")
    }

    @Test("A message of many shapes costs a bounded number of decoders; what is left out is learnt from the next")
    func manyShapes() throws {
        var plant = try plant {
            $0.value = nil
            $0.values = [.init("+", "/+")]
            $0.time = nil
        }
        let payload = "[" + (0..<100).map { #"{"k\#($0)":1}"# }.joined(separator: ",") + "]"
        let first = plant.send("s/1", payload)
        #expect(first.result == .samples(64) && first.flaw?.failure == .tooManyValues(64))
        #expect(plant.send("s/1", payload).result == .samples(100))
        #expect(plant.send("s/1", payload).flaw == nil)
    }

    @Test("What is broken costs itself alone; a message of which nothing can be read makes the tags bad")
    func broken() throws {
        var plant = try plant()
        var outcome = plant.send(
            "s/1",
            #"[{"ts":1700000001000,"v":1},{"ts":1700000001500,"v"},7,{"ts":1700000002000,"v":null},{"ts":1700000003000,"v":4}]"#
        )
        #expect(outcome.result == .samples(4), "broken and null are samples without a value")
        #expect(plant.samples.map(\.value) == [1, nil, nil, 4])
        #expect(plant.samples.map(\.quality) == [.good, .bad, .bad, .good])
        #expect(outcome.flaw != nil && times(plant) == [1_000, 1_500, 2_000, 3_000])
        outcome = plant.send("s/1", #"[{"v":1},{"v":2},{"ts":"#)
        #expect(outcome.result == .samples(2) && outcome.flaw?.failure == .brokenElements)
        outcome = plant.send("s/1", #"[{"w":1},{"w":2}]"#)
        #expect(outcome.result == .undecodable(.missing))
        #expect(plant.samples.map(\.value) == [nil] && plant.samples.map(\.quality) == [.bad])
        #expect(plant.send("s/1", "[").result == .undecodable(.brokenElements))
        #expect(plant.send("s/1", "7").result == .undecodable(.noElements))
        #expect(
            plant.send("s/1", "[]").result == .samples(0) && plant.samples.isEmpty, "nothing is said, and nothing wrong"
        )
    }

    @Test("The number of elements has a bound, and the message is not taken in part")
    func bound() throws {
        var limits = IngestLimits()
        limits.elements = 3
        var plant = try plant(limits: limits)
        #expect(plant.send("s/1", #"[{"v":1},{"v":2},{"v":3}]"#).result == .samples(3))
        #expect(
            plant.send("s/1", #"[{"v":1},{"v":2},{"v":3},{"v":4}]"#).result == .undecodable(.tooManyElements(limit: 3)))
        #expect(plant.samples.map(\.quality) == [.bad])
    }

    @Test("Each element has its own quality, and its own time must be plausible")
    func qualities() throws {
        var plant = try plant { $0.quality = .init(at: "/q", good: ["ok"]) }
        plant.send(
            "s/1",
            #"[{"ts":1700000001000,"v":1,"q":"ok"},{"ts":1700000002000,"v":2,"q":"no"},{"ts":1900000000000,"v":3,"q":"ok"}]"#
        )
        #expect(plant.samples.map(\.quality) == [.good, .bad, .uncertain])
        #expect(plant.ingest.counters.implausibleTimes == 1)
    }

    @Test("In CBOR as in JSON")
    func cbor() throws {
        func text(_ text: String) -> [UInt8] { [0x60 | UInt8(text.utf8.count)] + Array(text.utf8) }
        // {"d": {1700000002: {"v": 2}, "1700000001": {"v": 1}}}, keys of both kinds.
        let payload: [UInt8] =
            [0xA1] + text("d") + [0xA2, 0x1A, 0x65, 0x53, 0xF1, 0x02, 0xA1] + text("v") + [0x02] + text("1700000001")
            + [0xA1] + text("v") + [0x01]
        var plant = try plant {
            $0.payload = .cbor
            $0.each = "/d"
            $0.time = nil
            $0.isTimeName = true
        }
        #expect(plant.send(Array("s/1".utf8), payload).result == .samples(2))
        #expect(plant.samples.map(\.value) == [1, 2] && times(plant) == [1_000, 2_000])
        let cut = plant.send(Array("s/1".utf8), Array(payload.dropLast()))
        #expect(cut.result == .samples(1) && cut.flaw?.failure == .brokenElements)
        #expect(plant.send(Array("s/1".utf8), [0x01]).result == .undecodable(.noElements))
    }

    private static func item(_ text: String) -> [UInt8] { [0x60 | UInt8(text.utf8.count)] + Array(text.utf8) }

    /// In CBOR: `[{"ts": 1700000001000, "v": {"a": 1}}, {"ts": 1700000002000.0, "v": {"b": {"c": 2}}}]`, and
    /// `{1700000001: {"v": {"a": 1, "d": "x"}}, "1700000002": {"v": [1, 2]}}` of indefinite length.
    private static let itemSeeds: [[UInt8]] = [
        [0x82, 0xA2] + item("ts") + [0x1B, 0x00, 0x00, 0x01, 0x8B, 0xCF, 0xE5, 0x6B, 0xE8] + item("v") + [0xA1]
            + item("a")
            + [0x01, 0xA2] + item("ts") + [0xFB, 0x42, 0x78, 0xBC, 0xFE, 0x56, 0xFD, 0x00, 0x00] + item("v") + [0xA1]
            + item("b") + [0xA1] + item("c") + [0x02],
        [0xBF, 0x1A, 0x65, 0x53, 0xF1, 0x01, 0xA1] + item("v") + [0xA2] + item("a") + [0x01] + item("d") + item("x")
            + item("1700000002") + [0xA1] + item("v") + [0x9F, 0x01, 0x02, 0xFF, 0xFF],
    ]

    private static let itemTokens: [[UInt8]] = [
        item("ts"), item("v"), [0xA1], [0x82], [0x9F], [0xBF], [0xFF], [0xF6], [0xF4], [0x7F], [0xC0], [0xC1],
        [0xD8, 0x20],
        [0xF9, 0x7E, 0x00], [0xFB, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0], [0x1B] + Array(repeating: 0xFF, count: 8),
        [0x3B] + Array(repeating: 0xFF, count: 8), [0x5B] + Array(repeating: 0xFF, count: 8), [0xC2, 0x49, 1, 0],
    ]

    @Test("Whatever the bytes are: samples come in the order of their times, and nothing is learnt without bound")
    func mutants() throws {
        let seeds = [
            #"[{"ts":1700000001000,"v":{"a":1}},{"ts":1700000002000,"v":{"b":{"c":2}}}]"#,
            #"{"1700000001":{"v":{"a":1,"d":"x"}},"1700000002":{"v":[1,2]}}"#, #"[[1,2],[3,{"v":{"a":null}}]]"#,
        ]
        let mutators = [
            (RouteDefinition.Payload.json, Mutator(seeds: seeds.map { Array($0.utf8) })),
            (.cbor, Mutator(seeds: Self.itemSeeds, tokens: Self.itemTokens)),
        ]
        var random = SeededRandom(seed: 5)
        var limits = IngestLimits()
        limits.learntPerTopic = 40
        for isTimeName in [false, true] {
            for (payload, mutator) in mutators {
                var plant = try plant(
                    {
                        $0.payload = payload
                        $0.value = nil
                        $0.values = [.init("#", "/v/#")]
                        $0.isTimeName = isTimeName
                        $0.time = isTimeName ? nil : "/ts"
                    }, limits: limits)
                var count = 0
                var run = LongRun(usual: 80_000, share: 0.25)
                for round in 0..<run.inputs {
                    run.willPlay(round)
                    let bytes = mutator.mutant(&random)
                    plant.send(Array("s/1".utf8), bytes)
                    var last = Milliseconds.min
                    for sample in plant.samples {
                        let time = sample.hasSourceTime ? sample.sourceTime : .max
                        guard time >= last else {
                            Issue.record("round \(round) in \(payload): \(time) behind \(last) of \(bytes)")
                            return
                        }
                        last = time
                    }
                    count += plant.samples.count
                }
                #expect(plant.ingest.tags.count <= 40 && count > run.inputs / 4, "\(payload): \(count) samples")
                #expect(!run.hasGrown)
            }
        }
    }

    @Test("Mistakes of the configuration")
    func mistakes() throws {
        func mistakes(_ change: (inout RouteDraft) -> Void) -> [RouteMistake] {
            var draft = RouteDraft(name: "s", topic: "s/{x}", device: "s", value: "/v")
            change(&draft)
            do { _ = try draft.checked() } catch { return error.all }
            return []
        }
        #expect(
            mistakes { $0.value = .init(at: "/v", suffixes: ["°C", "5"]) }
                == [RouteMistake(.valueKey("suffix", entry: nil), .numericSuffix)])
        #expect(mistakes { $0.isTimeName = true } == [RouteMistake(.time, .nameWithoutEach)])
        #expect(mistakes { $0.each = "/+" } == [RouteMistake(.each, .wildcardInValue)])
        #expect(mistakes { $0.each = "data" } == [RouteMistake(.each, .pointer(.noLeadingSlash))])
        #expect(
            mistakes {
                $0.payload = .text
                $0.value = nil
                $0.each = ""
            } == [RouteMistake(.each, .notForPayload(.text))])
    }
}
