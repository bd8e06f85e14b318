import Testing

@testable import Plant

@Suite("Times without a zone")
struct LocalTimeTests {
    /// As in Central Europe in 2026: an hour behind the local time in winter, two in summer.
    private static let zone = LocalZone(
        name: "Test/Zone",
        rules: ZoneRules(
            firstOffset: 3_600,
            transitions: [.init(time: 1_774_746_000, offset: 7_200), .init(time: 1_792_890_000, offset: 3_600)],
            recurrence: nil))

    private func plant(at now: String) throws -> IngestHarness {
        var harness = try IngestHarness([
            RouteDraft(name: "l", topic: "l/{x}", device: "l", value: "/v", time: "/t", timeZone: Self.zone)
        ])
        harness.now = try time(now)
        return harness
    }

    private func time(_ text: String) throws -> Milliseconds {
        let bytes = Array(text.utf8)
        let time = SourceTime.milliseconds(bytes.span)
        return try #require(time)
    }

    @Test(
        "A local time is that of its zone; text with a zone and numbers are what they say",
        arguments: [
            ("2026-07-01T12:00:00", "2026-07-01T10:00:00Z"), ("2026-12-01 12:00:00.5", "2026-12-01T11:00:00.5Z"),
            ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"), ("2026-07-01T12:00:00+05:00", "2026-07-01T07:00:00Z"),
            ("2026-07-01", "2026-06-30T22:00:00Z"), ("1782900000", "2026-07-01T10:00:00Z"),
            // The clocks skip this hour: shown by one that was not put forward.
            ("2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
        ])
    func local(text: String, expected: String) throws {
        var plant = try plant(at: "2026-12-01T12:00:00Z")
        for escape in ["", #","\u0061":1"#] {
            plant.send("l/a", #"{"v":1,"t":"\#(text)"\#(escape)}"#)
            let expected = try time(expected)
            #expect(plant.samples[0].hasSourceTime && plant.samples[0].sourceTime == expected, "\(text)")
        }
    }

    @Test("Of an hour that the clocks show twice, the later one counts unless it has not been yet")
    func twice() throws {
        var plant = try plant(at: "2026-10-25T00:31:00Z")
        plant.send("l/a", #"{"v":1,"t":"2026-10-25T02:30:00"}"#)
        #expect(try plant.samples[0].sourceTime == time("2026-10-25T00:30:00Z"))
        plant.now = try time("2026-10-25T01:31:00Z")
        plant.send("l/a", #"{"v":1,"t":"2026-10-25T02:30:00"}"#)
        #expect(try plant.samples[0].sourceTime == time("2026-10-25T01:30:00Z"))
    }

    @Test("Elements that are named by local times")
    func names() throws {
        var plant = try IngestHarness([
            RouteDraft(
                name: "l", topic: "l/{x}", device: "l", value: "/v", each: "", isTimeName: true, timeZone: Self.zone)
        ])
        plant.now = try time("2026-07-02T00:00:00Z")
        plant.send("l/a", #"{"2026-07-01T12:00:00":{"v":1},"2026-07-01T12:00:01Z":{"v":2}}"#)
        #expect(
            plant.samples.map(\.sourceTime) == [try time("2026-07-01T10:00:00Z"), try time("2026-07-01T12:00:01Z")])
    }
}
