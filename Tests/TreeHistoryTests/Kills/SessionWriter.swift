import Glibc
import Synchronization
import ZooKeeperProtocol

/// Opens sessions, gives each three ephemeral nodes in one transaction, and closes it.
///
/// All three are there or none; they stay until the close is sent, and are gone for ever when it is answered.
final class SessionWriter: Writer {
    private enum Stage {
        case opening
        case alive
        case closing
        case closed
    }

    let name: String
    private let port: Int
    private let stages = Mutex<(current: Int, stages: [Int: Stage])>((0, [:]))
    private let missing = Mutex<Set<Int>>([])

    private var path: String { "/visits-\(name)" }

    init(name: String, port: Int) {
        self.name = name
        self.port = port
    }

    func prepare(_ session: RawSession, _ ledger: Ledger) throws {
        let code = try session.create(path)
        guard code == .ok || code == .nodeExists else { throw UnexpectedAnswer("create \(path): \(code)") }
    }

    func settle(_ session: RawSession, _ ledger: Ledger) throws {}

    func step(_ session: RawSession, _ ledger: Ledger) throws {
        let number = stages.withLock { state in
            state.current += 1
            state.stages[state.current] = .opening
            return state.current
        }
        let visit = RawSession(port: port)
        try repeatedly(visit, number, ledger) {
            let names = try visit.children(path)
            if names.contains("\(number)-a") { return }
            try visit.sendTransaction(
                ["a", "b", "c"].map { .create(path: "\(path)/\(number)-\($0)", data: [], mode: .ephemeral) })
            let results = try visit.receiveTransaction()
            guard results.count == 3, case .created = results[0] else { throw UnexpectedAnswer("visit: \(results)") }
        }
        if ledger.isStopping { return }
        stages.withLock { $0.stages[number] = .alive }
        ledger.acknowledged(by: name)
        // Now and then it stays until after a death of the server.
        if number % 8 == 0 {
            while visit.isConnected, !ledger.isStopping {
                guard (try? visit.call(.sync) { PathRequest(path: self.path).write(into: &$0) }) != nil else { break }
                ledger.acknowledged(by: name)
                usleep(1_000)
            }
        }
        try repeatedly(visit, number, ledger) {
            stages.withLock { $0.stages[number] = .closing }
            let reply = try visit.call(.closeSession)
            guard reply.error == .ok else { throw UnexpectedAnswer("close: \(reply.error)") }
        }
        if ledger.isStopping { return }
        stages.withLock { $0.stages[number] = .closed }
        ledger.acknowledged(by: name)
    }

    /// Until it is done or the session turns out to be over.
    private func repeatedly(_ visit: RawSession, _ number: Int, _ ledger: Ledger, _ body: () throws -> Void) throws {
        while !ledger.isStopping {
            do {
                if !visit.isConnected { try visit.connect() }
                try body()
                return
            } catch RawSession.Failure.disconnected {
                usleep(2_000)
            } catch RawSession.Failure.expired {
                // Allowed only when it was closed: the close had no answer, but took effect.
                if stages.withLock({ $0.stages[number] }) == .closing { return }
                throw RawSession.Failure.expired
            }
        }
    }

    func verify(_ reader: RawSession, _ ledger: Ledger) throws {
        let before = stages.withLock { $0.stages }
        guard let names = try? reader.children(path) else {
            if reader.isConnected { return }
            throw RawSession.Failure.disconnected
        }
        let after = stages.withLock { $0.stages }
        var counts: [Int: Int] = [:]
        for name in names {
            if let number = name.split(separator: "-").first.flatMap({ Int($0) }) { counts[number, default: 0] += 1 }
        }
        for (number, stage) in before {
            let count = counts[number] ?? 0
            if count != 0, count != 3 { ledger.found("\(path): \(count) of the three nodes of session \(number)") }
            if stage == .alive, count == 0, after[number] == .alive {
                ledger.found("\(path): the nodes of session \(number) are gone, though it is not over")
            }
            if stage == .closed, count > 0 { ledger.found("\(path): nodes of session \(number), which was closed") }
            let isGone = missing.withLock { missing in
                if count == 0, stage != .opening { missing.insert(number) }
                return missing.contains(number)
            }
            if isGone, count > 0 { ledger.found("\(path): the nodes of session \(number) came back") }
        }
        // What is over and seen to be gone needs no further looking at.
        stages.withLock { state in
            for (number, stage) in before where stage == .closed && (counts[number] ?? 0) == 0 {
                if number < state.current - 200 { state.stages[number] = nil }
            }
        }
    }
}
