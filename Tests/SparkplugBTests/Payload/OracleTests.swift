import Foundation
import Primitives
import SparkplugB
import SwiftProtobuf
import TestFixtures
import Testing

/// swift-protobuf is the oracle: it knows nothing of Sparkplug but the numbers of fields.
@Suite("Payload: as swift-protobuf reads and writes it")
struct OracleTests {
    @Test("what we write, swift-protobuf reads as the same, and writes as the same bytes")
    func written() throws {
        var draw = RandomPayload(seed: 31)
        for round in 0..<2000 {
            let payload = draw.payload()
            let bytes = payload.encoded
            let oracle = try OraclePayload(serializedBytes: bytes)
            // By their bytes, because a NaN differs from itself.
            #expect(SparkplugPayload(oracle).encoded == bytes, "round \(round): \(hexText(bytes))")
            #expect(decode(bytes).value?.encoded == bytes, "round \(round): \(hexText(bytes))")
            let written: [UInt8] = try oracle.serializedBytes()
            #expect(decode(written).value?.encoded == bytes, "round \(round): \(hexText(written))")
        }
    }

    @Test("each cut of a message is what swift-protobuf makes of it")
    func cuts() {
        var draw = RandomPayload(seed: 32)
        for round in 0..<100 {
            let bytes = draw.payload().encoded
            for length in 0..<bytes.count {
                let cut = Array(bytes.prefix(length))
                let difference = difference(cut)
                #expect(difference == nil, "round \(round), \(length) bytes: \(hexText(cut)): \(difference ?? "")")
            }
        }
    }

    @Test("mutated messages are refused or read as swift-protobuf refuses or reads them")
    func mutation() {
        var draw = RandomPayload(seed: 33)
        let seeds = (0..<400).map { _ in draw.payload().encoded }
        // Tags, lengths and ends of varints in odd places.
        let tokens: [[UInt8]] = [
            [0x12, 0x00], [0x50, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0x80, 0x80, 0x00],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x8A, 0x01, 0x00], [0x92, 0x01, 0x02, 0x12, 0x00], [0x18, 0x05],
            [0x1A, 0x02, 0x05, 0x06], [0x65, 0, 0, 0xC0, 0x7F], [0x13, 0x14], [0x00], [0x07], [0xA2, 0x06, 0x01, 0x41],
        ]
        let mutator = Mutator(seeds: seeds, tokens: tokens)
        var random = SeededRandom(seed: 34)
        var accepted = 0
        var replaced = 0
        var run = LongRun(usual: 100_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let bytes = mutator.mutant(&random)
            if mayHoldReplacedMessage(bytes) {
                replaced += 1
            } else if let difference = difference(bytes) {
                Issue.record("round \(round): \(hexText(bytes)): \(difference)")
                return
            }
            if decode(bytes).value != nil { accepted += 1 }
            readByMetrics(bytes, round)
        }
        // A fuzz that is always or never refused tests nothing.
        #expect(accepted > run.inputs / 20 && accepted < run.inputs * 19 / 20, "\(accepted)")
        #expect(replaced < run.inputs / 200, "\(replaced)")
        #expect(!run.hasGrown)
    }

    /// Of the members of a `oneof` the last one counts, and we do not look into an embedded message that another member has
    /// replaced. swift-protobuf does, and refuses the whole if that is broken.
    private func mayHoldReplacedMessage(_ bytes: [UInt8]) -> Bool {
        let pairs = zip(bytes, bytes.dropFirst())
        return SparkplugPayload(oracle: bytes) == nil && decode(bytes).value != nil
            && pairs.contains { ($0 == 0x8A || $0 == 0x92) && $1 == 0x01 }
    }

    /// How our reading differs from swift-protobuf's; nil when it does not, apart from what ours refuses on purpose.
    private func difference(_ bytes: [UInt8]) -> String? {
        let oracle = SparkplugPayload(oracle: bytes)
        switch decode(bytes) {
        case .success(let payload):
            guard let oracle else { return "swift-protobuf refuses what we read" }
            // An extension is a value for us, and an unknown field for the oracle.
            let hasExtension = zip(bytes, bytes.dropFirst()).contains { $0 == 0x9A && $1 == 0x01 }
            return payload.encoded == oracle.encoded || hasExtension ? nil : "\(payload) is not \(oracle)"
        case .failure(let error):
            guard (0...bytes.count).contains(error.offset) else { return "\(error) lies outside" }
            switch error.reason {
            case .group, .varintOverflow, .repeatedMessage, .tooDeep, .tooManyParts: return nil
            default: return oracle == nil ? nil : "\(error), which swift-protobuf reads"
            }
        }
    }

    /// Metric by metric, as a session reads: nothing may trap, every metric is met, every value is in its range.
    private func readByMetrics(_ bytes: [UInt8], _ round: Int) {
        guard var reader = try? SparkplugMetricReader(bytes.span) else { return }
        var met = 0
        while true {
            do throws(SparkplugError) {
                guard let view = try reader.next(bytes.span) else { break }
                met += 1
                for type in [view.type, .int8, .stringArray, .booleanArray, .doubleArray] {
                    if case .unsigned(let value)? = try? view.scalar(as: type, in: bytes.span) {
                        #expect(value > UInt64(Int64.max), "round \(round)")
                    }
                }
                _ = try? view.quality(in: bytes.span)
            } catch {
                met += 1
                #expect((0...bytes.count).contains(error.offset), "round \(round)")
            }
        }
        #expect(met == reader.count, "round \(round): \(hexText(bytes))")
    }
}
