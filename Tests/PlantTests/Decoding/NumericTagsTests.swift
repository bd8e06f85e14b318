import Testing

@testable import Plant

@Suite("NumericTags: numbers in quotes, and what is no number")
struct NumericTagsTests {
    static let topic = "factory/l1/m1/temperature"

    /// A route, rules and alarms of which one makes the tag numeric.
    enum Reason: String, CaseIterable, CustomTestStringConvertible {
        case deadband, range, alarm
        var testDescription: String { rawValue }

        func harness() throws -> IngestHarness {
            var draft = IngestTests.machines
            draft.deadband = self == .deadband ? [.init("factory/+/+/temperature", 0.2)] : []
            let filter = try TopicFilter("factory/+/+/temperature")
            let rules = TagRules([TagRule(tags: filter, traits: TagTraits(range: TagRange(low: 0, high: 150)))])
            return try IngestHarness(
                [draft], rules: self == .range ? rules : TagRules(), alarms: self == .alarm ? [filter] : [])
        }
    }

    @Test("a number in quotes is a number, whatever makes the tag numeric", arguments: Reason.allCases)
    func quoted(reason: Reason) throws {
        var plant = try reason.harness()
        for (text, value) in [
            (#""97.3""#, 97.3), (#""97""#, 97), (#"" -1.5e2 ""#, -150.0), (#""+5""#, 5), (#""007""#, 7),
            (#""\u0039""#, 9),
            ("97.3", 97.3),
        ] as [(String, TagValue)] {
            #expect(plant.send(Self.topic, #"{"v":\#(text)}"#).result == .samples(1), "\(text)")
            #expect(plant.samples.map(\.value) == [value], "\(text)")
            #expect(plant.samples.map(\.quality) == [.good])
        }
        // The tag beside it is not numeric.
        plant.send("factory/l1/m1/mode", #"{"v":"97.3"}"#)
        #expect(plant.samples.map(\.value) == [.text("97.3")])
    }

    @Test("a value of another kind is bad and says so", arguments: Reason.allCases)
    func otherKinds(reason: Reason) throws {
        var plant = try reason.harness()
        for (text, failure) in [
            (#""hot""#, .textForNumber), (#""""#, .textForNumber), (#""97,3""#, .textForNumber),
            (#""97.3 C""#, .textForNumber), (#""nan""#, .notFinite), (#""1e999""#, .notFinite),
            ("true", .boolForNumber), (#""true""#, .textForNumber), (#""\u0041""#, .textForNumber),
        ] as [(String, DecodeFailure)] {
            #expect(plant.send(Self.topic, #"{"v":\#(text)}"#).result == .undecodable(failure), "\(text)")
            #expect(plant.samples.map(\.quality) == [.bad] && plant.samples.first?.value == nil)
        }
        #expect(plant.ingest.counters.undecodable == 9)
        #expect(plant.send("factory/l1/m1/mode", #"{"v":true}"#).result == .samples(1))
    }

    @Test("of several values each is judged by its own tag")
    func several() throws {
        var plant = try IngestHarness(
            [IngestTests.bed], alarms: [try TopicFilter("skab/+/flow")])
        #expect(plant.send("skab/1", #"{"Pressure":"1.5","Volume Flow RateRMS":"32"}"#).result == .samples(2))
        #expect(plant.values == ["skab/1/pressure": .text("1.5"), "skab/1/flow": .integer(32)])
        let outcome = plant.send("skab/1", #"{"Pressure":"high","Volume Flow RateRMS":"high"}"#)
        #expect(plant.values == ["skab/1/pressure": .text("high"), "skab/1/flow": nil])
        #expect(outcome.flaw == .init(tag: try plant.tag("skab/1/flow"), failure: .textForNumber))
    }

    @Test(
        "a route that says bool or text has no numbers, whatever watches its tags; a deadband of zero only means changes"
    )
    func kindsOfRoutes() throws {
        let all = [try TopicFilter("#")]
        var plant = try IngestHarness(BrokenPartsTests.kinds, alarms: all)
        for (topic, payload, value) in [("bool", "on", true), ("text", "97", "97")] as [(String, String, TagValue)] {
            plant.send(topic, payload)
            #expect(plant.samples.map(\.value) == [value])
        }
        var draft = IngestTests.machines
        draft.deadband = [.init("#", 0.0)]
        plant = try IngestHarness([draft])
        plant.send(Self.topic, #"{"v":"97.3"}"#)
        #expect(plant.samples.map(\.value) == [.text("97.3")])
    }

    @Test("an alarm sees numbers in quotes; text freezes it until the next number, and is said")
    func alarms() throws {
        var plant = try LivePlantFixture(onDelay: 2_000)
        for time in 0..<4 {
            plant.now = Int64(time) * 1000
            plant.receive(#"{"v":"97.\#(time)","ts":\#(plant.clock)}"#)
        }
        #expect(plant.steps.map(\.condition) == [.high])
        plant.now = 5000
        plant.receive(#"{"v":"sensor fault","ts":\#(plant.clock)}"#)
        #expect(try plant.standing() == .frozen(.high))
        let unreadable = try #require(plant.effects.unreadable)
        #expect(unreadable.topic == LivePlantFixture.temperature && unreadable.failure == .textForNumber)
        #expect(unreadable.found.contains("sensor fault"))
        plant.now = 6000
        plant.receive(#"{"v":"96","ts":\#(plant.clock)}"#)
        #expect(try plant.standing() == .active(.high))
    }

    @Test("an alarm goes on by the time of reception when the sample's own cannot be read, and it is said")
    func unreadableTime() throws {
        var plant = try LivePlantFixture()
        plant.receive(#"{"v":97,"ts":"14:51"}"#)
        #expect(plant.steps == [Step(.activated, .high, at: 0)])
        #expect(plant.effects.unreadable?.failure == .invalidTime)
        // At most one line in ten seconds about a topic, whatever is wrong.
        plant.effects = LivePlant.Effects()
        plant.now = 9_999
        plant.receive("{")
        #expect(plant.effects.unreadable == nil)
        plant.now = 10_000
        plant.receive(String(repeating: "x", count: 100_000))
        #expect(plant.effects.unreadable?.found.utf8.count ?? .max < 300)
    }
}
