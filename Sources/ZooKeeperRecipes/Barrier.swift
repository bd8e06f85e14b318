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
    public func close() async throws {
        var attempt = Attempt()
        while true {
            do {
                return try await client.ensurePath(path)
            } catch let error as ZooKeeperError {
                guard error.isOutcomeUnknown || error.code == .sessionExpired else { throw error }
                try await attempt.failed(error)
            }
        }
    }

    /// Opens the gate.
    public func open() async throws {
        var attempt = Attempt()
        while true {
            do {
                return try await client.delete(path)
            } catch let error as ZooKeeperError {
                if error.code == .noNode { return }
                guard error.isOutcomeUnknown || error.code == .sessionExpired else { throw error }
                try await attempt.failed(error)
            }
        }
    }

    /// Waits until the gate is open.
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
