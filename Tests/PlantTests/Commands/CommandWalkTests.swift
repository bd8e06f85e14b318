import Plant
import Testing

/// Two gateways, a tree, a broker and devices, all in memory, driven by dice: outcomes come late or never, connections break with
/// the message on either side, owners change without being told, operators cancel. What must hold is checked after each step.
@Suite("CommandDesk: seeded walks with takeovers at every point")
struct CommandWalkTests {
    @Test("at most once never twice, order kept, nothing claimed that is not so", arguments: 0..<20)
    func walk(seed: Int) {
        var world = CommandWorld(seed: UInt64(seed))
        for _ in 0..<1000 {
            world.step()
            if !world.violations.isEmpty { break }
        }
        world.settle()
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.joined(separator: "\n"))")
    }

    @Test("the walks do go where it hurts")
    func coverage() {
        var repetitions = 0
        var states: Set<CommandState> = []
        for seed in UInt64(200)..<206 {
            var world = CommandWorld(seed: seed)
            for _ in 0..<1000 { world.step() }
            world.settle()
            repetitions += world.publishedTwiceIdempotent
            states.formUnion(world.nodes.values.map(\.record.state))
        }
        #expect(repetitions > 10)
        #expect(states == [.succeeded, .failed, .timedOut, .expired, .unknown, .cancelled])
    }

    @Test("without faults every command succeeds, each reaching its device once", arguments: 100..<105)
    func calm(seed: Int) {
        var world = CommandWorld(seed: UInt64(seed), isCalm: true)
        for _ in 0..<800 { world.step() }
        world.settle()
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.joined(separator: "\n"))")
        #expect(world.nodes.values.allSatisfy { $0.record.state == .succeeded })
        #expect(world.received.values.allSatisfy { $0 == 1 })
        #expect(world.received.count == world.nodes.count)
    }

    @Test("a takeover after every single step of one command's life", arguments: ["start", "setSpeed"])
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
                if command == "start" {
                    #expect(count <= 1, "point \(point)")
                    #expect(state == .succeeded || state == .unknown, "point \(point): \(String(describing: state))")
                } else {
                    #expect(count >= 1, "point \(point)")
                    #expect(state == .succeeded, "point \(point): \(String(describing: state))")
                }
            }
        }
    }
}
