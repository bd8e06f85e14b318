import Testing

@testable import Plant

@Suite("What payloads say of their quality and time")
struct PayloadQualityTests {
    private func plant(_ payload: RouteDefinition.Payload = .json, values: [RouteDraft.Entry<RouteDraft.Value>] = [])
        throws
        -> IngestHarness
    {
        try IngestHarness([
            RouteDraft(
                name: "q", topic: "q/{x}", device: "q", payload: payload, value: values.isEmpty ? "/v" : nil,
                values: values,
                time: "/t", timeUnit: .milliseconds,
                quality: .init(at: "/q", good: ["GOOD", "192", "true", "1.5"]))
        ])
    }

    @Test(
        "A word is good or else bad; none says nothing",
        arguments: [
            (#""GOOD""#, .good), ("192", .good), ("true", .good), ("1.5", .good), ("64", .bad),
            (#""64""#, .bad),
            ("0", .bad), (#""good""#, .bad), ("false", .bad), ("[]", .bad), ("null", .good),
        ] as [(String, Quality)])
    func words(word: String, quality: Quality) throws {
        var plant = try plant()
        // As it stands, and as the full reader gets it.
        for payload in [#"{"v":1,"q":\#(word)}"#, #"{"v":1,"q":\#(word),"\u0061":1}"#] {
            #expect(plant.send("q/1", payload).result == .samples(1))
            #expect(plant.samples.map(\.quality) == [quality] && plant.samples[0].value == (quality == .bad ? nil : 1))
        }
        #expect(plant.ingest.counters.slowlyRead == 1)
        plant.send("q/1", #"{"v":1}"#)
        #expect(plant.samples.map(\.quality) == [.good], "and the message before it has no say")
    }

    @Test("It is that of all values, and the word is no value itself")
    func several() throws {
        var plant = try plant(values: [.init("+", "/+")])
        #expect(plant.send("q/1", #"{"a":1,"b":2,"q":192}"#).result == .samples(2))
        #expect(plant.samples.map(\.quality) == [.good, .good])
        #expect(plant.send("q/1", #"{"a":1,"b":2,"q":7}"#).result == .samples(2))
        #expect(plant.samples.map(\.quality) == [.bad, .bad])
        #expect(try plant.tag("q/1/q") == nil)
    }

    @Test(
        "A number with a declared unit is not judged by its size",
        arguments: [
            (TimeUnit.seconds, "1700000000", 1_700_000_000_000), (.seconds, "1700000000.25", 1_700_000_000_250),
            (.milliseconds, "1700000000123", 1_700_000_000_123), (.microseconds, "1700000000123456", 1_700_000_000_123),
            (.nanoseconds, "1700000000123456789", 1_700_000_000_123),
            (.milliseconds, #""1700000000123""#, 1_700_000_000_123),
            (.nanoseconds, "1700000000123", 1_700_000), (.seconds, "9223372036854775807", nil),
            (.seconds, "1e300", nil),
            (.seconds, #""2023-11-14T22:13:20Z""#, 1_700_000_000_000),
        ] as [(TimeUnit, String, Milliseconds?)])
    func units(unit: TimeUnit, time: String, expected: Milliseconds?) throws {
        var limits = IngestLimits()
        limits.earliestTime = 0
        limits.clockLead = .max / 2
        var plant = try IngestHarness(
            [RouteDraft(name: "q", topic: "q/{x}", device: "q", value: "/v", time: "/t", timeUnit: unit)],
            limits: limits)
        for payload in [#"{"v":1,"t":\#(time)}"#, #"{"v":1,"t":\#(time),"\u0061":1}"#] {
            plant.send("q/1", payload)
            #expect(plant.samples.first?.hasSourceTime == (expected != nil))
            if let expected { #expect(plant.samples.first?.sourceTime == expected) }
        }
    }
}
