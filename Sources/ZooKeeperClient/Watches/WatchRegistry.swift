import ZooKeeperProtocol

/// The watch that the answer to a request arms.
enum WatchArming: Sendable {
    /// What a one-shot watch was armed with.
    enum Read: Sendable {
        case getData
        case exists
        case getChildren
    }

    case oneShot(Read, WatchSlot)
    case persistent(AddWatchMode, PersistentWatchBuffer)

    /// The path as the server knows it.
    var path: String {
        switch self {
        case .oneShot(_, let slot): slot.path
        case .persistent(_, let buffer): buffer.path
        }
    }
}

/// Which watches the server holds for this client, by the server's paths; pure bookkeeping.
///
/// A server keeps at most one watch of a kind a path and connection, however many tasks asked for it. A one-shot event
/// therefore ends all watches of its kinds on the path.
struct WatchRegistry {
    /// Where an event goes.
    struct Delivery {
        var triggers: [(slot: WatchSlot, trigger: WatchTrigger)] = []
        var elements: [(buffer: PersistentWatchBuffer, element: WatchElement)] = []
    }

    private var data: [String: [WatchSlot]] = [:]
    private var exist: [String: [WatchSlot]] = [:]
    private var child: [String: [WatchSlot]] = [:]
    private var persistent: [String: [PersistentWatchBuffer]] = [:]
    private var recursive: [String: [PersistentWatchBuffer]] = [:]

    var isEmpty: Bool { data.isEmpty && exist.isEmpty && child.isEmpty && !hasPersistent }
    var hasPersistent: Bool { !persistent.isEmpty || !recursive.isEmpty }

    /// The server has armed a watch, or not, by the outcome of the request. `exists` arms even when there is no node.
    mutating func answered(_ arming: WatchArming, error: ErrorCode) {
        if case .oneShot(_, let slot) = arming, slot.isAbandoned { return }
        switch (arming, error) {
        case (.oneShot(.getData, let slot), .ok), (.oneShot(.exists, let slot), .ok):
            data[slot.path, default: []].append(slot)
        case (.oneShot(.exists, let slot), .noNode): exist[slot.path, default: []].append(slot)
        case (.oneShot(.getChildren, let slot), .ok): child[slot.path, default: []].append(slot)
        case (.persistent(.persistent, let buffer), .ok): persistent[buffer.path, default: []].append(buffer)
        case (.persistent(.persistentRecursive, let buffer), .ok): recursive[buffer.path, default: []].append(buffer)
        default: break
        }
    }

    /// An event arrived: takes the one-shot watches that it ends and finds the persistent ones that see it.
    mutating func deliver(_ event: WatchEvent) -> Delivery {
        var delivery = Delivery()
        let trigger = WatchTrigger.event(event)
        func take(_ list: inout [String: [WatchSlot]]) {
            for slot in list.removeValue(forKey: event.path) ?? [] { delivery.triggers.append((slot, trigger)) }
        }
        switch event.type {
        case .nodeCreated, .nodeDataChanged:
            take(&data)
            take(&exist)
        case .nodeDeleted:
            take(&data)
            take(&exist)
            take(&child)
        case .nodeChildrenChanged:
            take(&child)
        case .none, .dataWatchRemoved, .childWatchRemoved, .persistentWatchRemoved:
            return delivery
        }
        for buffer in persistent[event.path] ?? [] { delivery.elements.append((buffer, .event(event))) }
        if event.type != .nodeChildrenChanged, !recursive.isEmpty {
            var path: String? = event.path
            while let current = path {
                for buffer in recursive[current] ?? [] { delivery.elements.append((buffer, .event(event))) }
                path = ZooKeeperPath.parent(of: current)
            }
        }
        return delivery
    }

    /// The session is over: one-shot watches end with it, persistent ones are armed again on the next.
    mutating func takeOneShots() -> [WatchSlot] {
        defer {
            data.removeAll()
            exist.removeAll()
            child.removeAll()
        }
        return [data, exist, child].flatMap { $0.values.joined() }
    }

    /// All persistent watches.
    var persistentBuffers: [PersistentWatchBuffer] { [persistent, recursive].flatMap { $0.values.joined() } }

    /// Forgets a one-shot watch that nobody waits for any more.
    mutating func forget(_ slot: WatchSlot) {
        func drop(_ list: inout [String: [WatchSlot]]) {
            guard let slots = list[slot.path] else { return }
            let rest = slots.filter { $0 !== slot }
            list[slot.path] = rest.isEmpty ? nil : rest
        }
        drop(&data)
        drop(&exist)
        drop(&child)
    }

    /// Forgets a persistent watch.
    ///
    /// - Returns: Whether the server's watches on its path can all be removed: nobody here needs any of them.
    mutating func forget(_ buffer: PersistentWatchBuffer) -> Bool {
        let path = buffer.path
        func drop(_ list: inout [String: [PersistentWatchBuffer]]) -> Bool {
            guard let buffers = list[path] else { return false }
            let rest = buffers.filter { $0 !== buffer }
            list[path] = rest.isEmpty ? nil : rest
            return rest.count != buffers.count
        }
        let wasArmed = [drop(&persistent), drop(&recursive)].contains(true)
        return wasArmed && !isNeeded(path)
    }

    /// Whether anybody here has a watch on a path.
    func isNeeded(_ path: String) -> Bool {
        persistent[path] != nil || recursive[path] != nil || data[path] != nil || exist[path] != nil
            || child[path] != nil
    }

    /// The requests that arm everything again on a new connection, each with at most `limit` bytes of paths: one with
    /// too many would exceed the server's frame limit and trap the client in a loop of reconnects (ZOOKEEPER-706).
    func rearmRequests(relativeTo zxid: Int64, limit: Int) -> [SetWatchesRequest] {
        var requests: [SetWatchesRequest] = []
        func empty() -> SetWatchesRequest {
            hasPersistent
                ? SetWatchesRequest(
                    relativeZxid: zxid, dataWatches: [], existWatches: [], childWatches: [], persistentWatches: [],
                    persistentRecursiveWatches: [])
                : SetWatchesRequest(relativeZxid: zxid, dataWatches: [], existWatches: [], childWatches: [])
        }
        var current = empty()
        var bytes = 0
        func add(_ paths: some Sequence<String>, _ append: (inout SetWatchesRequest, String) -> Void) {
            for path in paths {
                let size = path.utf8.count + 4
                if bytes > 0, bytes + size > limit {
                    requests.append(current)
                    current = empty()
                    bytes = 0
                }
                append(&current, path)
                bytes += size
            }
        }
        add(data.keys) { $0.dataWatches.append($1) }
        add(exist.keys) { $0.existWatches.append($1) }
        add(child.keys) { $0.childWatches.append($1) }
        add(persistent.keys) { $0.persistentWatches?.append($1) }
        add(recursive.keys) { $0.persistentRecursiveWatches?.append($1) }
        if bytes > 0 { requests.append(current) }
        return requests
    }
}
