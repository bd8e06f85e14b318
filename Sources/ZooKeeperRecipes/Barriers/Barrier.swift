public import ZooKeeperClient
import ZooKeeperProtocol

/// A gate: who comes while it is closed waits until it is opened.
public struct Barrier: Sendable {
    private let client: ZooKeeperClient
    private let path: String

    /// Describes a gate. It is closed while there is a node at `path`.
    public init(client: ZooKeeperClient, path: String) {
        self.client = client
        self.path = path
    }

    /// Closes the gate.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` when servers refuse it, or the client has closed; when an answer is
    ///   lost it is done once more. `CancellationError`: nobody can tell whether it was closed.
    public func close() async throws {
        try await repeatUntilKnown { try await client.ensurePath(path) }
    }

    /// Opens the gate. Whoever closes it at that moment may find it opened again, as a lost answer has it opened once
    /// more.
    ///
    /// - Throws: As ``close()``.
    public func open() async throws {
        try await repeatUntilKnown {
            do { try await client.delete(path) } catch let error as ZooKeeperError where error.code == .noNode {}
        }
    }

    /// Either change may be made more than once.
    private func repeatUntilKnown(_ change: () async throws -> Void) async throws {
        var attempt = Attempt()
        while true {
            do {
                return try await change()
            } catch let error as ZooKeeperError {
                guard error.isOutcomeUnknown || error.code == .sessionExpired else { throw error }
                try await attempt.failed(error)
            }
        }
    }

    /// Waits until the gate is open.
    ///
    /// - Throws: `CancellationError`; ``/ZooKeeperClient/ZooKeeperError`` with what servers refuse for good, or when the
    ///   client has closed. What may pass is waited out.
    public func wait() async throws {
        var attempt = Attempt()
        while true {
            do {
                let (stat, watch) = try await client.existsAndWatch(path)
                if stat == nil { return }
                _ = try await watch.next()
            } catch let error as ZooKeeperError {
                try await attempt.failed(error)
            }
        }
    }
}
