import Testing

@testable import Plant

/// One unreadable part of a message costs itself alone.
@Suite("Ingest: parts that cannot be read")
struct BrokenPartsTests {
    static let station = RouteDraft(
        name: "station", topic: "station/{id}", device: "station/{id}",
        values: [.init("inner", "/inner/temp"), .init("outer", "/outer/temp")], time: "/at")

    @Test(
        "a time that cannot be read leaves the value, by the time of reception, uncertain",
        arguments: [
            #""14:51""#, #""""#, #""N/A""#, "false", "[]", "{}", #""01.12.2026 10:00:00""#,
            #""2026-11-29 06:52:23 UTC""#, "nan", #""\u0041""#, "1e300",
        ])
    func unreadableTime(time: String) throws {
        var plant = try IngestHarness([IngestTests.machines])
        #expect(plant.send("factory/l1/m1/t", #"{"v":20.5,"ts":\#(time)}"#).result == .samples(1))
        let sample = try #require(plant.samples.first)
        #expect(sample.value == .number(20.5) && sample.quality == .uncertain)
        #expect(!sample.hasSourceTime && sample.sourceTime == plant.now)
        #expect(plant.ingest.counters.unreadableTimes == 1 && plant.ingest.counters.undecodable == 0)
        // Kept by the broker, it is of unknown age.
        plant.send("factory/l1/m1/t", #"{"v":20.5,"ts":\#(time)}"#, retained: true)
        #expect(plant.samples.first?.quality == .uncertain)
    }

    @Test("the outcome names what could not be read: the time, or else the value's tag")
    func flaws() throws {
        var plant = try IngestHarness([Self.station])
        var outcome = plant.send("station/1", #"{"inner":{"temp":1},"outer":{"temp":2},"at":"noon"}"#)
        #expect(outcome.flaw == .init(tag: nil, failure: .invalidTime))
        outcome = plant.send("station/1", #"{"inner":{"temp":1},"outer":{"temp":[]},"at":"noon"}"#)
        #expect(outcome.flaw == .init(tag: try plant.tag("station/1/outer"), failure: .notScalar))
        // `null` is a word, not a mistake.
        outcome = plant.send("station/1", #"{"inner":{"temp":1},"outer":{"temp":null}}"#)
        #expect(outcome.flaw == nil && plant.samples.map(\.quality) == [.good, .bad])
        #expect(plant.send("station/1", #"{"inner":{"temp":1}}"#).flaw == nil)
    }

    @Test(
        "a broken member is bad, the others are taken",
        arguments: [
            (#"{"inner":{"temp":nan},"outer":{"temp":2}}"#, [nil, 2]),
            (#"{"inner":{"temp":-inf,"x":1},"outer":{"temp":2}}"#, [nil, 2]),
            (#"{"inner":{"temp":1},"outer":{"temp":}}"#, [1, nil]),
            (#"{"at":1700000000,"inner":{"temp":1},"outer":{"temp":2"#, [1, nil]),
            (#"{"at":1700000000,"inner":{"temp":1},"ou"#, [1, nil]),
            (#"{"inner":{"temp":1},"outer":{"temp":2},"other":nan}"#, [1, 2]),
            (#"{"inner":{"temp":1,"temp":3},"outer":{"temp":2}}"#, [nil, 2]),
        ] as [(String, [TagValue?])])
    func brokenMember(payload: String, expected: [TagValue?]) throws {
        var plant = try IngestHarness([Self.station])
        #expect(plant.send("station/1", payload).result == .samples(2))
        #expect(plant.samples.map(\.value) == expected)
        #expect(plant.samples.map(\.quality) == expected.map { $0 == nil ? .bad : .good })
        #expect(plant.ingest.counters.undecodable == UInt64(expected.count { $0 == nil }))
    }

    @Test("a degree sign in the bytes of another century costs its own member")
    func otherEncodings() throws {
        var plant = try IngestHarness([IngestTests.machines])
        let payload = Array(#"{"unit":"?C","v":71.5}"#.utf8).map { $0 == UInt8(ascii: "?") ? 0xB0 : $0 }
        plant.send(Array("factory/l1/m1/t".utf8), payload)
        #expect(plant.samples.map(\.value) == [.number(71.5)] && plant.samples.map(\.quality) == [.good])
        #expect(plant.ingest.counters.unreadableTimes == 0)
    }

    @Test("a broken time leaves the values, a broken member leaves the time")
    func timeBesideValues() throws {
        var plant = try IngestHarness([Self.station])
        // The time may have been in the part that is cut off.
        plant.send("station/1", #"{"inner":{"temp":1},"outer":{"temp":2},"a"#)
        #expect(plant.samples.map(\.quality) == [.uncertain, .uncertain])
        plant.send("station/1", #"{"at":inf,"inner":{"temp":1},"outer":{"temp":2}}"#)
        #expect(plant.samples.map(\.quality) == [.uncertain, .uncertain])
        plant.send("station/1", #"{"at":1700000000,"inner":{"temp":nan},"outer":{"temp":2}}"#)
        #expect(plant.samples.map(\.sourceTime) == [1_700_000_000_000, 1_700_000_000_000])
    }

    static let kinds = [
        RouteDraft(name: "json", topic: "json", device: "d", value: "/v"),
        RouteDraft(name: "scalar", topic: "scalar", device: "d"),
        RouteDraft(name: "number", topic: "number", device: "d", payload: .number),
        RouteDraft(name: "bool", topic: "bool", device: "d", payload: .bool),
        RouteDraft(name: "text", topic: "text", device: "d", payload: .text),
    ]
    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    @Test(
        "a byte-order mark and trailing zeros are not content",
        arguments: [
            ("json", #"{"v":97}"#, 97), ("scalar", "97.5", 97.5), ("number", "97", 97), ("bool", "ON", true),
            ("text", "running", "running"),
        ] as [(String, String, TagValue)])
    func bytesAround(topic: String, payload: String, expected: TagValue) throws {
        var plant = try IngestHarness(Self.kinds)
        let topic = Array(topic.utf8)
        for (before, after) in [([], [0]), (Self.mark, []), (Self.mark, [0, 0]), ([], [0, 0, 0])]
            as [([UInt8], [UInt8])]
        {
            #expect(plant.send(topic, before + Array(payload.utf8) + after).result == .samples(1))
            #expect(plant.samples.map(\.value) == [expected])
        }
        plant.send(topic, Self.mark + Array(payload.utf8) + Array("\r\n".utf8) + [0])
        #expect(topic == Array("text".utf8) || plant.samples.map(\.value) == [expected])
        // In the middle they are: of two documents neither is the message.
        if topic == Array("json".utf8) {
            plant.send(topic, Array(payload.utf8) + [0] + Array(payload.utf8))
            #expect(plant.samples.map(\.quality) == [.bad])
        }
        plant.send(topic, Self.mark + [0])
        #expect(topic == Array("text".utf8) || plant.samples.map(\.quality) == [.bad])
    }

    @Test("bytes around a device's own word about being there, and a broken member beside it")
    func presence() throws {
        var words = IngestTests.machines
        var plant = try IngestHarness([words])
        plant.send(Array("factory/l1/m1/status".utf8), Self.mark + Array("online".utf8) + [0])
        #expect(plant.ingest.counters.presence == 1)
        words.presence = .init(topic: "{device}/status", online: "true", offline: "false", value: "/up")
        plant = try IngestHarness([words])
        plant.send(Array("factory/l1/m1/status".utf8), Self.mark + Array(#"{"up":true,"rssi":nan}"#.utf8) + [0])
        #expect(plant.ingest.counters.presence == 1)
    }

    @Test("what a payload of zeros around JSON costs is a second scan, not a tree")
    func nulPath() throws {
        var plant = try IngestHarness([IngestTests.machines])
        plant.send(Array("factory/l1/m1/t".utf8), Array(#"{"v":"é","ts":1700000000}"#.utf8) + [0])
        #expect(plant.samples.first?.value == .text("é") && plant.samples.first?.sourceTime == 1_700_000_000_000)
        #expect(plant.ingest.counters.slowlyRead == 1)
    }
}
