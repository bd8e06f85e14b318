import Plant
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

@Suite("AlarmProcessor: recording in a real tree")
struct AlarmProcessorTests {
    typealias Bed = AlarmTestBed

    @Test("a transition is recorded once, with its journal entry, and announced")
    func records() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            gateway.hear("press1", 20)
            try await eventually("both announced", seen: { "\(gateway.events)" }) {
                gateway.events == ["ACT press1 1", "RTN press1 2"]
            }
            #expect(try await bed.journal() == ["ACT press1 1", "RTN press1 2"])
            #expect(try await bed.record("press1").state == .returnedUnacknowledged)
            try await eventually("both marked") { try await bed.announced() == ["true", "true"] }
            #expect(!gateway.plant.pendingTransitions.isWaiting)
        }
    }

    @Test("on a standby the broker may forget a batch only once the active processor has recorded what came of it")
    func standbyWaits() async throws {
        try await Bed.with { bed, group in
            let active = try await bed.gateway("g1", in: &group)
            try await eventually("the first is active") { active.processor.announcingLease != nil }
            let standby = try await bed.gateway("g2", in: &group)
            standby.gate.passed(.mirror, through: .max)
            standby.hear("press1", 90, at: 1_000_000)
            // Without a lease each turn forgets what was refused: so one is seen.
            let alarm = try Bed.alarm("press1")
            standby.processor.state.withLock { $0.refused[alarm] = .now }
            standby.wakes.alarms.wake()
            try await eventually("a turn") { standby.processor.state.withLock { $0.refused.isEmpty } }
            #expect(standby.released.all.isEmpty)
            active.hear("press1", 90, at: 1_000_000)
            try await eventually("the release") { standby.released.all == [1] }
        }
    }

    @Test("after a transaction of open outcome nothing is recorded twice")
    func openOutcome() async throws {
        try await Bed.with { bed, group in
            let proxy = try FaultProxy(target: bed.tree.port)
            defer { proxy.close() }
            let gateway = try await bed.gateway("g1", in: &group, port: proxy.port)
            gateway.hear("press1", 90)
            try await eventually("the first") { gateway.events == ["ACT press1 1"] }
            // The transaction goes through, and its answer never comes.
            proxy.discard(.toClient)
            gateway.hear("press1", 20)
            try await eventually("the commit") { try await bed.journal().count == 2 }
            gateway.hear("press2", 95)
            proxy.cut()
            proxy.heal()
            gateway.hear("press1", 91)
            try await eventually("all recorded", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                try await bed.journal().count == 4 && !gateway.plant.pendingTransitions.isWaiting
            }
            let journal = try await bed.journal()
            #expect(Set(journal) == ["ACT press1 1", "RTN press1 2", "ACT press1 3", "ACT press2 1"])
            #expect(journal.filter { $0.contains("press1") } == ["ACT press1 1", "RTN press1 2", "ACT press1 3"])
            try await eventually("all announced") { Set(gateway.events) == Set(journal) }
            #expect(try await bed.record("press1").occurrence == 2)
        }
    }

    @Test("a higher revision that stands in the tree is adopted, and the next transition builds on it")
    func adoptsHigherRevision() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            try await eventually("the first") { gateway.events == ["ACT press1 1"] }
            var record = try await bed.record("press1")
            record.revision = 10
            record.lifeCycle.isAcknowledged = true
            let path = AlarmStore.nodePath(of: record.path)
            try await bed.tree.operatorClient.setData(path, data: record.serialized())
            gateway.hear("press1", 20)
            try await eventually("the return", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                try await bed.journal() == ["ACT press1 1", "RTN press1 11"]
            }
            #expect(try await bed.record("press1").state == .normal)
        }
    }

    @Test("a record that has gone is written again with a higher revision and an entry, at once")
    func missingRecord() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            gateway.hear("press2", 90)
            try await eventually("both") { try await bed.announced() == ["true", "true"] }
            for machine in ["press1", "press2"] {
                try await bed.tree.operatorClient.delete(AlarmStore.nodePath(of: try Bed.alarm(machine)))
            }
            try await eventually("both written again", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                try await bed.journal().count >= 4
            }
            gateway.hear("press1", 20)
            try await eventually("the return", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                try await bed.journal().contains("RTN press1 3")
            }
            let journal = try await bed.journal()
            #expect(Set(journal.prefix(2)) == ["ACT press1 1", "ACT press2 1"])
            #expect(Set(journal.dropFirst(2).prefix(2)) == ["RESTORED press1 2", "RESTORED press2 2"])
            #expect(Array(journal.dropFirst(4)) == ["RTN press1 3"])
            #expect(try await bed.record("press2").state == .unacknowledged)
            try await eventually("the retained records") {
                gateway.retainedRevision("press1") == 3 && gateway.retainedRevision("press2") == 2
            }
            // No event for what is no step of the alarm's life.
            #expect(Set(gateway.events) == ["ACT press1 1", "ACT press2 1", "RTN press1 3"])
        }
    }

    @Test("an alarm whose record the tree refuses costs itself alone, and is recorded once it may be")
    func refusedRecord() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            gateway.hear("press2", 90)
            try await eventually("both") { try await bed.announced() == ["true", "true"] }
            let readOnly = [ACL(permissions: [.read, .admin], scheme: "world", id: "anyone")]
            let node = AlarmStore.nodePath(of: try Bed.alarm("press1"))
            let branch = TreeLayout.alarms + "/factory/line1/press3"
            try await bed.tree.operatorClient.setACL(node, acl: readOnly)
            try await bed.tree.operatorClient.create(branch, data: nil, acl: readOnly)
            gateway.hear("press1", 20)
            gateway.hear("press3", 90)
            gateway.hear("press2", 20)
            try await eventually("the other one", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                try await bed.journal().last == "RTN press2 2"
            }
            #expect(gateway.plant.pendingTransitions.isWaiting)
            try await bed.tree.operatorClient.setACL(node, acl: ACL.worldAll)
            try await bed.tree.operatorClient.setACL(branch, acl: ACL.worldAll)
            try await eventually("the refused ones") {
                Set(try await bed.journal().suffix(2)) == ["RTN press1 2", "ACT press3 1"]
            }
            try await eventually("nothing waits") { !gateway.plant.pendingTransitions.isWaiting }
        }
    }

    @Test("a record that has gone is written again by the next processor, which knows it from the journal")
    func missingAtTakeover() async throws {
        try await Bed.with { bed, group in
            let first = try await bed.gateway("g1", in: &group)
            let second = try await bed.gateway("g2", in: &group)
            first.hear("press1", 90, at: 1_000_000)
            second.hear("press1", 90, at: 1_000_000)
            try await eventually("recorded, seen by both") {
                try await bed.announced() == ["true"] && !second.plant.pendingTransitions.isWaiting
                    && !first.plant.pendingTransitions.isWaiting
            }
            let eventID = try await bed.record("press1").eventID
            try await bed.tree.operatorClient.delete(AlarmStore.nodePath(of: try Bed.alarm("press1")))
            let active = first.processor.lease == nil ? second : first
            try await bed.tree.operatorClient.delete(try #require(active.processor.lease?.path))
            try await eventually("written again", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                try await bed.journal() == ["ACT press1 1", "RESTORED press1 2"]
            }
            let record = try await bed.record("press1")
            #expect(record.eventID == eventID && record.state == .unacknowledged && record.revision == 2)
            // Both gateways have taken it for the newer one.
            var standings = AlarmStandings()
            standings.found(AlarmStore.nodePath(of: record.path), .init(version: 0, revision: 1))
            try await eventually("known to both") {
                first.known.missing(in: standings) == [record] && second.known.missing(in: standings) == [record]
            }
        }
    }

    @Test("a record at the end of its numbers stops neither this alarm nor others")
    func endOfNumbers() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            try await eventually("the first") { try await bed.announced() == ["true"] }
            var record = try await bed.record("press1")
            record.revision = 1 << 53
            try await bed.tree.operatorClient.setData(AlarmStore.nodePath(of: record.path), data: record.serialized())
            gateway.hear("press1", 20)
            try await eventually("the return") { gateway.events.last == "RTN press1 \((1 << 53) + 1)" }
            gateway.hear("press2", 90)
            gateway.hear("press1", 90)
            try await eventually("others", seen: { "\(gateway.events)" }) {
                gateway.events.contains("ACT press2 1") && !gateway.plant.pendingTransitions.isWaiting
            }
        }
    }

    @Test("a node that holds something else, or the record of another alarm, is overwritten")
    func misplaced() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            try await eventually("the first") { try await bed.announced() == ["true"] }
            var foreign = try await bed.record("press1")
            foreign.revision = 70
            for (machine, data) in [("press2", foreign.serialized()), ("press3", Array("{".utf8))] {
                let path = AlarmStore.nodePath(of: try Bed.alarm(machine))
                try await bed.tree.operatorClient.createParents(of: path)
                try await bed.tree.operatorClient.create(path, data: data)
                gateway.hear(machine, 90)
            }
            try await eventually("all three", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                Set(try await bed.journal()) == ["ACT press1 1", "ACT press2 1", "ACT press3 1"]
            }
            #expect(try await bed.record("press2").path == Bed.alarm("press2"))
        }
    }

    @Test(
        "a whole branch that was deleted is made again: /alarms, /requests and /journal",
        arguments: [false, true])
    func missingRoots(alsoAtRest: Bool) async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            let standby = try await bed.gateway("g2", in: &group)
            gateway.hear("press1", 90)
            standby.hear("press1", 90)
            try await eventually("the first") { try await bed.announced() == ["true"] }
            for root in [TreeLayout.alarms, TreeLayout.requests, TreeLayout.alarmRequests, TreeLayout.journal] {
                try await bed.tree.deleteAll(root)
            }
            if alsoAtRest {
                try await eventually("the journal") {
                    try await bed.tree.operatorClient.exists(TreeLayout.journal) != nil
                }
            }
            gateway.hear("press1", 20)
            standby.hear("press1", 20)
            try await eventually("the return", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                guard try await bed.tree.operatorClient.exists(TreeLayout.journal) != nil else { return false }
                return try await bed.journal().last == "RTN press1 3"
            }
            // The numbers of the journal have begun again, and the standby has heard of it all the same.
            try await eventually("the standby has seen it") { !standby.plant.pendingTransitions.isWaiting }
            try await eventually("the event", seen: { "\(gateway.events)" }) { gateway.events.last == "RTN press1 3" }
            try await eventually("the mark") { try await bed.announced() == ["true"] }

            try await eventually("the requests") {
                try await bed.tree.operatorClient.exists(TreeLayout.requests) != nil
            }
            let operation = AlarmOperation(.acknowledge, .alarm("hot", tag: "factory/line1/press1/temperature"))
            #expect(try await bed.ask(operation, by: "ann").result == .done)
        }
    }
}
