import ZooKeeperProtocol

/// Two servers that are given the same scripts, and the comparison of everything they say.
///
/// Only one connection has requests under way at a time, so each server's frames on each connection have one right order:
/// events caused by others come before the reply to whatever the connection asks next.
final class Duel {
    let ourPort: Int
    let theirPort: Int
    let peculiarities: Set<Peculiarity>
    var tamper: Link.Tamper?
    private(set) var counts = Counts()
    private var zxids = Correspondence(fixed: [0, -1])
    private var sessions = Correspondence(fixed: [0])
    private var slots: [Slot] = []
    private var observer: Link?
    private var removals: RemovalWatch?
    private var root = ""
    private var roots = 0
    /// A difference leaves its root behind: another duel with the same servers must not meet it.
    private let family = String(UInt32.random(in: 0x1000_0000 ... .max), radix: 16)

    struct Counts {
        var calls = 0
        var replies = 0
        var errors = 0
        var events = 0
        var handshakes = 0
        /// Nodes that the servers removed by themselves.
        var removals = 0
        var episodes = 0
        /// How often each known difference was met.
        var allowed: [Peculiarity: Int] = [:]
        var byCall: [String: Int] = [:]
    }

    private struct Slot {
        var link: Link?
        var session: Link.Session?
        var lastSeen: (ours: Int64, theirs: Int64) = (0, 0)
    }

    init(ourPort: Int, theirPort: Int, peculiarities: Set<Peculiarity>) {
        self.ourPort = ourPort
        self.theirPort = theirPort
        self.peculiarities = peculiarities
    }

    /// Plays a script below a root of its own, compares whole trees at its end and clears up.
    func play(_ script: [Step]) throws(Difference) {
        roots += 1
        counts.episodes += 1
        root = "/\(family)-\(1_000_000 + roots)"
        slots = [Slot](repeating: Slot(), count: Generator.slots)
        var position: Int?
        do {
            try makeRoot()
            for slot in slots.indices { try perform(.connect(slot: slot, timeout: 60_000)) }
            for (index, step) in script.enumerated() {
                position = index
                try perform(step)
                if index % 16 == 15 { try fence() }
            }
            position = nil
            try fence()
            try survey(deleting: false)
            for slot in slots.indices {
                try perform(.reattach(slot: slot, timeout: 60_000, .good))
                try perform(.close(slot: slot))
            }
            try survey(deleting: true)
        } catch {
            forget()
            if let difference = error as? Difference { throw difference.at(position) }
            var difference = Difference("\(error)").at(position)
            difference.isFatal = error is WireConnection.Gone
            difference.isSlow = error is WireConnection.Silence
            throw difference
        }
    }

    /// After a difference, nothing that was learnt can be relied on.
    private func forget() {
        for slot in slots { slot.link?.drop() }
        slots = []
        observer?.drop()
        observer = nil
        removals = nil
        zxids = Correspondence(fixed: [0, -1])
        sessions = Correspondence(fixed: [0])
    }

    // MARK: Steps

    private func perform(_ step: Step) throws {
        switch step {
        case .requests(let slot, let calls):
            guard let link = slots[slot].link else { return }
            try ask(link, calls, lastSeen: link.lastSeen.ours == 0 ? slots[slot].lastSeen : nil)
            if calls.contains(where: \.standsAlone), slots[slot].link === link { try ask(link, [.ping]) }
            settle(slot)
        case .connect(let slot, let timeout):
            guard slots[slot].link == nil else { return }
            try endOrphan(slot)
            try open(slot, timeout: timeout, session: nil)
        case .drop(let slot):
            guard let link = slots[slot].link else { return }
            try ask(link, [.ping])
            slots[slot].lastSeen = link.lastSeen
            link.drop()
            slots[slot].link = nil
        case .close(let slot):
            guard let link = slots[slot].link else { return }
            try fence()
            try link.closeSession()
            try compare(link, unordered: true)
            slots[slot].link = nil
            try fence(unordered: true)
        case .reattach(let slot, let timeout, let credentials):
            try reattach(slot, timeout, credentials)
        case .removals(let slot, let calls, let expiring, let paths):
            try fence()
            if let expiring { try perform(.drop(slot: expiring)) }
            try perform(.requests(slot: slot, calls))
            let watch = try removals ?? RemovalWatch(ourPort: ourPort, theirPort: theirPort)
            removals = watch
            let different = try watch.wait(for: paths.map { root + $0.dropFirst() })
            guard different.isEmpty else {
                var difference = Difference("removed in time: \(different.joined(separator: ", "))")
                difference.isSlow = true
                throw difference
            }
            counts.removals += paths.count
            try fence(unordered: true)
        }
    }

    private func reattach(_ slot: Int, _ timeout: Int32, _ credentials: Step.Credentials) throws {
        guard let session = slots[slot].session else { return }
        let old = slots[slot].link
        switch credentials {
        case .good:
            if let old {
                // What is under way comes first: Apache's may end the old connection before it has sent the last events.
                try ask(old, [.ping])
                guard slots[slot].link === old else { return }
                slots[slot].lastSeen = old.lastSeen
            }
            try open(slot, timeout: timeout, session: session)
            guard let old, slots[slot].link !== old else { return }
            try old.awaitEnd()
            try compare(old)
            old.drop()
        case .wrongPassword:
            // Apache cuts the owner off before it looks at the password. Ours does not let strangers do that.
            guard old == nil else { return }
            try open(slot, timeout: timeout, session: session, wrongPassword: true)
        case .aheadOfServer:
            let link = try Link(ourPort: ourPort, theirPort: theirPort, tamper: tamper)
            try link.connect(timeout: timeout, session: session, lastZxidSeen: .max)
            try compare(link)
            link.drop()
        }
    }

    private func open(_ slot: Int, timeout: Int32, session: Link.Session?, wrongPassword: Bool = false) throws {
        counts.handshakes += 1
        let link = try Link(ourPort: ourPort, theirPort: theirPort, tamper: tamper)
        try link.connect(timeout: timeout, session: session, wrongPassword: wrongPassword)
        let isOpen = link.session != nil
        try compare(link)
        slots[slot].link = isOpen ? link : nil
        if let session = link.session { slots[slot].session = session }
    }

    /// A session without connection, whose place a new one takes, must not leave its ephemeral nodes behind.
    private func endOrphan(_ slot: Int) throws {
        guard let session = slots[slot].session else { return }
        try open(slot, timeout: 60_000, session: session)
        try perform(.close(slot: slot))
    }

    private func settle(_ slot: Int) {
        guard let link = slots[slot].link, link.session == nil else { return }
        slots[slot].link = nil
    }

    private func ask(
        _ link: Link, _ calls: [Call], lastSeen: (ours: Int64, theirs: Int64)? = nil, unordered: Bool = false
    ) throws {
        counts.calls += calls.count
        try link.exchange(calls, root: root, lastSeen: lastSeen)
        let isClosed = link.isClosed
        try compare(link, unordered: unordered)
        if isClosed, let slot = slots.firstIndex(where: { $0.link === link }) {
            slots[slot].link = nil
            link.drop()
        }
    }

    /// Brings in every event that is under way, and compares.
    private func fence(unordered: Bool = false) throws {
        for slot in slots.indices {
            if let link = slots[slot].link { try ask(link, [.ping], unordered: unordered) }
        }
    }

    // MARK: The whole tree

    private func observing() throws -> Link {
        if let observer { return observer }
        let link = try Link(ourPort: ourPort, theirPort: theirPort, tamper: nil)
        try link.connect(timeout: 600_000)
        try compare(link)
        try ask(link, [.auth(scheme: "digest", auth: Array("super:test".utf8))])
        observer = link
        return link
    }

    private func makeRoot() throws {
        let observer = try observing()
        try ask(observer, [.create(.create2, path: "~", data: [], acl: ACL.worldAll, flags: 0, ttl: nil)])
    }

    /// Compares every node below the root, and deletes them.
    private func survey(deleting: Bool) throws {
        let observer = try observing()
        var paths = ["~"]
        var next = 0
        while next < paths.count {
            let chunk = Array(paths[next..<min(next + 30, paths.count)])
            next += chunk.count
            let calls = chunk.flatMap { path -> [Call] in
                deleting
                    ? [.look(.getChildren2, path: path, watch: false)]
                    : [
                        .look(.getChildren2, path: path, watch: false), .look(.getData, path: path, watch: false),
                        .ask(.getACL, path: path),
                    ]
            }
            counts.calls += calls.count
            try observer.exchange(calls, root: root)
            var index = 0
            for answer in observer.ours {
                guard case .reply(_, _, _, let fields) = answer else { continue }
                let path = chunk[index / (deleting ? 1 : 3)]
                let isListing = deleting || index % 3 == 0
                index += 1
                guard isListing, case .names(let names)? = fields.first else { continue }
                paths += names.map { path + "/" + $0 }
            }
            try compare(observer)
        }
        guard deleting else { return }
        var rest = paths[...]
        while !rest.isEmpty {
            try ask(observer, rest.suffix(50).reversed().map { .delete(path: $0, version: -1) })
            rest = rest.dropLast(50)
        }
    }

    // MARK: Comparing

    /// - Parameter unordered: The events were caused by a session's end, which removes nodes in no order.
    private func compare(_ link: Link, unordered: Bool = false) throws(Difference) {
        defer { link.forgetAnswers() }
        var ours = link.ours
        var theirs = link.theirs
        if unordered {
            ours = Self.withSortedEvents(ours)
            theirs = Self.withSortedEvents(theirs)
        }
        for index in 0..<max(ours.count, theirs.count) {
            let our = index < ours.count ? ours[index] : nil
            let their = index < theirs.count ? theirs[index] : nil
            guard let our, let their, isSame(our, their, link) else {
                var call: Call?
                for case .reply(let xid, _, _, _)? in [our, their] { call = call ?? link.call(xid) }
                throw Difference(call: call, ours: our, theirs: their, context: Self.context(ours, theirs, index))
            }
        }
    }

    private static func context(_ ours: [Answer], _ theirs: [Answer], _ index: Int) -> String {
        let window = max(0, index - 2)..<(index + 4)
        func list(_ name: String, _ answers: [Answer]) -> String {
            name + answers[window.clamped(to: 0..<answers.count)].map { "\n      \($0)" }.joined()
        }
        return list("    our frames around it:", ours) + "\n" + list("    the peer's:", theirs)
    }

    private static func withSortedEvents(_ answers: [Answer]) -> [Answer] {
        var result: [Answer] = []
        var events: [(key: String, answer: Answer)] = []
        func flush() {
            result += events.sorted { $0.key < $1.key }.map(\.answer)
            events = []
        }
        for answer in answers {
            if case .event(_, let type, _, let path) = answer {
                events.append(("\(path) \(type)", answer))
            } else {
                flush()
                result.append(answer)
            }
        }
        flush()
        return result
    }

    private func isSame(_ our: Answer, _ their: Answer, _ link: Link) -> Bool {
        switch (our, their) {
        case (.closed, .closed): return true
        case (.connected(let our), .connected(let their)): return isSame(our, their)
        case (
            .event(let ourZxid, let ourType, let ourState, let ourPath), .event(let zxid, let type, let state, let path)
        ):
            counts.events += 1
            guard ourType == type, ourState == state, ourPath == path else { return false }
            if peculiarities.contains(.eventsWithoutZxid), zxid == -1 {
                counts.allowed[.eventsWithoutZxid, default: 0] += 1
                return true
            }
            return zxids.match(ours: ourZxid, theirs: zxid)
        case (
            .reply(let ourXid, let ourZxid, let ourError, let ourFields),
            .reply(let xid, let zxid, let error, let fields)
        ):
            counts.replies += 1
            if error != 0 { counts.errors += 1 }
            let call = link.call(xid)
            if peculiarities.contains(.existsNeedsNoPermission), case .look(.exists, _, false)? = call,
                ourError == ErrorCode.noAuth.rawValue, error == 0, ourXid == xid
            {
                counts.allowed[.existsNeedsNoPermission, default: 0] += 1
                return true
            }
            guard ourXid == xid, ourError == error, isSame(ourFields, fields) else { return false }
            guard let call else { return true }
            counts.byCall["\(OperationCode(rawValue: call.type).map { "\($0)" } ?? "other")", default: 0] += 1
            guard call.isChange, error == 0, !Self.isFailedMulti(call, fields) else { return true }
            return zxids.match(ours: ourZxid, theirs: zxid)
        case (.closed, _), (.connected, _), (.event, _), (.reply, _): return false
        }
    }

    private static func isFailedMulti(_ call: Call, _ fields: [Field]) -> Bool {
        guard case .multi = call else { return false }
        return fields.first == .number(Int64(OperationCode.error.rawValue))
    }

    private func isSame(_ ours: [Field], _ theirs: [Field]) -> Bool {
        guard ours.count == theirs.count else { return false }
        for (our, their) in zip(ours, theirs) {
            switch (our, their) {
            case (.zxid(let our), .zxid(let their)):
                guard zxids.match(ours: our, theirs: their) else { return false }
            case (.session(let our), .session(let their)):
                guard sessions.match(ours: our, theirs: their) else { return false }
            default: guard our == their else { return false }
            }
        }
        return true
    }
}
