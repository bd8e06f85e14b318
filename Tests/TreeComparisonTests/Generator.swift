import Primitives
import TestFixtures
import ZooKeeperProtocol

/// Random scripts: few names, so that requests meet each other often.
struct Generator {
    static let slots = 4

    private var random: SeededRandom
    private let peculiarities: Set<Peculiarity>
    /// How often something was left out of a script for the peer's sake.
    private(set) var avoided: [Peculiarity: Int] = [:]

    /// Whether nodes come to be that not everybody may read.
    private let restrictsReading: Bool

    init(seed: UInt64, peculiarities: Set<Peculiarity>) {
        restrictsReading = !peculiarities.contains(.existsNeedsNoPermission) || seed % 2 == 0
        random = SeededRandom(seed: seed)
        self.peculiarities = peculiarities
    }

    mutating func script(steps: Int) -> [Step] {
        var script: [Step] = []
        for slot in 0..<Self.slots where slot > 0 {
            let users = [["user1:one"], ["user2:two"], ["user1:one", "user2:two"], ["super:test"], []]
            for user in pick(users) {
                script.append(.requests(slot: slot, [.auth(scheme: "digest", auth: Array(user.utf8))]))
            }
        }
        while script.count < steps { script += nextSteps() }
        return script
    }

    private mutating func nextSteps() -> [Step] {
        let slot = below(Self.slots)
        switch below(1000) {
        case 0..<15: return [.drop(slot: slot)]
        case 15..<25: return [.close(slot: slot)]
        case 25..<75: return [.connect(slot: slot, timeout: timeout())]
        case 75..<100:
            return [
                .reattach(slot: slot, timeout: timeout(), pick([.good, .good, .good, .wrongPassword, .aheadOfServer]))
            ]
        case 100..<125:
            // What a client does after its connection broke.
            return [
                .drop(slot: slot), .requests(slot: (slot + 1) % Self.slots, calls(1 + below(4), slot: slot + 1)),
                .reattach(slot: slot, timeout: timeout(), .good),
                .requests(slot: slot, [.auth(scheme: "digest", auth: Array("user1:one".utf8))]),
                .requests(slot: slot, [setWatches(slot)]),
            ]
        case 125..<160: return [.requests(slot: slot, [lone(slot)])]
        case 160..<600: return [.requests(slot: slot, [call(slot)])]
        default: return [.requests(slot: slot, calls(2 + below(14), slot: slot))]
        }
    }

    /// A burst. It ends with a setACL: what follows one closely is judged by the old list at Apache's while the new one is
    /// being stored.
    private mutating func calls(_ count: Int, slot: Int) -> [Call] {
        var calls: [Call] = []
        for _ in 0..<count {
            calls.append(call(slot % Self.slots))
            if case .setACL? = calls.last { break }
        }
        return calls
    }

    // MARK: Requests

    private mutating func call(_ slot: Int) -> Call {
        switch below(100) {
        case 0..<22: return create()
        case 22..<31: return .delete(path: path(), version: version())
        case 31..<42: return .setData(path: ordinary(), data: data(), version: version())
        case 42..<62:
            return look(slot)
        case 62..<66: return .setACL(path: ordinary(), acl: acl(), version: version())
        case 66..<70: return .ask(.getACL, path: path())
        case 70..<71: return .ask(.sync, path: ordinary())
        case 71..<73: return .ask(.getEphemerals, path: pick(["~", "/", "~/a", "~/b/", "", path()]))
        case 73..<75: return .ask(.getAllChildrenNumber, path: path())
        case 75..<76: return .whoAmI
        case 76..<84: return .multi((0..<below(6)).map { _ in change() })
        case 84..<87:
            return .multiRead(
                (0..<below(6)).map { _ in .look(pick([.getData, .getChildren]), path: path(), watch: false) })
        case 87..<94: return addWatch(slot)
        case 94..<98: return watcher(slot)
        default: return setWatches(slot)
        }
    }

    private mutating func change() -> Call {
        switch below(10) {
        case 0..<4: createInMulti()
        case 4..<6: .delete(path: path(), version: version())
        case 6..<8: .setData(path: ordinary(), data: data(), version: version())
        default: .check(path: path(), version: version())
        }
    }

    private mutating func createInMulti() -> Call {
        let create = create(oddModes: !avoids(.multiJudgesFlags))
        guard case .create(.create2, let path, let data, let acl, let flags, nil) = create,
            avoids(.create2InMultiIsCreate)
        else { return create }
        return .create(.create, path: path, data: data, acl: acl, flags: flags, ttl: nil)
    }

    private mutating func create(oddModes: Bool = true) -> Call {
        let acl = acl()
        let path = pathToCreate()
        if oddModes, chance(0.04) {
            // Not ephemeral containers: to requests that follow closely, Apache's server takes them for ephemeral nodes.
            let code = pick([OperationCode.create, .create2, .createContainer])
            let flags: [Int32] = [4, 5, 6, 7, -1, 0, 2]
            return .create(
                code, path: path, data: data(), acl: acl, flags: pick(code == .createContainer ? flags : flags + [1]),
                ttl: nil)
        }
        switch below(10) {
        case 0: return .create(.createContainer, path: path, data: data(), acl: acl, flags: 4, ttl: nil)
        case 1:
            // Never a negative time with a mode that has none: it ends Apache's server (3.9.5: an unchecked exception while
            // the transaction is applied).
            let flags = pick(oddModes ? [5, 5, 5, 6, 6, 0, 2, 1] : [5, 6] as [Int32])
            var lives: [Int64] = [100_000_000, 500_000_000, 500_000_000, 1 << 39, (1 << 40) - 1]
            if oddModes { lives += [1 << 40, 0, -1] }
            return .create(
                .createTTL, path: path, data: data(), acl: acl, flags: flags,
                ttl: pick(flags >= 5 ? lives : lives.dropLast()))
        default:
            return .create(
                pick([.create, .create2]), path: path, data: data(), acl: acl, flags: pick([0, 0, 0, 0, 1, 1, 2, 3]),
                ttl: nil)
        }
    }

    private mutating func addWatch(_ slot: Int) -> Call {
        let path = path()
        if chance(0.04) { return .addWatch(path: path, mode: pick([2, -1, 77])) }
        let mode: Int32 = chance(0.5) ? 0 : 1
        if mayWatch(path, slot, mode == 0 ? .persistent : .recursive) { return .addWatch(path: path, mode: mode) }
        return .addWatch(
            path: path,
            mode: mode == 0 && mayWatch(path, slot, .recursive) ? 1 : mayWatch(path, slot, .persistent) ? 0 : 9)
    }

    private mutating func look(_ slot: Int) -> Call {
        let code = pick([OperationCode.exists, .getData, .getChildren, .getChildren2])
        let path = path()
        let watch =
            chance(0.5) && mayWatch(path, slot, .oneShot)
            && !avoids(.existsNeedsNoPermission, when: code == .exists && restrictsReading)
        return .look(code, path: path, watch: watch)
    }

    private mutating func watcher(_ slot: Int) -> Call {
        let code = pick([OperationCode.checkWatches, .removeWatches])
        guard avoids(.olderWatcherTypes) else {
            return .watcher(code, path: path(), type: pick([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 0, 17]))
        }
        var path = path()
        while !mayWatch(path, slot, .oneShot) { path = ordinary() }
        let mayCheck = !avoids(.checkWatchesFindsStrangers, when: code == .checkWatches)
        return .watcher(mayCheck ? code : .removeWatches, path: path, type: pick([1, 2, 3, 1, 2, 3, 0, 17]))
    }

    private mutating func setWatches(_ slot: Int) -> Call {
        func some(_ kind: WatchKind) -> [String] {
            (0..<below(4)).map { _ in ordinary() }.filter { mayWatch($0, slot, kind) }
        }
        return .setWatches(
            since: pick([.lastSeen, .lastSeen, .lastSeen, .beginning, .future]), data: some(.oneShot),
            exist: some(.oneShot), child: some(.oneShot),
            kept: chance(0.5) ? Call.Kept(persistent: some(.persistent), recursive: some(.recursive)) : nil)
    }

    /// What must not be sent together with other requests.
    private mutating func lone(_ slot: Int) -> Call {
        switch below(12) {
        case 0..<4: return .auth(scheme: "digest", auth: Array(pick(["user1:one", "user2:two", "super:test"]).utf8))
        case 4:
            return .auth(
                scheme: "digest", auth: pick([Array("nocolon".utf8), [], nil, Array(":".utf8), Array("a:b:c".utf8)]))
        case 5:
            return .auth(scheme: pick(["foo", "", "world", "auth", "ip", "super", "DIGEST"]), auth: Array("x".utf8))
        case 6: return .raw(type: pick([23, 50, 99, -3, 1000, 0]), body: [])
        case 7:
            return .raw(
                type: pick([1, 2, 3, 4, 5, 6, 7, 8, 12, 14, 15, 19, 21, 22, 17, 18, 101, 103, 104, 105, 106]),
                body: pick([[], [0, 0, 0], [255, 255, 255, 255], [0, 0, 0, 9, 1], [127, 255, 255, 255]]))
        case 8: return avoids(.checkStandsAlone) ? .whoAmI : .check(path: path(), version: version())
        case 9:
            // Kinds that have no place in a transaction.
            return .multi([
                change(), pick([.look(.getData, path: path(), watch: false), .whoAmI, .ask(.getACL, path: path())]),
            ])
        case 10: return .multiRead([.look(.getData, path: path(), watch: false), change()])
        default: return .setACL(path: path(), acl: [], version: -1)
        }
    }

    // MARK: Arguments

    private mutating func version() -> Int32 {
        chance(0.6) ? -1 : pick([0, 0, 0, 1, 1, 2, 3, -2, .max, .min])
    }

    private mutating func timeout() -> Int32 { pick([90_000, 90_000, 30_000, 1, 0, -5, .max]) }

    private mutating func data() -> [UInt8]? {
        switch below(8) {
        case 0: nil
        case 1: []
        case 2: [UInt8](repeating: 7, count: below(300))
        case 3: [0xff, 0xfe, 0]
        default: Array("\(below(100))".utf8)
        }
    }

    private mutating func acl() -> [ACL] {
        guard chance(0.2) else { return ACL.worldAll }
        while true {
            let acl = someACL()
            let isReadable = acl.isEmpty || acl.contains { $0.scheme == "world" && $0.permissions.contains(.read) }
            if restrictsReading || isReadable { return acl }
        }
    }

    private mutating func someACL() -> [ACL] {
        let one = "user1:" + Self.digests[0]
        let two = "user2:" + Self.digests[1]
        func entry(_ permissions: Int32, _ scheme: String, _ id: String) -> ACL {
            ACL(permissions: ACL.Permissions(rawValue: permissions), scheme: scheme, id: id)
        }
        return pick([
            ACL.worldRead, ACL.creatorAll, [entry(31, "digest", one)], [entry(1, "digest", two)],
            [entry(1, "world", "anyone"), entry(31, "digest", one)], [entry(31, "ip", "127.0.0.1")],
            [entry(31, "ip", "10.0.0.0/8")], [entry(31, "ip", "127.0.0.0/8"), entry(1, "world", "anyone")], [],
            [entry(31, "nonsense", "x")], [entry(31, "world", "somebody")], [entry(31, "digest", "nocolon")],
            [entry(31, "digest", "a:b:c")], [entry(31, "ip", "not an address")], [entry(31, "ip", "127.0.0.1/33")],
            [entry(31, "super", "")], [entry(0, "world", "anyone")], [entry(64, "world", "anyone")],
            [entry(31, "auth", "ignored"), entry(1, "world", "anyone")],
            [entry(31, "world", "anyone"), entry(31, "world", "anyone")],
            [entry(1, "digest", one), entry(2, "digest", two), entry(4, "world", "anyone")],
            [entry(29, "world", "anyone")], [entry(15, "world", "anyone")], [entry(30, "world", "anyone")],
            [entry(23, "world", "anyone")], [entry(27, "world", "anyone")],
        ])
    }

    /// `base64(sha1("user1:one"))` and of `user2:two`.
    static let digests = ["QHB9G/4QCq7Q8e0ZczKVs6CgNAs=", "Jdiy8LDhWEXIVRwf0njJhgYS2BU="]

    // MARK: Paths

    private static let names = [
        ["a", "a", "b", "ä"], ["x", "x", "漢", "e\u{301}", "é"], ["p", "p", "."], ["d"], ["d"], ["d"],
    ]

    private mutating func ordinary() -> String {
        if chance(0.03) { return "~" }
        var path = "~"
        let depth = pick([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 4, 6])
        for level in 0..<depth {
            let name = pick(Self.names[level])
            path += "/" + (name == "." ? "p.q" : name)
        }
        if chance(0.08) { path += pick(["/s-", "/", ""]) + "000000000" + "\(below(8))" }
        return path
    }

    /// Not the empty path, which Apache takes for the root in reads.
    private mutating func path() -> String {
        chance(0.04) ? pick(Self.odd) : ordinary()
    }

    private mutating func pathToCreate() -> String {
        if chance(0.03) { return pick(Self.odd + [""]) }
        let path = ordinary()
        return chance(0.12) ? path + pick(["/s-", "/", "/"]) : path
    }

    /// Paths that are not legal, or not anybody's to change.
    private static let odd = [
        "~/", "~//a", "~/a/", "~/./a", "~/..", "~/.", "~/a/../b", "a", "~/a\u{0}b", "~/a\u{1}", "~/\u{7f}",
        "~/\u{9f}", "~/\u{E000}", "~/\u{1F600}", "~/\u{FFF5}", "~/\u{FFEF}", "~/\u{F900}", "/", "/zookeeper",
        "/zookeeper/config", "/zookeeper/quota", "//", "/.", "~/...", "~/ ", "~/a b", "~/%",
    ]

    // MARK: Watches

    private enum WatchKind: Int {
        case oneShot
        case persistent
        case recursive
    }

    private mutating func mayWatch(_ path: String, _ slot: Int, _ kind: WatchKind) -> Bool {
        guard peculiarities.contains(.oneKindOfWatchAPath) else { return true }
        let hash = StableHash.fnv1a(path.utf8, from: StableHash.basis &+ UInt64(slot))
        return !avoids(.oneKindOfWatchAPath, when: Int((hash >> 20) % 3) != kind.rawValue)
    }

    /// Whether something must be left out, which is then counted.
    private mutating func avoids(_ peculiarity: Peculiarity, when isAffected: Bool = true) -> Bool {
        guard isAffected, peculiarities.contains(peculiarity) else { return false }
        avoided[peculiarity, default: 0] += 1
        return true
    }

    // MARK: Chance

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
    private mutating func chance(_ probability: Double) -> Bool {
        Double(random.next() >> 11) / Double(1 << 53) < probability
    }
    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
