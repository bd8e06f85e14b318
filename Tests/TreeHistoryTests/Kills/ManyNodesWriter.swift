import Synchronization
import ZooKeeperProtocol

/// Writes growing numbers into many nodes in turn, so that a checkpoint always has much to write and takes a while.
final class ManyNodesWriter: Writer {
    let name: String
    private let count = 2_000
    private let window = 16
    private let length = 200
    /// By node: the greatest number that is known to be there. And where the next look begins.
    private let known: Mutex<(durable: [Int], next: Int)>

    private var path: String { "/many-\(name)" }

    init(name: String) {
        self.name = name
        known = Mutex((Array(repeating: 0, count: count), 0))
    }

    private func node(_ index: Int) -> String { "\(path)/\(index)" }

    private func data(_ number: Int) -> [UInt8] {
        let text = Array("\(number)|".utf8)
        return text + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: length - text.count)
    }

    func prepare(_ session: RawSession, _ ledger: Ledger) throws {
        let code = try session.create(path)
        guard code == .ok || code == .nodeExists else { throw UnexpectedAnswer("create \(path): \(code)") }
        let present = Set(try session.children(path))
        var missing = (0..<count).filter { !present.contains("\($0)") }[...]
        while !missing.isEmpty {
            try session.sendTransaction(missing.prefix(250).map { .create(path: node($0), data: data(0)) })
            guard case .created = try session.receiveTransaction().first else {
                throw UnexpectedAnswer("cannot make the nodes below \(path)")
            }
            missing = missing.dropFirst(250)
        }
    }

    func settle(_ session: RawSession, _ ledger: Ledger) throws {}

    func step(_ session: RawSession, _ ledger: Ledger) throws {
        let first = ledger.progress(name).started + 1
        let newest = ledger.newestZxid
        for number in first..<(first + window) {
            ledger.started(name, number)
            try session.sendSet(node(number % count), data(number))
        }
        for number in first..<(first + window) {
            var reply = try session.receive()
            guard reply.error == .ok else { throw UnexpectedAnswer("set \(node(number % count)): \(reply.error)") }
            let stat = try Stat(from: &reply.body)
            isDurable(number)
            ledger.acknowledged(by: name)
            ledger.answered(zxid: stat.mzxid, writtenAfter: newest, by: name)
        }
    }

    private func isDurable(_ number: Int) {
        known.withLock { $0.durable[number % count] = max($0.durable[number % count], number) }
    }

    /// Looks at some of the nodes, at others each time.
    func verify(_ reader: RawSession, _ ledger: Ledger) throws {
        let (durable, first) = known.withLock { known in
            defer { known.next = (known.next + 400) % count }
            return (known.durable, known.next)
        }
        guard durable.contains(where: { $0 > 0 }) else { return }
        let indices = (first..<(first + 400)).map { $0 % count }
        let results = try reader.read(indices.map { .getData(path: node($0)) })
        let started = ledger.progress(name).started
        guard results.count == indices.count else {
            throw UnexpectedAnswer("\(results.count) of \(indices.count) reads")
        }
        for (index, result) in zip(indices, results) {
            guard case .data(let answer) = result, let bytes = answer.data,
                let number = Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "|") }, as: UTF8.self)),
                bytes == data(number), number == 0 || number % count == index
            else {
                ledger.found("\(node(index)) holds what was never written: \(result)")
                continue
            }
            if number < durable[index] {
                ledger.found("\(node(index)) holds \(number), though \(durable[index]) was durable")
            }
            if number > started { ledger.found("\(node(index)) holds \(number), but only \(started) was ever sent") }
            isDurable(number)
        }
    }
}
