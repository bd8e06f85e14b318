import NIOCore
import ZooKeeperProtocol

/// Making the way to a node.
extension ZooKeeperClient {
    /// Creates a node and all its parents that do not exist, persistent and without data, those of the chroot included.
    ///
    /// A lost connection is waited out: it is tried again until a call's time is up. Each node on the way takes several
    /// calls, with a deadline each.
    public func ensurePath(_ path: String) async throws {
        let absolutePath = try absolute(path, .create2)
        if absolutePath == "/" { return }
        let whole = unrooted()
        let deadline = ContinuousClock.now + core.configuration.requestTimeout
        while true {
            do {
                try await whole.ensure(absolutePath)
                return
            } catch let error as ZooKeeperError
                where (error.code == .connectionLoss || error.code == .sessionExpired) && ContinuousClock.now < deadline
            {
                continue
            }
        }
    }

    /// Creates the chroot and its parents when they do not exist.
    public func ensureChroot() async throws {
        try await ensurePath("/")
    }

    /// Creates the parents of a path that do not exist.
    public func createParents(of path: String) async throws {
        if let parent = ZooKeeperPath.parent(of: path) { try await ensurePath(parent) }
    }

    private func ensure(_ path: String) async throws {
        if try await exists(path) != nil { return }
        do {
            try await create(path, data: nil)
        } catch let error as ZooKeeperError where error.code == .nodeExists {
            return
        } catch let error as ZooKeeperError where error.code == .noNode {
            guard let parent = ZooKeeperPath.parent(of: path), parent != "/" else { throw error }
            try await ensure(parent)
            try await ensure(path)
        }
    }
}
