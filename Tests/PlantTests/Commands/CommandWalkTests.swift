import Plant
import Testing

/// Two gateways, a tree, a broker and devices, all in memory, driven by dice: outcomes come late or never, connections break with
/// the message on either side, owners change without being told, operators cancel. What must hold is checked after each step.
@Suite("CommandDesk: seeded walks with takeovers at every point")
struct CommandWalkTests {
    @Test("at most once never twice, order kept, nothing claimed that is not so", arguments: 0..<30)
    func walk(seed: Int) async {
        var world = CommandWorld(seed: UInt64(seed))
        for _ in 0..<1000 {
            world.step()
            await Task.yield()
            if !world.violations.isEmpty { break }
        }
        world.settle()
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.joined(separator: "\n"))")
    }

    @Test("the walks do go where it hurts")
    func coverage() {
        var repetitions = 0
        var states: Set<CommandState> = []
        var verdicts: Set<CommandVerdict> = []
        for seed in UInt64(200)..<206 {
            var world = CommandWorld(seed: seed)
            for _ in 0..<1000 { world.step() }
            world.settle()
            repetitions += world.publishedTwiceIdempotent
            states.formUnion(world.nodes.values.map(\.record.state))
            verdicts.formUnion(world.nodes.values.compactMap(\.record.verification))
        }
        #expect(repetitions > 10)
        #expect(verdicts == [.verified, .mismatch])
        #expect(states == [.published, .succeeded, .failed, .timedOut, .expired, .unknown, .cancelled])
    }

    @Test("without faults every command succeeds, each reaching its device once", arguments: 100..<105)
    func calm(seed: Int) {
        var world = CommandWorld(seed: UInt64(seed), isCalm: true)
        for _ in 0..<800 { world.step() }
        world.settle()
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.joined(separator: "\n"))")
        for node in world.nodes.values {
            let isUnanswered = CommandWorld.unanswered.contains(node.record.command)
            #expect(node.record.state == (isUnanswered ? .published : .succeeded), "\(node.record.json)")
        }
        #expect(world.received.values.allSatisfy { $0 == 1 })
        #expect(world.received.count == world.nodes.count)
    }

    @Test("at most once: whenever the owner is replaced, an answer that comes later is heard", arguments: 300..<304)
    func answersAfterTakeovers(seed: Int) async {
        var world = CommandWorld(seed: UInt64(seed), isCalm: true)
        for round in 0..<16 {
            world.create("c\(round)", "start")
            for _ in 0..<(seed + round) % 9 { world.progress() }
            world.takeOver(informOld: round % 2 == 0, losesOutcomes: false)
            await Task.yield()
        }
        world.settle()
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.joined(separator: "\n"))")
        var heard = 0
        for (id, node) in world.nodes {
            // In this world a gateway may hear of an answer before it hears of the command: then nobody knows. And what
            // waits behind such a one may be sent at its own deadline.
            let expected: Set<CommandState> =
                world.received[id] == 1 ? [.succeeded, .unknown, .timedOut] : [.unknown, .failed, .expired, .timedOut]
            #expect(expected.contains(node.record.state), "seed \(seed): \(id) \(node.record.json)")
            if node.record.state == .succeeded { heard += 1 }
        }
        #expect(heard * 10 >= world.received.count * 8, "seed \(seed): \(heard) of \(world.received.count)")
    }

    @Test(
        "a takeover after every single step of one command's life",
        arguments: ["start", "setSpeed", "shownOnce", "bothOnce", "shown", "both", "written", "writtenOnce"])
    func everyPoint(command: String) {
        for point in 0..<12 {
            for isWriteLost in [false, true] {
                var world = CommandWorld(seed: 1, isCalm: true)
                world.create("only", command)
                for _ in 0..<point { world.progress() }
                world.takeOver(informOld: false, losesOutcomes: isWriteLost)
                for _ in 0..<30 { world.progress() }
                world.settle()
                #expect(world.violations.isEmpty, "point \(point): \(world.violations)")
                let count = world.received["only", default: 0]
                let state = world.nodes["only"]?.record.state
                if CommandWorld.atMostOnce.contains(command) {
                    #expect(count <= 1, "point \(point)")
                    // The device answered, and the successor heard it: it need not guess.
                    #expect(state == (count == 1 ? .succeeded : .unknown), "point \(point)")
                } else {
                    #expect(count >= 1, "point \(point)")
                    #expect(state == .succeeded, "point \(point): \(String(describing: state))")
                }
            }
        }
    }
}
