import ZooKeeperProtocol

/// In each transaction: sets two nodes to the next number, creates the node of that number, deletes an old one.
struct TransactionWriter: Writer {
    let name: String
    private let kept = 20

    private var path: String { "/transactions-\(name)" }

    private func child(_ number: Int) -> String { "\(path)/items/\(number)" }

    func prepare(_ session: RawSession, _ ledger: Ledger) throws {
        for path in [path, path + "/a", path + "/b", path + "/items"] {
            let code = try session.create(path, Array("0".utf8))
            guard code == .ok || code == .nodeExists else { throw UnexpectedAnswer("create \(path): \(code)") }
        }
        try verify(session, ledger)
    }

    func settle(_ session: RawSession, _ ledger: Ledger) throws {
        try verify(session, ledger)
        // The server that may have known of the others is dead: they have happened by now, or never will.
        ledger.started(name, ledger.progress(name).durable)
    }

    func step(_ session: RawSession, _ ledger: Ledger) throws {
        let first = ledger.progress(name).durable + 1
        let newest = ledger.newestZxid
        for number in first..<(first + 3) {
            ledger.started(name, number)
            let text = Array("\(number)".utf8)
            var operations: [Operation] = [
                .setData(path: path + "/a", data: text), .create(path: child(number), data: text),
                .setData(path: path + "/b", data: text),
            ]
            if number > kept { operations.append(.delete(path: child(number - kept))) }
            try session.sendTransaction(operations)
        }
        for number in first..<(first + 3) {
            let results = try session.receiveTransaction()
            guard results.count == (number > kept ? 4 : 3), case .set(let stat) = results[0] else {
                throw UnexpectedAnswer("transaction \(number): \(results)")
            }
            ledger.durable(name, number)
            ledger.acknowledged(by: name)
            ledger.answered(zxid: stat.mzxid, writtenAfter: newest, by: name)
        }
    }

    func verify(_ reader: RawSession, _ ledger: Ledger) throws {
        let before = ledger.progress(name)
        let results = try reader.read([
            .getData(path: path + "/a"), .getData(path: path + "/b"), .getChildren(path: path + "/items"),
        ])
        guard case .data(let a) = results[0], case .data(let b) = results[1], case .children(let items) = results[2]
        else {
            if before.durable > 0 { ledger.found("\(path): \(results)") }
            return
        }
        let after = ledger.progress(name)
        let number = a.data.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? -1
        let expected = Set((max(0, number - kept)..<max(0, number)).map { $0 + 1 })
        if a.data != b.data || Set(items.compactMap { Int($0) }) != expected || items.count != expected.count
            || (number > 0 && a.stat.mzxid != b.stat.mzxid)
        {
            ledger.found("\(path): half of a transaction: a \(a), b \(b), items \(items.sorted())")
        }
        if number < before.durable { ledger.found("\(path) is at \(number), though \(before.durable) was durable") }
        if number > max(before.started, after.started) {
            ledger.found("\(path) is at \(number), but only \(after.started) was ever sent")
        }
        ledger.durable(name, number)
    }
}
