import Logging
package import ZooKeeperClient
package import ZooKeeperProtocol

/// Hears what happens to a node and to everything below it, through lost connections and new sessions.
///
/// What is heard says where something happened, never what stands there now: the follower looks for itself, and what it
/// finds is at least as new. That the watch stands before the first look, that everything is looked at again whenever
/// something may have been missed, and that a failed look is made up for, is decided here for all who follow a subtree.
package struct SubtreeFollower: Sendable {
    private let client: ZooKeeperClient
    private let path: String
    private let mode: AddWatchMode

    package init(client: ZooKeeperClient, path: String, mode: AddWatchMode = .persistentRecursive) {
        self.client = client
        self.path = path
        self.mode = mode
    }

    /// Follows until it is cancelled or `failed` throws.
    ///
    /// - Parameters:
    ///   - heard: called with one element after the other. `gap` comes first, as soon as the watch stands, and whenever
    ///     events may have been missed: everything has to be looked at. When it throws, all begins again with `gap`.
    ///   - failed: called with what the tree or `heard` threw; returns when it is to be tried again, throws to end.
    package func follow(
        heard: (WatchElement) async throws -> Void, failed: (any Error) async throws -> Void
    ) async throws {
        while true {
            try Task.checkCancellation()
            do {
                let watch = try await client.addWatch(path, mode: mode)
                defer { watch.cancel() }
                try await heard(.gap)
                for try await element in watch { try await heard(element) }
            } catch let error as CancellationError {
                throw error
            } catch {
                try await failed(error)
            }
        }
    }

    /// Follows for a service: waits for whatever passes or can be mended by people, and returns when it is cancelled.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` when it is hopeless: the client has ended, or access is denied;
    ///   whatever else `heard` throws.
    func serve(logger: Logger, heard: (WatchElement) async throws -> Void) async throws {
        var attempt = Attempt(.service)
        do {
            try await follow { element in
                try await heard(element)
                if element == .gap { attempt = Attempt(.service) }
            } failed: { error in
                guard let error = error as? ZooKeeperError else { throw error }
                logger.debug("following failed", metadata: ["path": "\(path)", "error": "\(error)"])
                try await attempt.failed(error)
            }
        } catch is CancellationError {}
    }
}
