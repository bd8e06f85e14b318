import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Samples without a time of their own that the broker had kept")
struct BacklogTests {
    private static let other = "factory/l1/m2/temperature"

    /// An active processor that hears everything live, and a gateway that starts after it has been away.
    private struct World {
        var active: LivePlantFixture
        var standby: LivePlantFixture
        /// What the broker keeps for the standby.
        var kept: [(value: Double, topic: String)] = []
        var isRunning = false
        var isConnected = false
        /// What the standby has not seen of the journal.
        var unseen: [AlarmRecord] = []
        var records: [AlarmPath: AlarmRecord] = [:]
        var activations = 0

        init() throws {
            active = try LivePlantFixture()
            active.plant.brokerLost(at: active.clock)
            active.prove()
            standby = active
        }

        /// The standby has read a pulse late of which the active processor knows nothing.
        static func withPulseReadLate() throws -> World {
            var world = try World()
            world.kept = [(90, LivePlantFixture.temperature), (51, LivePlantFixture.temperature)]
            try world.start()
            world.readKept()
            world.pass(5_000)
            return world
        }

        mutating func pass(_ time: Milliseconds) {
            active.pass(time)
            standby.pass(time)
        }

        /// - Parameter records: how much the active processor records then.
        mutating func say(_ value: Double, topic: String = LivePlantFixture.temperature, records: Int = .max) {
            active.hear(value, topic: topic)
            if isConnected { standby.hear(value, topic: topic) } else { kept.append((value, topic)) }
            for proposal in active.plant.proposals(limit: records, epoch: 1) { commit(proposal) }
        }

        mutating func commit(_ proposal: ProposedTransition, isStandby: Bool = false) {
            if proposal.transition == .activated { activations += 1 }
            #expect(proposal.previousRevision == records[proposal.record.path]?.revision ?? 0)
            records[proposal.record.path] = proposal.record
            active.plant.transitionRecorded(proposal.record, isOurs: !isStandby, at: active.clock)
            if isStandby {
                standby.plant.transitionRecorded(proposal.record, isOurs: true, at: standby.clock)
            } else if isRunning {
                unseen.append(proposal.record)
            }
        }

        /// The standby starts, and reads the tree.
        mutating func start() throws {
            let now = standby.now
            standby = try LivePlantFixture()
            standby.now = now
            standby.plant.brokerLost(at: standby.clock)
            standby.plant.restoreAlarms(Array(records.values), at: standby.clock)
            isRunning = true
        }

        /// It is connected, and reads what was kept.
        mutating func readKept(proves: Bool = true) {
            standby.plant.brokerConnected(at: standby.clock)
            isConnected = true
            for message in kept { standby.hear(message.value, topic: message.topic) }
            kept = []
            if proves { standby.prove() }
        }

        mutating func seeJournal() {
            for record in unseen { standby.plant.transitionRecorded(record, isOurs: false, at: standby.clock) }
            unseen = []
        }

        /// The standby is elected, and records what it believes to be missing.
        mutating func takeOver() {
            seeJournal()
            for proposal in standby.plant.proposals(limit: .max, epoch: 2) { commit(proposal, isStandby: true) }
        }
    }

    @Test("count once when the active processor had recorded them before this gateway read the tree")
    func recordedBefore() throws {
        var world = try World()
        for _ in 1...2 {
            world.say(90)
            world.pass(1_000)
            world.say(51)
            world.pass(100)
        }
        try world.start()
        world.pass(100)
        world.readKept()
        #expect(world.standby.plant.pendingTransitionCount == 4)
        let settledAfter = AlarmBook.Limits().settledAfter
        world.pass(settledAfter - 1)
        world.say(90, topic: Self.other)
        world.seeJournal()
        #expect(world.standby.plant.pendingTransitionCount == 4)
        world.pass(settledAfter / 4)
        world.say(51, topic: Self.other)
        world.seeJournal()
        #expect(world.standby.plant.pendingTransitionCount == 0)
        world.takeOver()
        #expect(world.activations == 3)
    }

    @Test("count where nobody else records, also when this gateway records something later than they")
    func alone() throws {
        var world = try World.withPulseReadLate()
        world.standby.hear(90, topic: Self.other)
        let proposals = world.standby.plant.proposals(limit: .max, epoch: 2)
        let later = try #require(proposals.last)
        world.standby.plant.transitionRecorded(later.record, isOurs: true, at: world.standby.clock)
        #expect(world.standby.steps.map(\.transition) == [.activated, .returned])
    }

    @Test("are not taken for what is said and recorded afterwards")
    func recordedAfterwards() throws {
        var world = try World()
        world.say(90)
        world.pass(1_000)
        world.say(51)
        try world.start()
        world.pass(400)
        world.readKept()
        world.pass(400)
        world.say(90)
        world.seeJournal()
        #expect(world.standby.plant.pendingTransitionCount == 0)
        world.pass(1_000)
        world.say(51)
        world.takeOver()
        #expect(world.activations == 2)
        #expect(world.records.values.map(\.state) == [.returnedUnacknowledged])
    }

    @Test("alarm when they stand, although the active processor records nothing of them")
    func standing() throws {
        var world = try World()
        world.say(51)
        world.kept = [51, 90, 51, 90].map { ($0, LivePlantFixture.temperature) }
        try world.start()
        world.readKept()
        for value in [90, 51, 90, 51] as [Double] {
            world.pass(1_000)
            world.say(value, topic: Self.other)
            world.seeJournal()
        }
        #expect(world.standby.steps.map(\.transition) == [.activated])
        world.takeOver()
        #expect(world.activations == 3)
    }

    @Test("raised by an active processor that heard nothing, an alarm settles none of them")
    func unheard() throws {
        var world = try World.withPulseReadLate()
        world.active.hear(90, topic: Self.other)
        world.standby.hear(90, topic: Self.other)
        var record = try #require(world.active.plant.proposals(limit: 1, epoch: 1).first?.record)
        record.isUnheard = true
        world.standby.plant.transitionRecorded(record, isOurs: false, at: world.standby.clock)
        #expect(world.standby.steps.map(\.transition) == [.activated, .returned])
    }

    @Test("are not settled by what this gateway did not hear live itself")
    func evidence() throws {
        var world = try World.withPulseReadLate()
        world.active.hear(90, topic: Self.other)
        let record = try #require(world.active.plant.proposals(limit: 1, epoch: 1).first?.record)
        world.standby.plant.transitionRecorded(record, isOurs: false, at: world.standby.clock)
        #expect(world.standby.plant.pendingTransitionCount == 2)
    }

    @Test("escalate as they stand, with the date at which they became active")
    func escalation() throws {
        var book = try AlarmFixture.book(AlarmFixture.definition(onDelay: 0, offDelay: 0))
        book.clock.backlog.begin(at: 1_000)
        for (value, time) in [(90, 1_000), (20, 1_001), (90, 1_002), (99, 1_003)] as [(Double, Milliseconds)] {
            book.arrival(value, at: time)
        }
        book.clock.backlog.end(provedThrough: 1_004, at: 1_005)
        let steps = book.pendingSteps
        #expect(steps.count == 4)
        var other = try AlarmFixture.book(AlarmFixture.definition(onDelay: 0, offDelay: 0))
        let tag = try AlarmFixture.tag("factory/line1/press2/temperature")
        let heard = TagID(rawValue: 1)
        book.bind(tag: heard, path: tag)
        other.bind(tag: heard, path: tag)
        _ = book.sampleReceived(
            tag: heard, value: 90, quality: .good, sourceTime: 0, hasSourceTime: false, receivedTime: 9_000)
        _ = other.sampleReceived(
            tag: heard, value: 90, quality: .good, sourceTime: 0, hasSourceTime: false, receivedTime: 9_007)
        let record = try #require(other.proposals(limit: 1, epoch: 1).first?.record)
        book.transitionRecorded(record, isOurs: false, at: 9_010)
        #expect(book.pendingSteps == Array(steps.suffix(2)))
    }

    /// Given pulses far enough apart to be told, and a gateway that starts again and again, when it takes over once something
    /// has been recorded after what it read late, then every pulse is there once.
    @Test("count once in a walk", arguments: 0..<40)
    func walk(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var world = try World()
        var pulses = 0
        func pulse(_ world: inout World, _ topic: String) {
            world.say(90, topic: topic)
            world.pass(.random(in: 300...900, using: &random))
            world.say(51, topic: topic)
            world.pass(.random(in: 300...900, using: &random))
            pulses += 1
        }
        for _ in 0..<10 {
            (world.isRunning, world.isConnected) = (false, false)
            for _ in 0..<Int.random(in: 0...3, using: &random) { pulse(&world, LivePlantFixture.temperature) }
            try world.start()
            if Bool.random(using: &random) { pulse(&world, LivePlantFixture.temperature) }
            world.pass(.random(in: 0...600, using: &random))
            world.readKept(proves: Bool.random(using: &random))
            if Bool.random(using: &random) { world.seeJournal() }
            world.pass(.random(in: 300...900, using: &random))
            world.standby.prove()
            for _ in 0..<Int.random(in: 0...2, using: &random) { pulse(&world, LivePlantFixture.temperature) }
            pulse(&world, Self.other)
            world.takeOver()
            #expect(world.activations == pulses, "seed \(seed)")
        }
    }

    /// Given an active processor that records late and dies at any moment, when the other gateway takes over, then no pulse is
    /// missing: what was dropped had been recorded.
    @Test("are not lost in a walk", arguments: 0..<60)
    func killed(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed) &+ 5_000)
        for _ in 0..<6 {
            var world = try World()
            var pulses = 0
            func act(_ topic: String, _ world: inout World) {
                world.say(90, topic: topic, records: .random(in: 0...2, using: &random))
                world.pass(.random(in: 0...400, using: &random))
                world.say(51, topic: topic, records: .random(in: 0...2, using: &random))
                world.pass(.random(in: 0...400, using: &random))
                pulses += 1
            }
            func topic() -> String { Bool.random(using: &random) ? LivePlantFixture.temperature : Self.other }
            for _ in 0..<Int.random(in: 0...4, using: &random) { act(topic(), &world) }
            try world.start()
            for _ in 0..<Int.random(in: 0...2, using: &random) { act(topic(), &world) }
            world.readKept(proves: Bool.random(using: &random))
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                act(topic(), &world)
                if Bool.random(using: &random) { world.seeJournal() }
                if Bool.random(using: &random) { world.standby.prove() }
            }
            world.takeOver()
            #expect(world.activations >= pulses, "seed \(seed)")
        }
    }
}

@Suite("The time in which a backlog is read")
struct BacklogTimeTests {
    @Test("begins with the loss of the connection and ends with proof of the present one")
    func states() {
        var backlog = Backlog()
        #expect(!backlog.contains(0) && !backlog.contains(.max))
        backlog.end(provedThrough: 10, at: 10)
        #expect(!backlog.contains(10))
        backlog.begin(at: 100)
        backlog.begin(at: 200)
        #expect(!backlog.contains(99) && backlog.contains(100) && backlog.contains(.max))
        // An echo from before the connection was lost.
        backlog.end(provedThrough: 99, at: 300)
        #expect(backlog.contains(400))
        backlog.end(provedThrough: 150, at: 300)
        #expect(backlog.contains(300) && !backlog.contains(301))
        backlog.end(provedThrough: 500, at: 500)
        #expect(!backlog.contains(400))
        backlog.clockLeapt(by: 1_000)
        #expect(
            !backlog.contains(300) && backlog.contains(1_100) && backlog.contains(1_300) && !backlog.contains(1_301))
        backlog.begin(at: 2_000)
        #expect(!backlog.contains(1_200) && backlog.contains(2_000))
        backlog.clockLeapt(by: -500)
        #expect(backlog.contains(1_500) && !backlog.contains(1_499))
    }
}
