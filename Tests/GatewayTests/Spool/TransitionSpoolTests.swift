import Foundation
import MQTT
import Plant
import PlantConfiguration
import Synchronization
import TestFixtures
import Testing

@testable import Gateway
@testable import MQTT

@Suite("Keeping transitions on disk")
struct TransitionSpoolTests {
    /// A tree that is away at first.
    private final class Tree: Sendable {
        private let state = Mutex(true)

        var isAway: Bool {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    /// One life of a gateway, as far as its spool is concerned.
    private final class Life: Sendable {
        let plant: PlantState
        let spool: TransitionSpool
        let health: FailureBoard
        let tree = Tree()
        let log = LogLines()
        /// What the broker was let forget.
        let kept = Collected<UInt64>()

        init(_ folder: String?, clock: GatewayClock) throws {
            let fixture = try ConfigurationFixture(["linekeeper.yaml": soundHead + AlarmTestBed.plantFile])
            let configuration = try fixture.load()
            plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "", clock: clock,
                logger: log.logger)
            health = FailureBoard(clock: clock, logger: log.logger)
            spool = TransitionSpool(
                folder: folder, plant: plant, isTreeAway: { [tree] in tree.isAway },
                kept: { [kept] in kept.append($0) }, health: health, clock: clock, logger: log.logger)
        }

        func hear(_ value: Double, at time: Int64) {
            var batch = BatchBuilder(reservingMessages: 1, bytes: 64)
            let topic = Array("factory/line1/press1/temperature".utf8)
            let payload = Array(#"{"v":\#(value),"ts":\#(time)}"#.utf8)
            topic.withUnsafeBytes { topic in
                payload.withUnsafeBytes { payload in
                    _ = batch.append(
                        topic: topic, payload: payload, qos: .atLeastOnce, retain: false, properties: nil,
                        receivedAtMs: time)
                }
            }
            _ = plant.take(batch.finish())
        }

        /// The tree takes everything.
        func record() {
            for proposal in plant.proposals(limit: .max, epoch: 1).proposals {
                plant.transitionRecorded(proposal.record, isOurs: true)
            }
        }

        var steps: [String] {
            plant.proposals(limit: .max, epoch: 1).proposals.map { "\($0.transition) \($0.at)" }
        }
    }

    private static let start = FakeClock().wall

    @Test("a gateway that is restarted while the tree is away records what it had computed")
    func restart() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let file = scratch.path + "/alarm-transitions.jsonl"
        var before: Life? = try Life(scratch.path, clock: GatewayClock(clock))
        before?.hear(90, at: Self.start)
        await before?.spool.keep()
        #expect(FileManager.default.fileExists(atPath: file))
        before?.hear(20, at: Self.start + 1000)
        clock.advance(by: .seconds(1))
        await before?.spool.keep()
        let steps = try #require(before?.steps)
        #expect(steps.count == 2)
        #expect(before?.log.count("are kept on disk") == 1)
        before = nil

        let after = try Life(scratch.path, clock: GatewayClock(clock))
        await after.spool.resume()
        #expect(after.steps == steps)
        #expect(after.log.count("toBeRecorded\": 2") == 1)
        // Recorded by somebody: the file goes.
        after.record()
        after.tree.isAway = false
        clock.advance(by: .seconds(1))
        await after.spool.keep()
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(after.health.problems.isEmpty)
    }

    @Test(
        "nothing is written while everything is recorded soon; what waits for long is kept although the tree is there")
    func quiet() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let file = scratch.path + "/alarm-transitions.jsonl"
        let life = try Life(scratch.path, clock: GatewayClock(clock))
        life.tree.isAway = false
        for step in 0..<20 {
            life.hear(step.isMultiple(of: 2) ? 90 : 20, at: Self.start + Int64(step) * 1000)
            await life.spool.keep()
            #expect(!FileManager.default.fileExists(atPath: file))
            clock.advance(by: .seconds(1))
            life.record()
            await life.spool.keep()
        }
        // Something always waits, and never for long.
        life.hear(90, at: Self.start + 100_000)
        await life.spool.keep()
        for step in 1...6 {
            clock.advance(by: TransitionSpool.standstill + .milliseconds(1))
            life.record()
            life.hear(step.isMultiple(of: 2) ? 90 : 20, at: Self.start + 100_000 + Int64(step) * 1000)
            await life.spool.keep()
            #expect(!FileManager.default.fileExists(atPath: file))
        }
        // A tree that records nothing may be away before that is noticed.
        clock.advance(by: TransitionSpool.standstill)
        await life.spool.keep()
        #expect(!FileManager.default.fileExists(atPath: file))
        clock.advance(by: .milliseconds(1))
        await life.spool.keep()
        #expect(FileManager.default.fileExists(atPath: file))
    }

    @Test("while the tree is away, the broker keeps a message until the disk has what the alarms made of it")
    func acknowledged() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let life = try Life(scratch.path, clock: GatewayClock(clock))
        await life.spool.resume()
        life.hear(20, at: Self.start)
        #expect(!life.spool.takesUp(), "nothing waits")
        life.hear(90, at: Self.start + 1000)
        #expect(life.spool.takesUp() && life.kept.all.isEmpty)
        await life.spool.keep()
        #expect(!life.spool.takesUp() && life.kept.all.count == 1)
        life.hear(20, at: Self.start + 2000)
        #expect(life.spool.takesUp())
        await life.spool.keep()
        #expect(!life.spool.takesUp() && life.kept.all.count == 2)
        // When the tree is there, who records says it.
        life.tree.isAway = false
        life.hear(90, at: Self.start + 3000)
        await life.spool.keep()
        #expect(life.kept.all.count == 2)
        let without = try Life(nil, clock: GatewayClock(clock))
        without.hear(90, at: Self.start)
        #expect(!without.spool.takesUp())
    }

    @Test("a file that cannot be read is put aside, not replaced")
    func unreadable() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let file = scratch.path + "/alarm-transitions.jsonl"
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: "elsewhere")
        let life = try Life(scratch.path, clock: GatewayClock(clock))
        await life.spool.resume()
        life.hear(90, at: Self.start)
        await life.spool.keep()
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: file + ".damaged") == "elsewhere")
        #expect(try AlarmSpool(parsing: Array(Data(contentsOf: URL(filePath: file)))).count == 1)
    }

    @Test("what waits at the end of the process is kept, however short it has waited")
    func end() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let life = try Life(scratch.path, clock: GatewayClock(clock))
        life.tree.isAway = false
        life.hear(90, at: Self.start)
        await life.spool.keep(isUrgent: true)
        #expect(FileManager.default.fileExists(atPath: scratch.path + "/alarm-transitions.jsonl"))
    }

    @Test(
        "a file with damaged lines is put aside, and what can be read of it is used; one that is none is only put aside"
    )
    func damaged() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let file = scratch.path + "/alarm-transitions.jsonl"
        var before: Life? = try Life(scratch.path, clock: GatewayClock(clock))
        before?.hear(90, at: Self.start)
        await before?.spool.keep()
        let steps = try #require(before?.steps)
        before = nil
        let sound = try Data(contentsOf: URL(filePath: file))
        try (sound + Data("garbage\n".utf8)).write(to: URL(filePath: file))
        var after: Life? = try Life(scratch.path, clock: GatewayClock(clock))
        await after?.spool.resume()
        #expect(after?.steps == steps)
        #expect(after?.log.count("warning a part of what was kept on disk cannot be used") == 1)
        #expect(try Data(contentsOf: URL(filePath: file + ".damaged")) == sound + Data("garbage\n".utf8))
        // What is still to be recorded is kept again at once, although the tree may be there.
        #expect(try Data(contentsOf: URL(filePath: file)) == sound)
        after = nil

        try Data("no spool".utf8).write(to: URL(filePath: file))
        let last = try Life(scratch.path, clock: GatewayClock(clock))
        await last.spool.resume()
        #expect(last.steps.isEmpty && !FileManager.default.fileExists(atPath: file))
    }

    @Test("a file that nobody may read, or whose alarms are not configured, is put aside and not replaced")
    func unusable() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let file = scratch.path + "/alarm-transitions.jsonl"
        try scratch.write(
            """
            {"spool":"alarm-transitions","version":1}
            {"tag":"x/y","alarm":"other","condition":"high","limits":["high"],"time":1,"shown":1,"sampledAt":1,"computedAt":1}

            """, to: "alarm-transitions.jsonl")
        var life: Life? = try Life(scratch.path, clock: GatewayClock(clock))
        await life?.spool.resume()
        #expect(life?.log.count("x/y") == 1)
        #expect(FileManager.default.fileExists(atPath: file + ".damaged"))
        life?.hear(90, at: Self.start)
        await life?.spool.keep()
        #expect(FileManager.default.fileExists(atPath: file))
        life = nil

        // A folder stands for a file that cannot be read, whoever runs the test.
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
        let next = try Life(scratch.path, clock: GatewayClock(clock))
        await next.spool.resume()
        #expect(FileManager.default.fileExists(atPath: file + ".damaged2"))
        #expect(next.log.count("put aside") == 1)
    }

    @Test("the file is taken over when the process that had it has ended, with what it has kept")
    func locked() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        var before: Life? = try Life(scratch.path, clock: GatewayClock(clock))
        before?.hear(90, at: Self.start)
        await before?.spool.keep()
        let steps = try #require(before?.steps)
        let after = try Life(scratch.path, clock: GatewayClock(clock))
        await after.spool.resume()
        #expect(after.steps.isEmpty)
        before = nil
        clock.advance(by: TransitionSpool.attemptPause)
        await after.spool.keep()
        #expect(after.steps == steps)
    }

    @Test("a disk that takes nothing is a failure that is said, and costs nothing else")
    func failing() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let life = try Life(scratch.path + "/state", clock: GatewayClock(clock))
        await life.spool.resume()
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/state/alarm-transitions.jsonl.new", withIntermediateDirectories: false)
        for step in 0..<10 {
            life.hear(step.isMultiple(of: 2) ? 90 : 20, at: Self.start + Int64(step) * 1000)
            clock.advance(by: .seconds(1))
            await life.spool.keep()
        }
        #expect(life.kept.all.count == 10, "the stream does not stop")
        #expect(life.health.problems.map(\.kind) == ["spool"])
        try FileManager.default.removeItem(atPath: scratch.path + "/state/alarm-transitions.jsonl.new")
        clock.advance(by: .seconds(1))
        await life.spool.keep()
        #expect(life.health.problems.isEmpty)
    }

    @Test("without a folder nothing is kept; one that cannot be used is said and does not stop the gateway")
    func none() async throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let clock = FakeClock()
        let without = try Life(nil, clock: GatewayClock(clock))
        without.hear(90, at: Self.start)
        await without.spool.keep(isUrgent: true)
        #expect(without.log.all.isEmpty)
        try Data().write(to: URL(filePath: scratch.path + "/file"))
        let unusable = try Life(scratch.path + "/file", clock: GatewayClock(clock))
        unusable.hear(90, at: Self.start)
        #expect(!unusable.spool.takesUp())
        await unusable.spool.resume()
        for _ in 0..<10 {
            clock.advance(by: .seconds(1))
            await unusable.spool.keep()
        }
        #expect(unusable.health.problems.map(\.kind) == ["spool"])
        #expect(unusable.health.problems.first?.cause.contains(scratch.path + "/file") == true)
    }
}
