import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

extension EnsembleTests {
    /// Given: an ensemble of three, and members of an assignment each with a session of its own.
    /// The fault: the server that leads is killed while a member joins, then cut off from the others while one leaves; then
    /// a member is cut off for longer than its session, while the follower of whoever still hangs on it is killed.
    /// What must hold: the plan's node outlives all of it; of each step of the plan at most 2/n of the items move; no item
    /// has two owners, by their leases at any moment nor by token in the order of what they wrote.
    @Test func itemsKeepOneOwnerAndStayWhereTheyAre() async throws {
        let scratch = try Scratch("ensemble-partition")
        let ensemble = try ApacheEnsemble(scratch: scratch, tickMilliseconds: 500, syncLimit: 4)
        do {
            try await ensemble.waitUntilWhole()
            let proxies = try (0..<3).map { try FaultProxy(target: ensemble.port($0)) }
            defer { for proxy in proxies { proxy.close() } }
            try await PartitionStory(ensemble, proxies: proxies).tell()
        } catch {
            print(ensemble.report)
            await ensemble.stop()
            throw error
        }
        await ensemble.stop()
        scratch.remove()
    }
}

private struct PartitionStory {
    private static let items = (0..<24).map { "line \($0 % 3)/device \($0)" }
    private let ensemble: ApacheEnsemble
    private let proxies: [FaultProxy]
    private let steps = PlanSteps()
    private let overlaps = Shared<[String]>([])
    private let members = Shared<[RunningPartition]>([])

    init(_ ensemble: ApacheEnsemble, proxies: [FaultProxy]) {
        self.ensemble = ensemble
        self.proxies = proxies
    }

    func tell() async throws {
        let through = proxies.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        let names = ["first", "second", "third", "fourth"]
        let observer = try client(ensemble.connectString)
        let clients = try names.map { try client($0 == "third" ? through : ensemble.connectString) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in [observer] + clients { group.addTask { try await client.run() } }
            defer { group.cancelAll() }
            for client in [observer] + clients { try await client.waitUntilConnected(timeout: .seconds(30)) }
            try await observer.ensureChroot()
            for path in ["/journal", "/shares"] { try await observer.ensurePath(path) }
            group.addTask { await look() }
            group.addTask { await steps.follow(observer) }
            try await play(clients, observer)
            for member in members.value { await member.stop() }
            try await verify(observer)
        }
    }

    private func play(_ clients: [ZooKeeperClient], _ observer: ZooKeeperClient) async throws {
        let first = join(clients[0], "first")
        let second = join(clients[1], "second")
        let third = join(clients[2], "third")
        try await share([first, second, third])

        let leader = try await ensemble.leader()
        await ensemble.kill9(leader)
        let fourth = join(clients[3], "fourth")
        try await share([first, second, third, fourth])
        try ensemble.start(leader)
        try await ensemble.waitUntilWhole()

        let cutOff = try await ensemble.leader()
        ensemble.isolate(cutOff)
        try await Task.sleep(for: .milliseconds(1500))
        // Or it would be elected again and again: elections do not take the way that is cut.
        ensemble.pause(cutOff)
        await second.stop()
        try await share([first, third, fourth])
        ensemble.resume(cutOff)
        ensemble.heal()
        try await ensemble.waitUntilWhole()

        let follower = (try await ensemble.leader() + 1) % 3
        for proxy in proxies {
            proxy.refuse(true)
            proxy.cut()
        }
        await ensemble.kill9(follower)
        try await eventually("the one that is cut off owns nothing", seen: { "\(third.items)" }) { third.items.isEmpty }
        try await share([first, fourth])
        for proxy in proxies { proxy.heal() }
        try await share([first, third, fourth])
        try ensemble.start(follower)
        try await ensemble.waitUntilWhole()
    }

    private func client(_ servers: String) throws -> ZooKeeperClient {
        var configuration = try ZooKeeperClient.Configuration(connectString: servers + "/plant")
        configuration.sessionTimeout = .seconds(8)
        configuration.serverTick = .milliseconds(500)
        return ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
    }

    private func join(_ client: ZooKeeperClient, _ name: String) -> RunningPartition {
        let member = RunningPartition(
            client, name, items: Self.items, settling: .milliseconds(300), isJournalling: true)
        members.change { $0.append(member) }
        return member
    }

    private func share(_ members: [RunningPartition]) async throws {
        do {
            let plan = try await RunningPartition.eventuallyShare(
                Self.items, among: members, within: .seconds(60))
            try await eventually("the plan is seen", within: .seconds(30), seen: { "\(steps.seen.value.count)" }) {
                steps.seen.value.last?.plan == plan
            }
        } catch {
            print(ensemble.roles)
            throw error
        }
    }

    /// By its own reckoning each of two may have an item, but never both at one moment.
    private func look() async {
        while !Task.isCancelled {
            let leases = members.value.map { ($0.name, $0.assignment.owned) }
            let now = ContinuousClock.now
            var owners: [String: String] = [:]
            for (name, owned) in leases {
                for (item, lease) in owned where lease.isValid(at: now) {
                    if let other = owners.updateValue(name, forKey: item) {
                        overlaps.change { $0.append("\(item): \(name) and \(other)") }
                    }
                }
            }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    private func verify(_ client: ZooKeeperClient) async throws {
        #expect(overlaps.value.isEmpty, "\(overlaps.value.prefix(3))")
        let journal = try await RunningPartition.journal(client)
        #expect(journal.count == Self.items.count)
        for (item, tokens) in journal {
            #expect(zip(tokens, tokens.dropFirst()).allSatisfy(<=), "\(item): \(tokens)")
        }
        let seen = steps.seen.value
        #expect(Set(seen.map(\.czxid)).count == 1, "the plan's node was made again: \(seen.map(\.czxid))")
        var judged = 0
        for (before, after) in zip(seen, seen.dropFirst()) where after.version == before.version + 1 {
            let changes = Set(before.plan.items.keys).symmetricDifference(after.plan.items.keys).count
            let members = max(before.plan.items.count, after.plan.items.count)
            let moved = after.plan.moved(from: before.plan)
            let what = "version \(after.version): \(moved) moved, \(before.plan.items.keys) to \(after.plan.items.keys)"
            guard changes == 1 else { continue }
            judged += 1
            #expect(moved * members <= 2 * Self.items.count + members - 1, "\(what)")
            if after.plan.items.count < before.plan.items.count {
                let gone = before.plan.items.first { after.plan.items[$0.key] == nil }?.value.count ?? 0
                #expect(moved <= gone, "\(what)")
            }
        }
        print("plans \(seen.count), steps judged \(judged), journal \(journal.values.map(\.count).reduce(0, +))")
        #expect(judged >= 4)
    }
}

/// Every plan that stood in the tree, as far as one who reads it at each change gets to see.
private final class PlanSteps: Sendable {
    struct Seen: Sendable {
        var czxid: Int64
        var version: Int32
        var plan: PartitionPlan
    }

    let seen = Shared<[Seen]>([])

    func follow(_ client: ZooKeeperClient) async {
        while !Task.isCancelled {
            do {
                let (node, watch) = try await client.getDataAndWatch("/shares/plan")
                if let plan = PartitionRecord.plan(node.data ?? []) {
                    let now = Seen(czxid: node.stat.czxid, version: node.stat.version, plan: plan)
                    seen.change { seen in
                        // A server that lags behind shows what was seen before.
                        if seen.last.map({ $0.czxid != now.czxid || $0.version < now.version }) ?? true {
                            seen.append(now)
                        }
                    }
                }
                _ = try await watch.next()
            } catch {
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
