import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Reads a selection once, or follows it.
struct SelectionReader<Item: Listed>: Sendable {
    let client: ZooKeeperClient
    let selection: Selection<Item>

    private var walk: TreeWalk { TreeWalk(client: client) }

    /// All items, in order.
    func items() async throws -> [Item] {
        try await items(at: candidates()).compactMap(\.item).sorted { $0.key < $1.key }
    }

    private func candidates() async throws -> [String] {
        try await walk.descendants(of: selection.root).filter(selection.isCandidate)
    }

    private func items(at paths: [String]) async throws -> [(path: String, item: Item?)] {
        zip(paths, try await walk.data(of: paths)).map { path, node in
            (path, node.flatMap { selection.item(path, $0) })
        }
    }

    /// Calls `first` with the items as they are, then `changes` with each batch of changes, until it is cancelled.
    ///
    /// The watch is set before the first reading, so that nothing falls between. Changes of one node that come faster than
    /// they can be read are seen as one.
    func follow(
        first: ([Item]) async throws -> Void, changes: ([Selection<Item>.Change]) async throws -> Void
    ) async throws {
        let pending = PendingPaths()
        let watch = try await client.addWatch(selection.root, mode: .persistentRecursive)
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
            var known: [String: Item] = [:]
            for (path, item) in try await items(at: candidates()) {
                if let item { known[path] = item }
            }
            try await first(known.values.sorted { $0.key < $1.key })
            for await _ in pending.turns {
                let (paths, everything) = pending.take()
                var wanted = paths.filter(selection.isCandidate)
                if everything { wanted = Array(Set(try await candidates()).union(known.keys)) }
                var news: [Selection<Item>.Change] = []
                for (path, item) in try await items(at: wanted) {
                    let before = known[path]
                    known[path] = item
                    switch (before, item) {
                    case (let before?, let item?): if before.json != item.json { news.append(.changed(item)) }
                    case (nil, let item?): news.append(.changed(item))
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
