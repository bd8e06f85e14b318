import Primitives
import TestFixtures
import ZooKeeperProtocol

/// Scripts in which servers remove nodes by themselves: containers, nodes that outlive their time, sessions that expire.
///
/// When a server does so is its own affair. So each round builds something, sets watches, then does at once whatever makes
/// nodes go, and waits until both servers have removed them; nobody asks about them meanwhile. Under each parent one thing
/// goes at a time: of two, a server may remove either first, and the parent's `pzxid` tells which.
struct RemovalScript {
    private static let victim = 3
    private static let victimTimeout: Int32 = 2000

    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func script(rounds: Int) -> [Step] {
        (0..<rounds).flatMap { _ in round() }
    }

    private mutating func round() -> [Step] {
        var steps: [Step] = []
        var watchable = ["~"]
        var triggers: [Call] = []
        var goes: [String] = []
        let builder = { below in Step.requests(slot: 2, below) }
        for index in 0..<1 + below(3) {
            let parent = "~/c\(index)"
            let container = parent + "/in"
            let inner = chance(0.4) ? container + "/deep" : nil
            let last = inner ?? container
            steps.append(builder([create(parent, .persistent), create(container, .container)]))
            if let inner { steps.append(builder([create(inner, .container)])) }
            let names = (0..<1 + below(3)).map { last + "/\($0)" }
            steps.append(builder(names.map { create($0, pick([.persistent, .persistent, .container])) }))
            if chance(0.3) { steps.append(builder([.setData(path: container, data: [1], version: -1)])) }
            triggers += names.map { .delete(path: $0, version: -1) }
            watchable += [parent, container, last] + names
            goes += [container, last]
        }
        for index in 0..<below(3) {
            let parent = "~/t\(index)"
            let node = parent + "/brief"
            // At once, or it could be gone before it has a child.
            steps += [
                builder([create(parent, .persistent)]),
                builder([.multi([create(node, .persistentTTL, .create), create(node + "/x", .persistent, .create)])]),
            ]
            if chance(0.3) { steps.append(builder([.setData(path: node, data: [2], version: 0)])) }
            triggers.append(
                chance(0.5) ? .delete(path: node + "/x", version: 0) : .multi([.delete(path: node + "/x", version: -1)])
            )
            watchable += [parent, node, node + "/x"]
            goes.append(node)
        }
        let expires = chance(0.7)
        if expires {
            var ephemerals = ["~/e/one", "~/e/two"]
            var calls = [create("~/e", .persistent)]
            if chance(0.5) {
                // A container whose last child goes with its session.
                calls += [create("~/k", .persistent), create("~/k/in", .container)]
                ephemerals.append("~/k/in/e")
                goes.append("~/k/in")
            }
            // No longer alive than needed: it must not expire before its time.
            steps += [.close(slot: Self.victim), .requests(slot: 2, calls)]
            steps += watches(watchable + ["~/e"] + ephemerals)
            steps.append(.connect(slot: Self.victim, timeout: Self.victimTimeout))
            steps.append(.requests(slot: Self.victim, ephemerals.map { create($0, .ephemeral) }))
            goes += ephemerals
        } else {
            steps += watches(watchable)
        }
        steps.append(
            .removals(slot: 2, shuffled(triggers), expiring: expires ? Self.victim : nil, until: goes))
        if expires, chance(0.5) { steps.append(.reattach(slot: Self.victim, timeout: 60_000, .good)) }
        for slot in 0..<3 {
            let looks = (0..<4).map { _ in
                Call.look(pick([.exists, .getChildren2]), path: pick(watchable + goes), watch: false)
            }
            steps.append(.requests(slot: slot, looks))
        }
        return steps
    }

    /// Of the two connections that only watch.
    private mutating func watches(_ paths: [String]) -> [Step] {
        // Before 3.9 a connection's watches on a path are all of one kind.
        var steps: [Step] = []
        if chance(0.7) { steps.append(.requests(slot: 0, [.addWatch(path: "~", mode: 1)])) }
        for path in paths.dropFirst() where chance(0.6) {
            let calls: [Call] =
                if path.utf8.count % 3 == 0 {
                    [.addWatch(path: path, mode: 0)]
                } else {
                    [.look(pick([.exists, .getData, .getChildren]), path: path, watch: true)]
                }
            steps.append(.requests(slot: 1, calls))
        }
        return steps
    }

    private mutating func create(
        _ path: String, _ mode: CreateMode, _ plain: OperationCode = .create2
    ) -> Call {
        let code: OperationCode =
            switch mode {
            case .container: .createContainer
            case .persistentTTL: .createTTL
            default: plain
            }
        return .create(
            code, path: path, data: [UInt8](repeating: 7, count: below(9)), acl: ACL.worldAll, flags: mode.rawValue,
            ttl: mode == .persistentTTL ? Int64(1 + below(400)) : nil)
    }

    // MARK: Chance

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
    private mutating func chance(_ probability: Double) -> Bool {
        Double(random.next() >> 11) / Double(1 << 53) < probability
    }
    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    private mutating func shuffled(_ calls: [Call]) -> [Call] { calls.shuffled(using: &random) }
}
