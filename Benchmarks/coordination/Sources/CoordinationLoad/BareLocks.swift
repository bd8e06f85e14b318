import Foundation

/// Contenders for one lock that do nothing but what the tree needs for it, all on one thread: no leases, no checks, no
/// waking of threads. What server, disk and system allow whoever hands a lock on by its nodes.
///
/// Each gives back, queues again and lists in one flight, and watches its own node and the one before. That one's end alone
/// does not say that the lock is free: it may have been waiting, too. So each also watches the next one ahead, lists when
/// that is gone, and knows then whether it is its turn when the one before goes. With `--watches 1` they watch the one before
/// only; with `--threads 2` the holder is on a thread of its own, as where no user's code runs on an event loop.
struct BareLocks {
    private let settings: LoadSettings
    private let parent: String
    private let prefix: String
    private var contenders: [Contender] = []
    private var handOffs = 0
    /// Where the holder does its work and gives back, when that is not the thread that reads.
    private let other: SecondThread?

    private final class Contender {
        let connection: RawConnection
        var xid: Int32 = 0
        var own = ""
        /// The names of those ahead that are watched.
        var before = ""
        var next = ""
        /// Whether nobody is ahead but the one before.
        var isNext = false
        var isOwnWatched = false
        var createXid: Int32 = 0
        var listXid: Int32 = 0
        var beforeXid: Int32 = 0
        var aheadXid: Int32 = 0

        init(_ connection: RawConnection) { self.connection = connection }

        func nextXid() -> Int32 {
            xid += 1
            return xid
        }
    }

    private enum Operation: Int32 {
        case delete = 2
        case getData = 4
        case getChildren = 8
        case create2 = 15
    }

    init(_ settings: LoadSettings) {
        self.settings = settings
        parent = settings.path
        other = settings.threads > 1 ? SecondThread() : nil
        prefix = settings.path + "/_c_0123456789abcdef-lock-"
    }

    mutating func run() throws -> LoadResult {
        contenders = try (0..<max(1, settings.sessions)).map { _ in
            Contender(try RawConnection(host: settings.host, port: settings.port))
        }
        create(parent, flags: 0, contenders[0])
        try contenders[0].connection.flush()
        // Before the others ask for nodes below it.
        while try contenders[0].connection.takeAnswers().isEmpty {
            _ = try RawConnection.readable([contenders[0].connection], waitMilliseconds: 1000)
        }
        for contender in contenders { try queue(contender) }

        let begin = steadyNanoseconds() + Int64(settings.warmUp * 1e9)
        let end = begin + Int64(settings.seconds * 1e9)
        var before: Int?
        var processorBegin = 0.0
        while true {
            let now = steadyNanoseconds()
            if now >= begin, before == nil {
                before = handOffs
                processorBegin = processorSeconds()
            }
            guard now < end else { break }
            for index in try RawConnection.readable(contenders.map(\.connection), waitMilliseconds: 1000) {
                try takeAnswers(contenders[index])
            }
        }
        return LoadResult(
            name: "bare-locks-\(contenders.count)", operations: handOffs - (before ?? 0), seconds: settings.seconds,
            clientSeconds: processorSeconds() - processorBegin)
    }

    // MARK: Requests

    private func queue(_ contender: Contender) throws {
        if !contender.own.isEmpty { ask(.delete, contender.own, contender) { $0.int(-1) } }
        (contender.before, contender.next, contender.isNext, contender.isOwnWatched) = ("", "", false, false)
        contender.createXid = create(prefix, flags: 3, contender)
        try list(contender)
    }

    private func list(_ contender: Contender) throws {
        contender.listXid = ask(.getChildren, parent, contender) { $0.byte(0) }
        try contender.connection.flush()
    }

    @discardableResult
    private func create(_ path: String, flags: Int32, _ contender: Contender) -> Int32 {
        ask(.create2, path, contender) { frame in
            frame.bytes([UInt8(ascii: "x")])
            // One entry: the world may do everything.
            frame.int(1)
            frame.int(31)
            frame.bytes(Array("world".utf8))
            frame.bytes(Array("anyone".utf8))
            frame.int(flags)
        }
    }

    @discardableResult
    private func ask(
        _ operation: Operation, _ path: String, _ contender: Contender, _ rest: (borrowing RawConnection) -> Void
    ) -> Int32 {
        let xid = contender.nextXid()
        contender.connection.frame { frame in
            frame.int(xid)
            frame.int(operation.rawValue)
            frame.bytes(Array(path.utf8))
            rest(frame)
        }
        return xid
    }

    // MARK: Answers

    private mutating func takeAnswers(_ contender: Contender) throws {
        for answer in try contender.connection.takeAnswers() {
            switch answer.xid {
            case -1:
                let name = answer.eventPath.dropFirst(parent.utf8.count + 1)
                if name == contender.before {
                    contender.before = ""
                    if contender.isNext { try hold(contender) } else { try list(contender) }
                } else if name == contender.next {
                    contender.next = ""
                    try list(contender)
                }
            case contender.createXid:
                guard answer.error == 0, let own = answer.strings(counted: false).first else {
                    throw LoadError(description: "a create failed with \(answer.error)")
                }
                contender.own = own
            case contender.listXid:
                try listed(answer.strings(counted: true), contender)
            case contender.beforeXid where answer.error != 0, contender.aheadXid where answer.error != 0:
                // It went before it could be watched.
                contender.before = ""
                contender.next = ""
                try list(contender)
            default: break
            }
        }
    }

    private mutating func hold(_ contender: Contender) throws {
        handOffs += 1
        if let other { try other.run { try queue(contender) } } else { try queue(contender) }
    }

    private mutating func listed(_ names: [String], _ contender: Contender) throws {
        let own = contender.own.suffix(10)
        let lower = names.filter { $0.suffix(10) < own }.sorted { $0.suffix(10) < $1.suffix(10) }
        guard let before = lower.last else { return try hold(contender) }
        let next = settings.watches == 1 ? "" : lower.dropLast().last ?? ""
        contender.isNext = next.isEmpty
        if !contender.isOwnWatched, settings.watches > 1 {
            contender.isOwnWatched = true
            watch(contender.own, contender)
        }
        if before != contender.before { contender.beforeXid = watch(parent + "/" + before, contender) }
        if !next.isEmpty, next != contender.next { contender.aheadXid = watch(parent + "/" + next, contender) }
        (contender.before, contender.next) = (before, next)
        try contender.connection.flush()
    }

    @discardableResult
    private func watch(_ path: String, _ contender: Contender) -> Int32 {
        ask(.getData, path, contender) { $0.byte(1) }
    }
}

/// What a server answered or told, with its body.
struct RawAnswer {
    var xid: Int32
    var error: Int32
    var body: [UInt8]

    /// What an event is about.
    var eventPath: String {
        RawAnswer(xid: xid, error: error, body: Array(body.dropFirst(8))).strings(counted: false).first ?? ""
    }

    /// The strings that the body begins with: a list with its count, or one.
    func strings(counted: Bool) -> [String] {
        var rest = body[...]
        func number() -> Int? {
            guard rest.count >= 4 else { return nil }
            defer { rest = rest.dropFirst(4) }
            return Int(rest.prefix(4).reduce(Int32(0)) { $0 << 8 | Int32($1) })
        }
        var result: [String] = []
        for _ in 0..<(counted ? number() ?? 0 : 1) {
            guard let length = number(), (0...rest.count).contains(length) else { break }
            result.append(String(decoding: rest.prefix(length), as: UTF8.self))
            rest = rest.dropFirst(length)
        }
        return result
    }
}
