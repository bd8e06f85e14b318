import CBOR
import JSON
import Testing

@testable import Plant

@Suite("Payloads in CBOR, and bytes")
struct CBORPayloadTests {
    /// `{"t": 21.5, "n": 3, "s": "ON", "ts": 1700000000}` with a half, and a map within.
    private static let sample: [UInt8] =
        [0xA5] + text("t") + [0xF9, 0x4D, 0x60] + text("n") + [0x03] + text("s") + text("ON")
        + text("ts") + [0x1A, 0x65, 0x53, 0xF1, 0x00] + text("m") + [0xA1] + text("x") + [0x20]

    private static func text(_ text: String) -> [UInt8] { [0x60 | UInt8(text.utf8.count)] + Array(text.utf8) }

    private func plant(_ values: [RouteDraft.Entry<RouteDraft.Value>]) throws -> IngestHarness {
        try IngestHarness([
            RouteDraft(name: "c", topic: "c/{x}", device: "c/{x}", payload: .cbor, values: values, time: "/ts")
        ])
    }

    @Test("Values, a time and conversions, as from JSON")
    func values() throws {
        var plant = try plant([
            .init("t", "/t"), .init("n", .init(at: "/n", scale: 0.1)),
            .init("on", .init(at: "/s", map: [.init("ON", true)])),
            .init("z", .init(at: "/z", fallback: 0)),
        ])
        #expect(plant.send(Array("c/1".utf8), Self.sample).result == .samples(4))
        #expect(plant.values == ["c/1/t": 21.5, "c/1/n": 0.3, "c/1/on": true, "c/1/z": 0])
        #expect(plant.samples.allSatisfy { $0.sourceTime == 1_700_000_000_000 })
    }

    @Test("Wildcards learn what a message has, once")
    func members() throws {
        var plant = try plant([.init("#", "/#")])
        #expect(plant.send(Array("c/1".utf8), Self.sample).newTags == 0..<4)
        #expect(plant.values == ["c/1/t": 21.5, "c/1/n": 3, "c/1/s": "ON", "c/1/m/x": -1])
        #expect(plant.send(Array("c/1".utf8), Self.sample).newTags.isEmpty)
    }

    @Test("NaN makes its own tag bad and no other; what is no CBOR makes all of them bad")
    func broken() throws {
        var plant = try plant([.init("t", "/t"), .init("n", "/n")])
        let nan: [UInt8] = [0xA2] + Self.text("t") + [0xF9, 0x7E, 0x00] + Self.text("n") + [0x05]
        #expect(plant.send(Array("c/1".utf8), nan).result == .samples(2))
        #expect(plant.samples.map(\.quality) == [.bad, .good])
        let cut = Array(Self.sample.dropLast())
        #expect(plant.send(Array("c/1".utf8), cut).result == .samples(2), "what came before the cut stands")
        #expect(plant.send(Array("c/1".utf8), [0xA1]).result == .undecodable(.cbor(CBORError(.unexpectedEnd, at: 1))))
        #expect(plant.samples.map(\.quality) == [.bad, .bad])
        #expect(plant.send(Array("c/1".utf8), [0x03]).result == .undecodable(.missing))
    }

    @Test("A single value is the whole item")
    func single() throws {
        var plant = try IngestHarness([RouteDraft(name: "c", topic: "c/{x}", payload: .cbor)])
        #expect(plant.send(Array("c/1".utf8), [0x18, 0x64]).result == .samples(1))
        #expect(plant.values == ["c/1": 100])
        #expect(plant.send(Array("c/1".utf8), [0xF9, 0x7C, 0x00]).result == .undecodable(.notFinite))
    }

    @Test("Bytes are Base64, as long as a text may be")
    func bytes() throws {
        var plant = try IngestHarness([RouteDraft(name: "b", topic: "b/{x}", payload: .bytes)])
        #expect(plant.send(Array("b/1".utf8), [0x00, 0xFF, 0x10, 0x00]).result == .samples(1))
        #expect(plant.values == ["b/1": "AP8QAA=="])
        let long = [UInt8](repeating: 7, count: 3073)
        #expect(plant.send(Array("b/1".utf8), long).result == .undecodable(.textTooLong(bytes: 4100)))
    }
}
