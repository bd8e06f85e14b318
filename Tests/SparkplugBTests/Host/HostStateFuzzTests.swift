import Primitives
import SparkplugB
import TestFixtures
import Testing

@Suite("STATE of the host: seeded random input")
struct HostStateFuzzTests {
    /// The end of the year 9999, in milliseconds since 1970.
    private static let end: Int64 = 253_402_300_799_999

    private static let seeds =
        [
            #"{"online":true,"timestamp":1790000000000}"#, #"{"online":false,"timestamp":5000}"#,
            #"{"online":false,"timestamp":253402300799999}"#, #"{ "timestamp": 7, "bdSeq": 3, "online": true }"#,
            "ONLINE",
            "OFFLINE", "{}", "",
        ].map { Array($0.utf8) }

    private static let tokens =
        [
            "true", "false", "null", "online", "timestamp", "\"online\"", "\"timestamp\"", ":", ",", "{", "}", "\"",
            "0", "-1",
            "1e3", "1.5", "253402300799999", "253402300800000", "9223372036854775807", "9223372036854775808", " ",
            "\u{feff}",
            "\0",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3]]

    /// What stands in a payload of exactly the form that hosts publish, read by its characters.
    private func plain(_ bytes: [UInt8]) -> HostStatePayload? {
        for isOnline in [true, false] {
            let head = Array(#"{"online":\#(isOnline),"timestamp":"#.utf8)
            guard bytes.starts(with: head), bytes.last == UInt8(ascii: "}") else { continue }
            let digits = bytes.dropFirst(head.count).dropLast()
            guard !digits.isEmpty, digits.count <= 15, digits.allSatisfy({ (0x30...0x39).contains($0) }),
                digits.count == 1 || digits.first != UInt8(ascii: "0")
            else { return nil }
            let timestamp = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
            return timestamp <= Self.end ? HostStatePayload(isOnline: isOnline, timestamp: timestamp) : nil
        }
        return nil
    }

    @Test(
        "Mutated payloads: the strict form is read, no other time than one of clocks, and the own time never goes back")
    func mutation() throws {
        let mutator = Mutator(seeds: Self.seeds, tokens: Self.tokens)
        var random = SeededRandom(seed: 61)
        var accepted = 0
        var run = LongRun(usual: 100_000)
        var host = try #require(HostState(id: "h"))
        var now: Int64 = 1000
        for round in 0..<run.inputs {
            run.willPlay(round)
            if round % 1_000 == 0 {
                host = try #require(HostState(id: "h"))
                now = 1000
                _ = host.activated(last: nil, at: now)
                _ = host.connected(at: now)
            }
            now += .random(in: 0...2_000, using: &random)
            // A third of them are sound, of times around the own one: few mutants are.
            let sound = HostStatePayload(
                isOnline: random.chance(30), timestamp: max(0, host.timestamp + .random(in: -2...2, using: &random)))
            let bytes = random.chance(33) ? sound.encoded : mutator.mutant(&random)
            let read = HostStatePayload(bytes.span)
            if let read {
                accepted += 1
                guard (0...Self.end).contains(read.timestamp), HostStatePayload(read.encoded.span) == read else {
                    Issue.record("round \(round): \(bytes) is \(read)")
                    return
                }
            }
            if let expected = plain(bytes), read != expected {
                Issue.record("round \(round): \(expected) is read as \(String(describing: read))")
                return
            }
            let before = host.timestamp
            var effects = host.received(bytes.span, isRetained: random.chance(20), at: now)
            effects += host.deadlineReached(at: now)
            if host.phase == .connecting { effects += host.connected(at: now) }
            guard host.timestamp >= before, host.timestamp <= Self.end, effects.count <= 6 else {
                Issue.record("round \(round): \(before) became \(host.timestamp), \(effects)")
                return
            }
        }
        // A fuzz that is always or never refused tests nothing.
        #expect(accepted > run.inputs / 20 && accepted < run.inputs * 19 / 20, "\(accepted)")
        #expect(!run.hasGrown)
    }
}
