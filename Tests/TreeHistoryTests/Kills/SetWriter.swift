import ZooKeeperProtocol

/// Writes growing numbers into one node, several requests at a time.
struct SetWriter: Writer {
    let name: String
    private let window = 8

    private var path: String { "/sets-\(name)" }

    /// Of very different lengths, so that what is cut off in the middle is sometimes short and sometimes long.
    private static func data(_ number: Int) -> [UInt8] {
        Array("\(number)|".utf8) + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number * 37 % 3_000)
    }

    private static func number(_ data: [UInt8]?) throws -> Int {
        guard let data, let number = Int(String(decoding: data.prefix { $0 != UInt8(ascii: "|") }, as: UTF8.self)),
            number == 0 || data == Self.data(number)
        else { throw UnexpectedAnswer("the data of a node is not what was ever written") }
        return number
    }

    func prepare(_ session: RawSession, _ ledger: Ledger) throws {
        let code = try session.create(path, Array("0|".utf8))
        guard code == .ok || code == .nodeExists else { throw UnexpectedAnswer("create \(path): \(code)") }
    }

    func settle(_ session: RawSession, _ ledger: Ledger) throws {
        try verify(session, ledger)
    }

    func step(_ session: RawSession, _ ledger: Ledger) throws {
        let first = ledger.progress(name).started + 1
        let newest = ledger.newestZxid
        for number in first..<(first + window) {
            ledger.started(name, number)
            try session.sendSet(path, Self.data(number))
        }
        for number in first..<(first + window) {
            var reply = try session.receive()
            guard reply.error == .ok else { throw UnexpectedAnswer("set \(path): \(reply.error)") }
            let stat = try Stat(from: &reply.body)
            ledger.durable(name, number)
            ledger.acknowledged(by: name)
            ledger.answered(zxid: stat.mzxid, writtenAfter: newest, by: name)
        }
    }

    func verify(_ reader: RawSession, _ ledger: Ledger) throws {
        let before = ledger.progress(name)
        guard before.durable > 0 else { return }
        guard let node = try reader.get(path) else {
            ledger.found("\(path) is gone")
            return
        }
        let number = try Self.number(node.data)
        let after = ledger.progress(name)
        if number < before.durable { ledger.found("\(path) holds \(number), though \(before.durable) was durable") }
        if number > after.started { ledger.found("\(path) holds \(number), but only \(after.started) was ever sent") }
        ledger.durable(name, number)
    }
}
