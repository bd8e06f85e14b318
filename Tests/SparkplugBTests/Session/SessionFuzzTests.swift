import Primitives
import SparkplugB
import TestFixtures
import Testing

@Suite("Session: seeded random messages")
struct SessionFuzzTests {
    /// Nothing may trap, capacities hold, and tags keep their names.
    @Test("mutated messages of every type, in any order")
    func mutation() {
        var draw = RandomPayload(seed: 51)
        var seeds = (0..<200).map { _ in draw.payload().encoded }
        seeds += [birth([int("a", alias: 1, 5)]), message(1, [int(1, 5)]), message(2, [int("a", 5)]), death(0)].map(
            \.encoded)
        let mutator = Mutator(
            seeds: seeds, tokens: [[0x12, 0x02, 0x10, 0x01], [0x18, 0x01], [0x20, 0x10], [0x50, 0x05]])
        var random = SeededRandom(seed: 52)
        var capacities = EdgeNodeCapacities()
        capacities.metrics = 200
        capacities.nameBytes = 2000
        capacities.devices = 4
        capacities.heldMessages = 5
        capacities.heldBytes = 500
        var samples = 0
        var run = LongRun(usual: 100_000)
        for first in stride(from: 0, to: run.inputs, by: 2_000) {
            var session = EdgeNodeSession(
                capacities: capacities, seed: random.next(), asksFirst: .random(using: &random))
            var names: [String] = []
            var now: Int64 = 0
            for round in first..<min(first + 2_000, run.inputs) {
                run.willPlay(round)
                now += Int64.random(in: 0...1000, using: &random)
                var events: ContiguousArray<EdgeNodeEvent> = []
                let type = SparkplugMessageType.allCases.randomElement(using: &random) ?? .nodeData
                let device = type.hasDevice ? "d\(Int.random(in: 0...9, using: &random))" : ""
                let name = Array(device.utf8)
                let payload = mutator.mutant(&random)
                session.received(type, device: name.span, payload.span, at: now, into: &events)
                if random.chance(50) { session.rebirthSent(at: now) }
                if random.chance(1) { session.precedenceChanged(asksFirst: .random(using: &random), at: now) }
                if random.chance(1) { session.connectionLost(at: now, into: &events) }
                if random.chance(5) { session.connectionRegained(at: now) }
                for number in names.count..<max(names.count, session.tagCount) {
                    names.append(session.tag(SparkplugTagID(rawValue: UInt32(number))).name)
                }
                for case .sample(let sample) in events {
                    samples += 1
                    guard Int(sample.tag.rawValue) < names.count else {
                        Issue.record("a sample of a tag that has no number")
                        return
                    }
                    let (owner, metric) = session.tag(sample.tag)
                    _ = session.standing(
                        of: Array(metric.utf8).span, device: Array(session.device(owner).name.utf8).span)
                }
            }
            #expect(session.tagCount <= 200 && session.deviceCount <= 5)
            // Names twice, 205 entries of 256 bytes and as many metrics, and what waits.
            #expect(session.footprint < 256 << 10, "\(session.footprint) bytes")
            for (number, name) in names.enumerated() where number < session.tagCount {
                #expect(session.tag(SparkplugTagID(rawValue: UInt32(number))).name == name)
            }
        }
        #expect(samples > 200, "\(samples)")
        #expect(!run.hasGrown)
    }
}
