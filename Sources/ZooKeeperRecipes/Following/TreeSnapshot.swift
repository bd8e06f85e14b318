public import ZooKeeperProtocol

/// One node as a ``TreeCache`` knows it.
public struct CachedNode: Hashable, Sendable {
    public let path: String
    /// Null and empty are different values.
    public let data: [UInt8]?
    /// As of when the data was read: what it says about children may be older than the cache's own list of them.
    public let stat: Stat
}

/// What a ``TreeCache`` knows at one moment. A value: it stays as it is while the cache goes on.
public struct TreeSnapshot: Sendable {
    /// The node at which it begins.
    public let root: String
    private var nodes: [String: CachedNode] = [:]
    private var names: [String: Set<String>] = [:]
    /// The bytes of paths and data.
    public private(set) var byteCount = 0

    init(root: String) {
        self.root = root
    }

    /// The number of nodes.
    public var count: Int { nodes.count }

    /// The paths of all nodes, in no order.
    public var paths: some Collection<String> { nodes.keys }

    /// The node at a path.
    public func value(_ path: String) -> CachedNode? { nodes[path] }

    /// The names of a node's children; nil when there is no node.
    public func children(_ path: String) -> Set<String>? {
        nodes[path].map { _ in names[path] ?? [] }
    }

    /// Puts a node in.
    ///
    /// - Returns: False when its parent is not there: it went meanwhile, which will be told.
    mutating func insert(_ node: CachedNode) -> Bool {
        if node.path != root {
            guard let parent = ZooKeeperPath.parent(of: node.path), nodes[parent] != nil else { return false }
            names[parent, default: []].insert(String(ZooKeeperPath.name(of: node.path)))
        }
        if let old = nodes.updateValue(node, forKey: node.path) { byteCount -= Self.size(old) }
        byteCount += Self.size(node)
        return true
    }

    /// Takes a node and all below it out.
    ///
    /// - Returns: What was taken out, the deepest first.
    mutating func remove(_ path: String) -> [CachedNode] {
        guard nodes[path] != nil else { return [] }
        if path != root, let parent = ZooKeeperPath.parent(of: path) {
            names[parent]?.remove(String(ZooKeeperPath.name(of: path)))
            if names[parent]?.isEmpty == true { names[parent] = nil }
        }
        var order = [path]
        var index = 0
        while index < order.count {
            let current = order[index]
            for name in names.removeValue(forKey: current) ?? [] {
                order.append(ZooKeeperPath.child(name, of: current))
            }
            index += 1
        }
        return order.reversed().compactMap { path in
            guard let node = nodes.removeValue(forKey: path) else { return nil }
            byteCount -= Self.size(node)
            return node
        }
    }

    private static func size(_ node: CachedNode) -> Int { node.path.utf8.count + (node.data?.count ?? 0) }
}
