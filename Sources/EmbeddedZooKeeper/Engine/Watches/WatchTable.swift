import ZooKeeperProtocol

/// Who watches what. A watch belongs to a connection and goes with it.
struct WatchTable {
    private var data: [PathKey: Watchers] = [:]
    private var child: [PathKey: Watchers] = [:]
    private var persistent: [PathKey: Watchers] = [:]
    private var recursive: [PathKey: Watchers] = [:]
    /// Watches in all.
    private(set) var count = 0

    /// The four lists that a connection can stand on for one path.
    enum Kind: CaseIterable {
        case data
        case child
        case persistent
        case recursive
    }

    mutating func add(_ client: Client, to kind: Kind, _ path: PathKey) {
        switch kind {
        case .data:
            guard client.dataWatches.insert(path).inserted else { return }
            data[path, default: Watchers()].insert(client)
        case .child:
            guard client.childWatches.insert(path).inserted else { return }
            child[path, default: Watchers()].insert(client)
        case .persistent:
            guard client.persistentWatches.insert(path).inserted else { return }
            persistent[path, default: Watchers()].insert(client)
        case .recursive:
            guard client.recursiveWatches.insert(path).inserted else { return }
            recursive[path, default: Watchers()].insert(client)
        }
        count += 1
    }

    func contains(_ client: Client, in kind: Kind, _ path: PathKey) -> Bool {
        switch kind {
        case .data: client.dataWatches.contains(path)
        case .child: client.childWatches.contains(path)
        case .persistent: client.persistentWatches.contains(path)
        case .recursive: client.recursiveWatches.contains(path)
        }
    }

    /// Takes a connection off a list.
    ///
    /// - Returns: Whether it was on it.
    @discardableResult
    mutating func remove(_ client: Client, from kind: Kind, _ path: PathKey) -> Bool {
        let wasOnIt: Bool
        switch kind {
        case .data:
            Self.take(client, path, from: &data)
            wasOnIt = client.dataWatches.remove(path) != nil
        case .child:
            Self.take(client, path, from: &child)
            wasOnIt = client.childWatches.remove(path) != nil
        case .persistent:
            Self.take(client, path, from: &persistent)
            wasOnIt = client.persistentWatches.remove(path) != nil
        case .recursive:
            Self.take(client, path, from: &recursive)
            wasOnIt = client.recursiveWatches.remove(path) != nil
        }
        if wasOnIt { count -= 1 }
        return wasOnIt
    }

    mutating func removeAll(_ client: Client) {
        for path in client.dataWatches { Self.take(client, path, from: &data) }
        for path in client.childWatches { Self.take(client, path, from: &child) }
        for path in client.persistentWatches { Self.take(client, path, from: &persistent) }
        for path in client.recursiveWatches { Self.take(client, path, from: &recursive) }
        count -= client.watchCount
        client.dataWatches = []
        client.childWatches = []
        client.persistentWatches = []
        client.recursiveWatches = []
    }

    private static func take(_ client: Client, _ path: PathKey, from table: inout [PathKey: Watchers]) {
        guard let index = table.index(forKey: path) else { return }
        table.values[index].remove(client)
        if table.values[index].isEmpty { table.remove(at: index) }
    }

    /// Whether no one watches anything: the common case for a write, worth knowing before any look-up.
    var isEmpty: Bool { data.isEmpty && child.isEmpty && persistent.isEmpty && recursive.isEmpty }

    // MARK: Firing

    /// Those who are told that a node was created or its data changed. One-shot watches are used up.
    mutating func fireData(_ node: Node) -> [Client] {
        merged(fireOneShot(.data, node.key), persistent[node.key], node)
    }

    /// Those who are told, once each, that a node was deleted.
    mutating func fireDeleted(_ node: Node) -> [Client] {
        let told = fireData(node)
        let children = fireOneShot(.child, node.key)
        guard !children.isEmpty else { return told }
        var all = Watchers(told)
        for client in children { all.insert(client) }
        return all.inOrder
    }

    /// Those who are told that children came or went. Recursive watches are not.
    mutating func fireChildren(_ node: Node) -> [Client] {
        merged(fireOneShot(.child, node.key), persistent[node.key], nil)
    }

    private mutating func fireOneShot(_ kind: Kind, _ path: PathKey) -> [Client] {
        if kind == .data {
            guard !data.isEmpty, let told = data.removeValue(forKey: path)?.inOrder else { return [] }
            for client in told { client.dataWatches.remove(path) }
            count -= told.count
            return told
        }
        guard !child.isEmpty, let told = child.removeValue(forKey: path)?.inOrder else { return [] }
        for client in told { client.childWatches.remove(path) }
        count -= told.count
        return told
    }

    /// - Parameter node: That of which those are told who watch it or a node above with all that is below.
    private func merged(_ once: [Client], _ always: Watchers?, _ node: Node?) -> [Client] {
        guard always != nil || (node != nil && !recursive.isEmpty) else { return once }
        var told = Watchers(once)
        if let always { told.formUnion(always) }
        var ancestor = node
        while let current = ancestor {
            if let clients = recursive[current.key] { told.formUnion(clients) }
            ancestor = current.parent
        }
        return told.inOrder
    }

    // MARK: Summaries for the four-letter words

    /// How many paths somebody watches. With very many, one that is watched in several ways counts several times: nobody
    /// who only asks may hold up the server.
    var pathCount: Int {
        let tables = [data, child, persistent, recursive]
        let sum = tables.reduce(0) { $0 + $1.count }
        guard sum <= 100_000 else { return sum }
        return tables.reduce(into: Set<PathKey>()) { $0.formUnion($1.keys) }.count
    }

    /// Paths with their watchers, at most `limit` pairs.
    func watchers(limit: Int) -> (entries: [(path: PathKey, clients: [Client])], isWhole: Bool) {
        var left = limit
        var found: [PathKey: Set<Client>] = [:]
        for table in [data, child, persistent, recursive] {
            for (path, clients) in table {
                for client in clients.inOrder where found[path, default: []].insert(client).inserted {
                    left -= 1
                    guard left > 0 else { return (Self.sorted(found), false) }
                }
            }
        }
        return (Self.sorted(found), true)
    }

    private static func sorted(_ found: [PathKey: Set<Client>]) -> [(path: PathKey, clients: [Client])] {
        found.map { ($0.key, $0.value.sorted { $0.number < $1.number }) }
            .sorted { $0.0.string.utf8.lexicographicallyPrecedes($1.0.string.utf8) }
    }
}
