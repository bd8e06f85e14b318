import Foundation
import Synchronization
import ZooKeeperProtocol

/// Somebody who writes a known sequence into the tree, on a thread and with a session of its own, until told to stop.
protocol Writer: Sendable {
    var name: String { get }
    /// Makes the nodes it needs; repeated when the connection is lost.
    func prepare(_ session: RawSession, _ ledger: Ledger) throws
    /// After each reconnect: finds out what came of the requests that had no answer.
    func settle(_ session: RawSession, _ ledger: Ledger) throws
    /// A few requests.
    func step(_ session: RawSession, _ ledger: Ledger) throws
    /// Holds what the tree shows against the ledger; called from another thread, while the writer goes on.
    func verify(_ reader: RawSession, _ ledger: Ledger) throws
}

extension Writer {
    /// Its ephemeral node: there as long as its session is.
    var ephemeral: String { "/sessions/\(name)" }

    /// Works until told to stop, or until something is wrong.
    func work(_ session: RawSession, _ ledger: Ledger) {
        var isPrepared = false
        var hasEphemeral = false
        while !ledger.isStopping {
            do {
                if !session.isConnected {
                    try session.connect()
                    if isPrepared { try settle(session, ledger) }
                }
                if !hasEphemeral {
                    let code = try session.create(ephemeral, mode: .ephemeral)
                    guard code == .ok || code == .nodeExists else {
                        throw UnexpectedAnswer("create \(ephemeral): \(code)")
                    }
                    hasEphemeral = true
                    ledger.durable("owner " + name, Int(session.id))
                }
                if !isPrepared {
                    try prepare(session, ledger)
                    isPrepared = true
                }
                try step(session, ledger)
            } catch RawSession.Failure.disconnected {
                usleep(2_000)
            } catch {
                ledger.found("\(name): \(error)")
                return
            }
        }
    }

    /// That the session lives on, with the same number, across all deaths of the server.
    func verifySession(_ reader: RawSession, _ ledger: Ledger) throws {
        let owner = ledger.progress("owner " + name).durable
        guard owner != 0 else { return }
        guard let node = try reader.get(ephemeral) else {
            ledger.found("\(name): its ephemeral node is gone, though its session is not over")
            return
        }
        if Int(node.stat.ephemeralOwner) != owner {
            ledger.found("\(name): its node belongs to \(node.stat.ephemeralOwner), not to \(owner)")
        }
    }
}

/// An answer that a correct server cannot have given.
struct UnexpectedAnswer: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Runs something that blocks on a thread of its own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}
