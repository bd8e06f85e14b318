import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Plants over faults")
struct PlantWorldTests {
    /// Given one to three gateways, when they are killed, all of them together as well, and paused at any moment, between
    /// writing a value and recording its transition as well, then the journal holds what a plain evaluation of the stream
    /// predicts: no occurrence lost, doubled or misdated, delays over restarts included, and the tag holds the last value.
    @Test("Every transition once, at its time, whatever is killed when", arguments: 0..<30)
    func faults(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed) &+ 7000)
        for _ in 0..<4 {
            let definition = try AlarmStream.definition(using: &random)
            let points = AlarmStream.points(count: 40, coarse: false, using: &random).map {
                PlainEvaluation.Point(time: $0.time + LivePlantFixture.start, value: $0.value)
            }
            let first = try #require(points.first).time
            let last = try #require(points.last).time
            var world = try PlantWorld(
                definition: definition, gateways: Int.random(in: 1...3, using: &random), at: first - 1)
            var next = 0
            for now in first...(last + 400) {
                world.now = now
                while next < points.count, points[next].time == now {
                    world.publish(points[next])
                    next += 1
                }
                for gateway in world.gateways.indices where !world.gateways[gateway].isPaused {
                    if random.chance(40) { world.hear(gateway, count: Int.random(in: 1...3, using: &random)) }
                    _ = world.gateways[gateway].plant?.advance(to: now)
                    world.ask(gateway)
                    if random.chance(20) { world.see(gateway) }
                    if random.chance(25) { world.turn(gateway) }
                }
                try fault(in: &world, using: &random)
            }
            try finish(&world)
            let expected = PlainEvaluation.outcomes(of: points, definition, path: world.path)
            #expect(
                world.journal.map(PlainEvaluation.Outcome.init) == expected,
                "seed \(seed)\n\(points.map { "\($0.time):\($0.value)" })\n\(world.story)")
            let record = try #require(world.node.flatMap(TagRecord.init(parsing:)))
            #expect(record.value?.doubleValue == points.last?.value && record.sourceTime == last)
        }
    }

    private func fault(in world: inout PlantWorld, using random: inout SeededRandom) throws {
        let gateway = world.gateways.indices.randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<1000, using: &random) {
        case 0..<15: if world.gateways[gateway].plant != nil { world.kill(gateway) }
        case 15..<25:
            if world.gateways[gateway].plant != nil, !world.gateways[gateway].isPaused {
                world.turn(gateway, dyingAfter: Int.random(in: 0...3, using: &random))
            }
        case 25..<28: for gateway in world.running { world.kill(gateway) }
        case 28..<40: world.gateways[gateway].isPaused.toggle()
        case 40..<120: if world.gateways[gateway].plant == nil { try world.start(gateway) }
        case 120..<220:
            let ready = world.running.filter { !world.gateways[$0].isPaused }
            guard let owner = ready.randomElement(using: &random), let active = ready.randomElement(using: &random)
            else { return }
            world.takeOver(owner: owner, active: active)
        default: return
        }
    }

    /// Everybody runs, hears everything, and every delay ends.
    private func finish(_ world: inout PlantWorld) throws {
        for gateway in world.gateways.indices {
            world.gateways[gateway].isPaused = false
            if world.gateways[gateway].plant == nil { try world.start(gateway) }
        }
        world.takeOver(owner: 0, active: 0)
        for _ in 0..<6 {
            world.now += 300
            for gateway in world.gateways.indices {
                world.hear(gateway, count: .max / 2)
                _ = world.gateways[gateway].plant?.advance(to: world.now)
                world.ask(gateway)
                world.hear(gateway, count: .max / 2)
                world.turn(gateway)
            }
            for gateway in world.gateways.indices { world.see(gateway) }
        }
    }
}
