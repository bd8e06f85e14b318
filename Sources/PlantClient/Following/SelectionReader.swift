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
        try await items(at: candidates()).compactMap(\.item).filter(selection.isWanted).sorted { $0.key < $1.key }
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
    /// Changes of one node that come faster than they can be read are seen as one.
    func follow(
        first: ([Item]) async throws -> Void, changes: ([Selection<Item>.Change]) async throws -> Void
    ) async throws {
        let pending = PendingPaths()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { pending.finish() }
                try await SubtreeFollower(client: client, path: selection.root).follow { element in
                    switch element {
                    case .event(let event): pending.insert(event.path)
                    case .gap: pending.insertAll()
                    }
                } failed: { error in
                    try await ReadAgain.after(error)
                }
            }
            defer { group.cancelAll() }
            var known: [String: Item]?
            for await _ in pending.turns {
                let (paths, everything) = pending.take()
                do {
                    if var items = known {
                        let news = try await news(at: paths, everything: everything, since: &items)
                        known = items
                        if !news.isEmpty { try await changes(news) }
                    } else {
                        let items = try await firstItems()
                        known = items
                        try await first(items.values.sorted { $0.key < $1.key })
                    }
                } catch {
                    try await ReadAgain.after(error)
                    pending.insertAll()
                }
            }
            try await group.waitForAll()
        }
    }

    private func firstItems() async throws -> [String: Item] {
        let found = try await items(at: candidates())
        return Dictionary(
            uniqueKeysWithValues: found.compactMap { path, item in
                item.flatMap { selection.isWanted($0) ? (path, $0) : nil }
            })
    }

    /// What has changed since `known`, which is brought up to date.
    private func news(
        at paths: [String], everything: Bool, since known: inout [String: Item]
    ) async throws -> [Selection<Item>.Change] {
        var wanted = paths.filter(selection.isCandidate)
        if everything { wanted = Array(Set(try await candidates()).union(known.keys)) }
        return try await items(at: wanted).compactMap { path, item in
            let before = known[path]
            let wanted = item.flatMap { selection.isWanted($0) ? $0 : nil }
            known[path] = wanted
            switch (before, wanted) {
            case (let before?, let item?): return before.json == item.json ? nil : .changed(item)
            case (nil, let item?): return .changed(item)
            case (let before?, nil): return item.map { .left($0) } ?? .removed(before)
            case (nil, nil): return nil
            }
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
