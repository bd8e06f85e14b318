import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Everything of one kind below one node of the tree: read once, or followed.
struct TreeListing<Row: ListedRow>: Sendable {
    /// `/tags`, `/devices`, …
    let root: String
    /// Whether a node can be a row, from its path alone, so that others need not be read.
    var isCandidate: @Sendable (_ path: String) -> Bool = { _ in true }
    /// nil for a node that is no row, or one that the filter leaves out.
    let row: @Sendable (_ path: String, _ node: NodeData) -> Row?

    /// All rows, in order.
    func rows(_ client: ZooKeeperClient) async throws -> [Row] {
        let walk = TreeWalk(client: client)
        return try await rows(at: walk.descendants(of: root).filter(isCandidate), walk).compactMap(\.row)
            .sorted { $0.key < $1.key }
    }

    private func rows(at paths: [String], _ walk: TreeWalk) async throws -> [(path: String, row: Row?)] {
        zip(paths, try await walk.data(of: paths)).map { path, node in (path, node.flatMap { row(path, $0) }) }
    }

    /// What happened to a row.
    enum Change: Sendable {
        case changed(Row)
        case removed(Row)
    }

    /// Calls `receive` with the rows as they are, then with each batch of changes, until it is cancelled.
    ///
    /// The watch is set before the first reading, so that nothing falls between. Changes of one node that come faster than
    /// they can be read are seen as one.
    func follow(
        _ client: ZooKeeperClient, first: ([Row]) async throws -> Void, changes: ([Change]) async throws -> Void
    ) async throws {
        let pending = PendingPaths()
        let watch = try await client.addWatch(root, mode: .persistentRecursive)
        let collector = Task {
            for try await element in watch {
                switch element {
                case .event(let event): pending.insert(event.path)
                case .gap: pending.insertAll()
                }
            }
        }
        defer { collector.cancel() }
        try await withTaskCancellationHandler {
            var known: [String: Row] = [:]
            let walk = TreeWalk(client: client)
            for (path, row) in try await rows(at: walk.descendants(of: root).filter(isCandidate), walk) {
                if let row { known[path] = row }
            }
            try await first(known.values.sorted { $0.key < $1.key })
            for await _ in pending.turns {
                let (paths, everything) = pending.take()
                var wanted = paths.filter(isCandidate)
                if everything {
                    let present = try await walk.descendants(of: root).filter(isCandidate)
                    wanted = Array(Set(present).union(known.keys))
                }
                var news: [Change] = []
                for (path, row) in try await rows(at: wanted, walk) {
                    let before = known[path]
                    known[path] = row
                    switch (before, row) {
                    case (let before?, let row?): if before.json != row.json { news.append(.changed(row)) }
                    case (nil, let row?): news.append(.changed(row))
                    case (let before?, nil): news.append(.removed(before))
                    case (nil, nil): break
                    }
                }
                if !news.isEmpty { try await changes(news) }
            }
        } onCancel: {
            pending.finish()
        }
    }
}

/// Paths that have changed and have not been read yet.
private final class PendingPaths: Sendable {
    private let state = Mutex<(paths: Set<String>, everything: Bool)>(([], false))
    let turns: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init() { (turns, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func insert(_ path: String) {
        state.withLock { _ = $0.paths.insert(path) }
        wake.yield()
    }

    func insertAll() {
        state.withLock { $0.everything = true }
        wake.yield()
    }

    func take() -> (paths: [String], everything: Bool) {
        state.withLock { state in
            defer { state = ([], false) }
            return (Array(state.paths), state.everything)
        }
    }

    func finish() { wake.finish() }
}
