/// What to do to whom; read from the command line.
struct LoadSettings: Sendable {
    enum Kind: String, Sendable {
        case raw, client, locks
        case bareLocks = "bare-locks"
    }
    enum Load: String, Sendable { case set, get, create, multi, ping }
    /// How locks are taken and given back.
    enum Way: String, Sendable {
        case withLock = "with-lock"
        case acquire
        case releaseAndWait = "release-and-wait"
    }

    var kind = Kind.raw
    var host = "127.0.0.1"
    var port = 0
    var load = Load.set
    var way = Way.withLock
    var count = 1
    var window = 1000
    var nodes = 100
    var size = 100
    var batch = 100
    var seconds = 10.0
    var warmUp = 1.0
    var sessions = 1
    var watches = 3
    var threads = 1
    var path = "/load"
    var trace: String?

    /// How many requests `count` operations are.
    var requests: Int { load == .multi ? max(1, count / batch) : count }
    /// Operations in one request.
    var operationsPerRequest: Int { load == .multi ? batch : 1 }

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        kind = try Self.choice(rest.popFirst())
        let address = (rest.popFirst() ?? "").split(separator: ":")
        guard address.count == 2, let port = Int(address[1]) else { throw Self.misuse("no HOST:PORT") }
        host = String(address[0])
        self.port = port
        if kind == .raw || kind == .client {
            load = try Self.choice(rest.popFirst())
            guard let count = rest.popFirst().flatMap({ Int($0) }), count > 0 else { throw Self.misuse("no COUNT") }
            self.count = count
        }
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Self.misuse("\(option) has no value") }
            try set(option, value)
        }
        if kind == .client, load == .ping { throw Self.misuse("ping is a load for raw") }
    }

    private mutating func set(_ option: String, _ value: String) throws {
        switch option {
        case "--path": path = value
        case "--way": way = try Self.choice(value)
        case "--trace": trace = value
        case "--seconds": seconds = try Self.number(option, value)
        case "--warm-up": warmUp = try Self.number(option, value)
        case "--window": window = try Self.number(option, value)
        case "--nodes": nodes = try Self.number(option, value)
        case "--size": size = try Self.number(option, value)
        case "--batch": batch = try Self.number(option, value)
        case "--sessions": sessions = try Self.number(option, value)
        case "--threads": threads = try Self.number(option, value)
        case "--watches": watches = try Self.number(option, value)
        default: throw Self.misuse("unknown option \(option)")
        }
    }

    private static func number<Number: LosslessStringConvertible & Comparable & Numeric>(
        _ option: String, _ value: String
    ) throws -> Number {
        guard let number = Number(value), number >= 0, number < 1_000_000_000 else {
            throw misuse("\(option) takes a number")
        }
        return number
    }

    private static func choice<Choice: RawRepresentable<String>>(_ word: String?) throws -> Choice {
        guard let choice = word.flatMap(Choice.init(rawValue:)) else { throw misuse("unknown: \(word ?? "nothing")") }
        return choice
    }

    private static func misuse(_ what: String) -> LoadError {
        LoadError(description: what + "\n" + CoordinationLoad.usage, isUsage: true)
    }
}
