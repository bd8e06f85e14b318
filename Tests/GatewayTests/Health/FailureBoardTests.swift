import MQTT
import Plant
import TestFixtures
import Testing
import ZooKeeperClient

@testable import Gateway

@Suite("What fails, in one place")
struct FailureBoardTests {
    private let clock = FakeClock(wall: 1_000_000)
    private let lines = LogLines()

    private func fail(_ log: FailureLog, for time: Duration, cause: String = "no") {
        log.failed(cause)
        clock.advance(by: time)
        log.failed(cause)
    }

    @Test("what lasts is a problem with its newest cause, since it began, until it works or is somebody else's")
    func problems() {
        let board = FailureBoard(clock: GatewayClock(clock), logger: lines.logger)
        let tags = board.log(.tags, began: "tags wait", ended: "tags are written")
        let journal = board.log(.journal, began: "the journal is away", ended: "it is back")
        fail(tags, for: .seconds(5))
        #expect(board.problems.isEmpty)
        fail(tags, for: .seconds(1))
        #expect(board.problems == [.init(kind: "tags", since: 1_000_000, text: "tags wait", cause: "no")])
        tags.failed("another")
        fail(journal, for: .seconds(6), cause: String(repeating: "x", count: 10_000))
        #expect(board.problems.map(\.kind) == ["tags", "journal"])
        #expect(board.problems[0].cause == "another" && board.problems[1].cause.count == 300)
        journal.withdrawn()
        tags.succeeded()
        #expect(board.problems.isEmpty)
        #expect(board.recovered.map(\.kind) == ["tags", "journal"] && board.recovered[0].until == 1_012_000)
        clock.advance(by: .seconds(60))
        #expect(board.recovered.count == 2)
        clock.advance(by: .seconds(1))
        #expect(board.recovered.isEmpty)
        #expect(lines.count("warning") == 2 && lines.count("notice") == 1, "\(lines.all)")
    }

    private func failAll(_ logs: [FailureLog]) {
        for log in logs { log.failed("no") }
        clock.advance(by: .seconds(6))
        for log in logs { log.failed("no") }
    }

    @Test(
        "what has not been tried for a while is neither a problem nor over; two failures far apart are none that lasts")
    func rare() {
        let board = FailureBoard(clock: GatewayClock(clock), logger: lines.logger)
        let answers = board.log(.answers, began: "refused", ended: "")
        fail(answers, for: .seconds(40))
        #expect(board.problems.isEmpty)
        fail(answers, for: .seconds(6))
        #expect(board.problems.count == 1)
        clock.advance(by: .seconds(61))
        #expect(board.problems.isEmpty && board.recovered.isEmpty && board.untried.map(\.kind) == ["answers"])
        answers.failed("again")
        #expect(board.problems.count == 1 && board.untried.isEmpty)
    }

    @Test("what an outage explains that is said already is not said again")
    func explained() {
        let (tree, broker) = (IngestLoopTests.Flag(true), IngestLoopTests.Flag(false))
        let board = FailureBoard(
            isTreeAway: { tree.value }, isBrokerAway: { broker.value }, clock: GatewayClock(clock),
            logger: lines.logger)
        let logs = FailureBoard.Activity.allCases.map { board.log($0, began: $0.rawValue, ended: "") }
        failAll(logs)
        #expect(
            Set(board.problems.map(\.kind)) == [
                "tree", "broker", "subscriptions", "observing", "unretained", "echoes", "clock", "tables", "spool",
                "shedding",
                "answers", "sparkplugState",
            ])
        tree.set(false)
        broker.set(true)
        failAll(logs)
        let hidden: Set = [
            "subscriptions", "observing", "unretained", "echoes", "announcements", "retained", "answers",
            "sparkplugConnection", "sparkplugState",
        ]
        #expect(
            Set(board.problems.map(\.kind))
                == Set(FailureBoard.Activity.allCases.map(\.rawValue)).subtracting(hidden))
    }

    @Test("an outage ends nothing that had failed before it, also where a duty seems to be given up by it")
    func outage() {
        let tree = IngestLoopTests.Flag(false)
        let board = FailureBoard(isTreeAway: { tree.value }, clock: GatewayClock(clock), logger: lines.logger)
        let tags = board.log(.tags, began: "tags wait", ended: "")
        let alarms = board.log(.alarms, began: "alarms wait", ended: "")
        failAll([tags, alarms])
        tree.set(true)
        tags.failed("the tree is away")
        alarms.withdrawn()
        #expect(board.problems.isEmpty && board.recovered.isEmpty && board.untried.count == 2)
        tree.set(false)
        tags.failed("no")
        #expect(board.problems.map(\.kind) == ["alarms", "tags"] && board.problems[1].since == 1_000_000)
        alarms.withdrawn()
        tags.succeeded()
        #expect(board.problems.isEmpty && board.untried.isEmpty && board.recovered.count == 2)
    }

    @Test(
        "a duty that is lost during an outage is withdrawn after it, unless the activity is tried again",
        arguments: FailureBoard.Activity.allCases.filter { $0.needsTree || $0.needsBroker })
    func withdrawnDuringOutage(activity: FailureBoard.Activity) {
        for isTriedAgain in [false, true] {
            let isAway = IngestLoopTests.Flag(false)
            let board = FailureBoard(
                isTreeAway: { isAway.value }, isBrokerAway: { isAway.value }, clock: GatewayClock(clock),
                logger: lines.logger)
            let log = board.log(activity, began: "it fails", ended: "")
            fail(log, for: .seconds(6))
            isAway.set(true)
            log.withdrawn()
            clock.advance(by: .seconds(30))
            #expect(board.problems.isEmpty && board.untried.map(\.kind) == [activity.rawValue])
            isAway.set(false)
            #expect(board.problems.count == 1)
            if isTriedAgain { log.failed("still") }
            clock.advance(by: FailureBoard.patienceAfterOutage)
            #expect(board.problems.isEmpty != isTriedAgain && board.recovered.isEmpty == isTriedAgain)
            // It can fail again, and that is said again.
            fail(log, for: .seconds(6))
            #expect(board.problems.map(\.cause) == ["no"])
            log.withdrawn()
            #expect(board.problems.isEmpty && board.untried.isEmpty)
        }
    }

    @Test("connections, refused subscriptions, missing echoes, full tables and a clock that was set are problems")
    func watch() async throws {
        let broken = IngestLoopTests.Flag(false)
        let board = FailureBoard(clock: GatewayClock(clock), logger: lines.logger)
        let watch = HealthWatch(
            sights: .init(
                tree: {
                    broken.value
                        ? .connecting : .connected(SessionInfo(id: 1, password: [], negotiatedTimeout: .seconds(1)))
                },
                listening: { broken.value ? .disconnected(.timedOut("a ping")) : .connected(sessionPresent: true) },
                publishing: { .connected(sessionPresent: false) },
                subscriptions: {
                    MQTTSubscriptionStatus(
                        connected: true, pending: 0, refused: broken.value ? ["a/#": .notAuthorized] : [:])
                }, observingFailure: { broken.value ? "#: not authorized" : nil },
                retainsMessages: { !broken.value }, isSilent: { broken.value },
                fullTables: { broken.value ? ["tags (10)"] : [] },
                shed: { broken.value ? (12, ["a/b (9)", "c (3)"]) : (0, []) }), health: board,
            clock: GatewayClock(clock))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.run() }
            func pass(_ seconds: Int) async throws {
                for _ in 0..<seconds {
                    try await eventually("a look") { clock.sleeperCount == 1 }
                    clock.advance(by: .seconds(1))
                }
                try await eventually("a look") { clock.sleeperCount == 1 }
            }
            try await pass(10)
            #expect(board.problems.isEmpty && watch.brokerSince == 1_000_000)
            broken.set(true)
            clock.setWall(clock.wall + 3_600_000)
            try await pass(8)
            #expect(
                Set(board.problems.map(\.kind)) == [
                    "tree", "broker", "subscriptions", "observing", "unretained", "echoes", "tables", "clock",
                    "shedding",
                ])
            #expect(board.problems.first { $0.kind == "shedding" }?.cause == "12 messages; by topic: a/b (9), c (3)")
            #expect(board.problems.first { $0.kind == "clock" }?.cause == "by 3600.0 s")
            #expect(watch.brokerSince == nil)
            broken.set(false)
            try await pass(2)
            #expect(Set(board.problems.map(\.kind)) == ["clock", "shedding"])
            try await pass(60)
            #expect(board.problems.isEmpty)
            group.cancelAll()
        }
    }
}
