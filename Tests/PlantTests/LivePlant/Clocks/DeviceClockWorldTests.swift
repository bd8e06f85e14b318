import Primitives
import TestFixtures
import Testing

@testable import Plant

/// Gateways between one broker and one tree, as in `PlantWorldTests`, with devices whose clocks are wrong.
@Suite("Devices' clocks over faults")
struct DeviceClockWorldTests {
    private static let start = LivePlantFixture.start

    /// Given a device whose clock is wrong and constant, when gateways are killed and paused at any moment, then the journal
    /// is what a plain evaluation of the device's own times predicts.
    @Test("A wrong and constant clock changes nothing, whatever is killed when", arguments: 0..<20)
    func constant(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed) &+ 9000)
        let behind = [-50_000, -3_000, 5_000, 25_000].randomElement(using: &random) ?? 0 as Milliseconds
        let definition = try AlarmStream.definition(using: &random)
        let points = stream(count: 40, &random)
        var world = try world(definition, gateways: Int.random(in: 1...3, using: &random), points)
        try play(points.map { ($0.time, stamped($0, behind)) }, in: &world, &random) { world, random in
            let gateway = world.gateways.indices.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<4: if world.gateways[gateway].plant != nil { world.kill(gateway) }
            case 4..<8: world.gateways[gateway].isPaused.toggle()
            case 8..<40: if world.gateways[gateway].plant == nil { try world.start(gateway) }
            case 40..<70:
                let ready = world.running.filter { !world.gateways[$0].isPaused }
                if let next = ready.randomElement(using: &random) { world.takeOver(owner: next, active: next) }
            default: break
            }
        }
        let expected = PlainEvaluation.outcomes(of: points.map { stamped($0, behind) }, definition, path: world.path)
        #expect(world.journal.map(PlainEvaluation.Outcome.init) == expected, "seed \(seed)\n\(world.story)")
    }

    /// Given a device that keeps what it has measured for some seconds and sends it then, when gateways hear it at their own
    /// pace and hand their roles over, then every transition is there once, at the time of its sample.
    @Test("What a device had buffered is evaluated as if it had been sent at once", arguments: 0..<30)
    func buffered(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed) &+ 9500)
        let definition = try AlarmStream.definition(using: &random)
        var points = stream(count: 150, &random)
        var world = try world(definition, gateways: Int.random(in: 1...3, using: &random), points)
        var due: [(Milliseconds, PlainEvaluation.Point)] = []
        var burst = (points.first?.time ?? 0) + 5_000
        let period = Milliseconds.random(in: 1_000...12_000, using: &random)
        for index in points.indices {
            let sent = due.last?.0 ?? 0
            // At first at once, so that its clock is known; after the last burst as well, so that nothing is left undecided.
            if index > points.count - 8 {
                points[index].time = max(points[index].time, sent + 100)
                due.append((points[index].time, points[index]))
                continue
            }
            let point = points[index]
            let isLive = point.time < burst && point.time < Self.start + 6_000
            while burst < point.time { burst += random.chance(80) ? period : period * 2 }
            due.append((max(isLive ? point.time : burst, sent), point))
        }
        try play(due, in: &world, &random) { world, random in handOver(&world, &random) }
        let expected = PlainEvaluation.outcomes(of: points, definition, path: world.path)
        #expect(world.journal.map(PlainEvaluation.Outcome.init) == expected, "seed \(seed)\n\(world.story)")
    }

    /// Given a device whose clock steps, ahead or back, when gateways hear it at their own pace and hand their roles over,
    /// then no occurrence is lost or doubled, and each is named by the sample that activated it.
    @Test("A clock that steps loses and doubles no occurrence", arguments: 0..<60)
    func stepping(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed) &+ 9900)
        var definition = try AlarmStream.definition(using: &random)
        definition = try AlarmFixture.definition(
            high: definition.high?.limit, highHigh: 90, low: definition.low?.limit, lowLow: nil, onDelay: 0, offDelay: 0
        )
        let points = stream(count: 200, &random)
        var world = try world(definition, gateways: Int.random(in: 1...3, using: &random), points)
        let step = [-40_000, -8_000, 3_000, 15_000, 3_600_000].randomElement(using: &random) ?? 0 as Milliseconds
        let moment = points[points.count / 3].time
        let due = points.map { ($0.time, $0.time < moment ? $0 : stamped($0, step)) }
        try play(due, in: &world, &random) { world, random in handOver(&world, &random) }
        let expected = PlainEvaluation.outcomes(of: points, definition, path: world.path)
        let journal = world.journal.map(PlainEvaluation.Outcome.init)
        #expect(
            journal.map { "\($0.transition) \($0.condition) \($0.occurrence)" }
                == expected.map { "\($0.transition) \($0.condition) \($0.occurrence)" }, "seed \(seed)\n\(world.story)")
        #expect(Set(journal.map(\.eventID)).count == Set(journal.map(\.occurrence)).count)
        for proposal in world.journal {
            let sampled = proposal.record.sampledAt
            #expect(
                points.contains {
                    $0.time == sampled && $0.time < moment || $0.time - step == sampled && $0.time >= moment
                },
                "seed \(seed): \(Step(proposal))\n\(world.story)")
            #expect(!proposal.record.isTimeUnsure)
        }
    }

    // MARK: The world

    /// Samples every 50 to 400 ms, in steps of 50.
    private func stream(count: Int, _ random: inout SeededRandom) -> [PlainEvaluation.Point] {
        var time = Self.start
        return AlarmStream.points(count: count, coarse: false, using: &random).map { point in
            time += 50 * Milliseconds.random(in: 1...8, using: &random)
            return PlainEvaluation.Point(time: time, value: point.value)
        }
    }

    private func stamped(_ point: PlainEvaluation.Point, _ behind: Milliseconds) -> PlainEvaluation.Point {
        PlainEvaluation.Point(time: point.time - behind, value: point.value)
    }

    private func world(
        _ definition: AlarmDefinition, gateways: Int, _ points: [PlainEvaluation.Point]
    ) throws -> PlantWorld {
        try PlantWorld(definition: definition, gateways: gateways, at: (points.first?.time ?? 0) - 1)
    }

    private func handOver(_ world: inout PlantWorld, _ random: inout SeededRandom) {
        guard random.chance(10) else { return }
        world.owner = nil
        world.active = nil
        let next = world.gateways.indices.randomElement(using: &random) ?? 0
        world.takeOver(owner: next, active: next)
    }

    /// Publishes what is due, and lets everybody hear and act, every 50 ms; then everything is heard.
    private func play(
        _ due: [(time: Milliseconds, point: PlainEvaluation.Point)], in world: inout PlantWorld,
        _ random: inout SeededRandom, _ fault: (inout PlantWorld, inout SeededRandom) throws -> Void
    ) throws {
        guard let first = due.first, let last = due.last else { return }
        var next = 0
        for now in stride(from: first.time - 50, through: last.time + 400, by: 50) {
            world.now = now
            while next < due.count, due[next].time <= now {
                world.publish(due[next].point)
                next += 1
            }
            for gateway in world.gateways.indices where !world.gateways[gateway].isPaused {
                if random.chance(80) { world.hear(gateway, count: Int.random(in: 1...40, using: &random)) }
                _ = world.gateways[gateway].plant?.advance(to: now)
                world.ask(gateway, always: now % 5_000 == 0)
                if random.chance(60) { world.see(gateway) }
                if random.chance(60) { world.turn(gateway) }
            }
            try fault(&world, &random)
        }
        for gateway in world.gateways.indices {
            world.gateways[gateway].isPaused = false
            if world.gateways[gateway].plant == nil { try world.start(gateway) }
        }
        world.takeOver(owner: 0, active: 0)
        for _ in 0..<10 {
            world.now += 100
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
