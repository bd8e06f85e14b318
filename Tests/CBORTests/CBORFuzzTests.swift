import CBOR
import JSON
import OrderedCollections
import Primitives
import TestFixtures
import Testing

@Suite("CBOR: seeded random input")
struct CBORFuzzTests {
    @Test("what is encoded is decoded as the same value, and each cut of it refused")
    func roundTrip() {
        var random = SeededRandom(seed: 1)
        for round in 0..<4000 {
            let document = TestEncoder.document(&random)
            var bytes: [UInt8] = []
            TestEncoder.encode(document, into: &bytes, &random)
            #expect(decode(bytes) == .success(document), "round \(round): \(hexText(bytes))")
            guard case .sound? = try? SalvagedJSON(salvagingCBOR: bytes.span) else {
                #expect((try? SalvagedJSON(salvagingCBOR: bytes.span))?.soundParts == document, "round \(round)")
                continue
            }
        }
        for round in 0..<400 {
            var bytes: [UInt8] = []
            TestEncoder.encode(TestEncoder.document(&random), into: &bytes, &random)
            for length in 0..<min(bytes.count, 300) {
                let reason = decode(Array(bytes.prefix(length))).reason
                let isCut = reason == .unexpectedEnd || reason == .lengthBeyondEnd || (length == 0 && reason == .empty)
                #expect(isCut, "round \(round), \(length) of \(hexText(bytes))")
            }
        }
    }

    /// What is accepted is sound JSON; what is salvaged agrees with it; an error lies within the input.
    @Test("mutated items")
    func mutation() {
        var random = SeededRandom(seed: 2)
        var seeds = AppendixA.examples.map(\.bytes) + CBORRuleTests.mistakes.map { hex($0.encoding) }
        for _ in 0..<200 {
            var bytes: [UInt8] = []
            TestEncoder.encode(TestEncoder.document(&random), into: &bytes, &random)
            seeds.append(bytes)
        }
        let mutator = Mutator(seeds: seeds, tokens: AppendixA.examples.map(\.bytes))
        var accepted = 0
        var run = LongRun(usual: 200_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let bytes = mutator.mutant(&random)
            let result = decode(bytes)
            let salvaged = try? SalvagedJSON(salvagingCBOR: bytes.span)
            switch result {
            case .success(let value):
                accepted += 1
                guard salvaged?.soundParts == value, isFinite(value) else {
                    Issue.record(
                        "round \(round): \(hexText(bytes)) is \(value), salvaged \(String(describing: salvaged))")
                    return
                }
            case .failure(let error):
                guard error.offset >= 0, error.offset <= bytes.count else {
                    Issue.record("round \(round): \(hexText(bytes)): \(error)")
                    return
                }
                // What is salvaged of a broken item can be written and read as JSON.
                if round % 64 == 0, let parts = salvaged?.soundParts {
                    #expect((try? JSONValue(parsing: parts.serialized())) == parts, "round \(round): \(hexText(bytes))")
                }
            }
        }
        // A fuzz that is always or never refused tests nothing.
        #expect(accepted > run.inputs / 20 && accepted < run.inputs * 19 / 20, "\(accepted)")
        #expect(!run.hasGrown)
    }

    private func isFinite(_ value: JSONValue) -> Bool {
        switch value {
        case .number(let number): number.isFinite
        case .array(let elements): elements.allSatisfy(isFinite)
        case .object(let members): members.values.allSatisfy(isFinite)
        case .null, .bool, .integer, .string: true
        }
    }
}
