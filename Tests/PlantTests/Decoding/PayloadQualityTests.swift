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
        "A word may call values uncertain: they are shown so, and alarms take them as good",
        arguments: [RouteDefinition.Payload.json, .cbor])
    func uncertain(payload: RouteDefinition.Payload) throws {
        var plant = try IngestHarness([
            RouteDraft(
                name: "q", topic: "q/{x}", device: "q", payload: payload, value: "/v",
                quality: .init(at: "/q", good: ["GOOD"], uncertain: ["UNCERTAIN", "64"]))
        ])
        // Each as JSON and as CBOR.
        let words: [(String, [UInt8], Quality, Quality)] = [
            (#""GOOD""#, [0x64] + Array("GOOD".utf8), .good, .good),
            (#""UNCERTAIN""#, [0x69] + Array("UNCERTAIN".utf8), .good, .uncertain),
            ("64", [0x18, 64], .good, .uncertain), (#""BAD""#, [0x63] + Array("BAD".utf8), .bad, .bad),
            ("null", [0xF6], .good, .good),
        ]
        for (json, cbor, quality, shown) in words {
            let message =
                payload == .json
                ? Array(#"{"v":1.5,"q":\#(json)}"#.utf8) : [0xA2, 0x61, 0x76, 0xF9, 0x3E, 0x00, 0x61, 0x71] + cbor
            plant.send(Array("q/1".utf8), message)
            #expect(plant.samples.map(\.quality) == [quality] && plant.samples.map(\.shownQuality) == [shown])
        }
    }

    @Test("Each value may have a word of its own; of two words the worse one counts")
    func ownWords() throws {
        var plant = try IngestHarness([
            RouteDraft(
                name: "q", topic: "q/{x}", device: "q",
                values: [
                    .init("a", .init(at: "/a/v", quality: .init(at: "/a/q", good: ["1"], uncertain: ["2"]))),
                    .init("b", .init(at: "/b/v", quality: .init(at: "/b/q", good: ["1"], uncertain: ["2"]))),
                    .init("c", "/c"),
                ], quality: .init(at: "/q", good: ["ok"], uncertain: ["soso"]))
        ])
        func shown(_ a: Int, _ b: Int, _ all: String) -> [Quality] {
            let payload = #"{"a":{"v":1,"q":\#(a)},"b":{"v":2,"q":\#(b)},"c":3,"q":"\#(all)"}"#
            plant.send("q/1", payload)
            let first = plant.samples.map(\.shownQuality)
            // The full reader agrees.
            plant.send("q/1", payload.dropLast() + #","\u0064":1}"#)
            #expect(plant.samples.map(\.shownQuality) == first)
            return first
        }
        #expect(shown(1, 1, "ok") == [.good, .good, .good])
        #expect(shown(1, 2, "ok") == [.good, .uncertain, .good])
        #expect(shown(3, 2, "ok") == [.bad, .uncertain, .good])
        #expect(shown(1, 2, "soso") == [.uncertain, .uncertain, .uncertain])
        #expect(shown(3, 1, "soso") == [.bad, .uncertain, .uncertain])
        #expect(shown(1, 2, "no") == [.bad, .bad, .bad])
        #expect(plant.ingest.counters.slowlyRead == 6)
        plant.send("q/1", #"{"c":3}"#)
        #expect(plant.samples.map(\.shownQuality) == [.good])
    }

    @Test("A value that is called bad hides no other that cannot be read")
    func badHidesNothing() throws {
        var plant = try IngestHarness([
            RouteDraft(
                name: "q", topic: "q/{x}", device: "q",
                values: [.init("a", .init(at: "/a", quality: .init(at: "/s", good: ["1"]))), .init("b", "/b")])
        ])
        #expect(plant.send("q/1", #"{"a":1,"s":2,"b":2}"#).flaw?.failure == .calledBad)
        let outcome = plant.send("q/1", #"{"a":1,"s":2,"b":[]}"#)
        #expect(outcome.flaw?.failure == .notScalar && outcome.flaw?.tag != nil)
    }

    @Test("A field of a line may say of what quality another one is")
    func lines() throws {
        var plant = try IngestHarness([
            RouteDraft(
                name: "q", topic: "q", device: "q", tag: "q", payload: .lines,
                values: [
                    .init("a", .init(at: "/a", quality: .init(at: "/aq", good: ["1"], uncertain: ["2"]))),
                    .init("b", "/b"),
                ])
        ])
        plant.send("q", "m a=1,aq=2i,b=3")
        #expect(plant.samples.map(\.shownQuality) == [.uncertain, .good])
        plant.send("q", "m a=1,aq=9i,b=3")
        #expect(plant.samples.map(\.shownQuality) == [.bad, .good])
        plant.send("q", "m a=1,b=3")
        #expect(plant.samples.map(\.shownQuality) == [.good, .good])
    }

    @Test("The tree says who calls a value uncertain, so that a restart takes it as it was")
    func record() throws {
        let record = TagRecord(
            value: 1.5, quality: .uncertain, sourceTime: 1000, receivedTime: 2000, isCalledUncertain: true)
        #expect(
            String(decoding: record.serialized(), as: UTF8.self)
                == #"{"v":1.5,"q":"uncertain","t":1000,"r":2000,"by":"device"}"#)
        #expect(TagRecord(parsing: record.serialized()) == record)
        // Only an uncertain value is called so by somebody.
        let good = Array(#"{"v":1,"q":"good","t":1,"r":1,"by":"device"}"#.utf8)
        #expect(TagRecord(parsing: good)?.isCalledUncertain == false)

        var tags = TagTable(limit: 10)
        let tag = try #require(
            tags.intern(
                try TagPath("a"), device: DeviceID(rawValue: 0), shard: 0, unit: nil, deadband: nil, refreshAfter: nil))
        var latest = LatestValues()
        latest.seed(tag, record, tags: tags)
        let entry = try #require(latest.entry(tag))
        #expect(entry.quality == .good && entry.shownQuality == .uncertain)
        // The same again is no news; that it has become good is.
        var sample = Sample(tag: tag, value: 1.5, sourceTime: 1000, receivedTime: 3000)
        sample.isCalledUncertain = true
        latest.record(sample, tags: tags)
        latest.reconcile(tag, with: record, tags: tags)
        var written: [TagID] = []
        latest.takeDirty(ownedBy: .max, limit: 10, into: &written)
        sample.isCalledUncertain = false
        sample.sourceTime = 4000
        #expect(latest.record(sample, tags: tags) == .changed)
        var bytes: [UInt8] = []
        #expect(latest.encode(tag, tags: tags, into: &bytes))
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"v":1.5,"q":"good","t":4000,"r":3000}"#)
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
