import Primitives
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

@Suite("Tree cache", .timeLimit(.minutes(5)))
struct TreeCacheTests {
    /// A cache on its own task, and a follower that checks every change against its own picture of the tree.
    private final class Running: Sendable {
        let cache: TreeCache
        let picture = Shared([String: CachedNode]())
        let illegal = Shared([String]())
        let resyncs = Shared(0)
        private let tasks: [Task<Void, any Error>]

        init(_ client: ZooKeeperClient, _ path: String = "/tree", limits: TreeCache.Limits = .init()) {
            let cache = TreeCache(client: client, path: path, limits: limits, logger: TestTree.logger)
            self.cache = cache
            let (picture, illegal, resyncs) = (picture, illegal, resyncs)
            let changes = cache.changes()
            // Ended by ``stop()``.
            tasks = [
                Task { try await cache.run() },
                Task {
                    for await change in changes {
                        if case .resynced = change { resyncs.change { $0 += 1 } }
                        if let problem = picture.change({ Self.apply(change, to: &$0, root: path) }) {
                            illegal.change { $0.append(problem) }
                        }
                    }
                },
            ]
        }

        /// - Returns: What is wrong with a change at this point.
        private static func apply(
            _ change: TreeChange, to picture: inout [String: CachedNode], root: String
        ) -> String? {
            switch change {
            case .snapshot(let snapshot):
                picture = Dictionary(
                    uniqueKeysWithValues: snapshot.paths.compactMap { path in snapshot.value(path).map { (path, $0) } })
            case .created(let node):
                let parent = ZooKeeperPath.parent(of: node.path) ?? "/"
                if node.path != root, picture[parent] == nil { return "created without its parent: \(node.path)" }
                if picture.updateValue(node, forKey: node.path) != nil { return "created twice: \(node.path)" }
            case .updated(let node):
                guard let old = picture.updateValue(node, forKey: node.path) else {
                    return "updated, not there: \(node.path)"
                }
                if old.stat.czxid != node.stat.czxid || old.stat.mzxid >= node.stat.mzxid {
                    return "back: \(node.path)"
                }
            case .deleted(let node):
                if picture.removeValue(forKey: node.path) == nil { return "deleted, not there: \(node.path)" }
                if picture.keys.contains(where: { $0.hasPrefix(node.path + "/") }) { return "orphans: \(node.path)" }
            case .resyncing, .resynced: break
            }
            return nil
        }

        func stop() async {
            for task in tasks { task.cancel() }
            for task in tasks { _ = await task.result }
        }

        var result: Result<Void, any Error> {
            get async { await tasks[0].result }
        }

        var values: [String: String] { picture.value.mapValues { $0.data.text ?? "" } }
        var cached: [String: String] {
            let snapshot = cache.snapshot
            return Dictionary(
                uniqueKeysWithValues: snapshot.paths.map { ($0, snapshot.value($0)?.data.text ?? "") })
        }
    }

    private static func read(_ client: ZooKeeperClient, _ path: String) async throws -> [String: String] {
        do {
            var all = [path: try await client.getData(path).data.text ?? ""]
            for name in try await client.getChildren(path) {
                for (path, text) in try await read(client, ZooKeeperPath.child(name, of: path)) { all[path] = text }
            }
            return all
        } catch let error as ZooKeeperError where error.code == .noNode {
            return [:]
        }
    }

    @Test(arguments: TreeKind.allCases)
    func followsTheTreeAndOutlivesItsRoot(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("cache")) { client in
            let running = Running(client)
            try await running.cache.waitUntilLoaded()
            #expect(running.cache.snapshot.count == 0 && running.cache.value("/tree") == nil)
            try await client.create("/tree", data: "root".bytes, mode: .container)
            try await client.ensurePath("/tree/a/b")
            try await client.setData("/tree/a/b", data: "1".bytes)
            try await eventually("seen", seen: { "\(running.values)" }) {
                running.values == ["/tree": "root", "/tree/a": "", "/tree/a/b": "1"]
            }
            #expect(running.cache.children("/tree") == ["a"] && running.cache.children("/tree/x") == nil)
            #expect(running.cache.value("/tree/a/b")?.stat.version == 1)
            let kept = running.cache.snapshot
            for path in ["/tree/a/b", "/tree/a"] { try await client.delete(path) }
            // The container may have gone by itself already.
            do { try await client.delete("/tree") } catch let error as ZooKeeperError where error.code == .noNode {}
            try await eventually("gone") { running.values.isEmpty }
            #expect(kept.count == 3 && kept.value("/tree/a/b")?.data.text == "1")
            try await client.create("/tree", data: "again".bytes)
            try await eventually("back") { running.values == ["/tree": "again"] }
            #expect(running.illegal.value.isEmpty, "\(running.illegal.value)")
            await running.stop()
        }
    }

    /// The model check: random operations, with the connection cut and the session expired in between. At rest the cache
    /// is the tree, and each path's changes are a legal history.
    @Test(arguments: TreeKind.allCases)
    func atRestTheCacheIsTheTreeWhateverHappened(_ kind: TreeKind) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("cache-model")
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { writer in
            try await withClient(
                port: proxy.port, chroot: chroot, configure: { $0.sessionTimeout = .milliseconds(2000) }
            ) { client in
                let running = Running(client)
                for round in 0..<12 {
                    for _ in 0..<Int.random(in: 5...40, using: &random) {
                        var path = "/tree"
                        for _ in 0..<Int.random(in: 0...3, using: &random) {
                            path += "/\("abc".randomElement(using: &random) ?? "a")"
                        }
                        do {
                            switch Int.random(in: 0..<4, using: &random) {
                            case 0, 1: try await writer.create(path, data: "\(round)".bytes)
                            case 2:
                                try await writer.setData(
                                    path, data: "\(UInt16.random(in: 0...999, using: &random))".bytes)
                            default: try await writer.delete(path)
                            }
                        } catch is ZooKeeperError {}
                        if Int.random(in: 0..<60, using: &random) == 0 { proxy.cut() }
                    }
                    switch round % 4 {
                    case 1: proxy.cut()
                    case 2:
                        proxy.refuse(true)
                        proxy.cut()
                        try await Task.sleep(for: .milliseconds(Int.random(in: 1...100, using: &random)))
                        proxy.refuse(false)
                    case 3 where round == 7:
                        // Longer than the session lives.
                        proxy.refuse(true)
                        proxy.cut()
                        let session = client.session?.id
                        try await Task.sleep(for: .milliseconds(2600))
                        proxy.refuse(false)
                        try await eventually("a new session") { client.session.map { $0.id != session } ?? false }
                    default: break
                    }
                    let truth = try await Self.read(writer, "/tree")
                    try await eventually(
                        "equal", seen: { "seed \(seed): \(running.values) instead of \(truth), \(client.state)" }
                    ) { running.cached == truth && running.values == truth }
                    #expect(running.illegal.value.isEmpty, "seed \(seed): \(running.illegal.value)")
                }
                #expect(running.resyncs.value > 0)
                await running.stop()
            }
        }
    }

    @Test func mayBeStartedWhileTheServerIsAway() async throws {
        let port = try await TestTree.port(.embedded)
        let chroot = TestTree.uniquePath("cache-down")
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { writer in
            try await writer.create("/tree", data: "x".bytes)
            try await withClient(port: proxy.port, chroot: chroot) { client in
                proxy.refuse(true)
                proxy.cut()
                let running = Running(client)
                try await Task.sleep(for: .milliseconds(200))
                #expect(!running.cache.isLoaded)
                proxy.refuse(false)
                try await running.cache.waitUntilLoaded()
                #expect(running.cached == ["/tree": "x"])
                await running.stop()
            }
        }
    }

    @Test func aTreeThatDoesNotFitEndsTheCache() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("cache-limit")) { client in
            try await client.ensurePath("/tree/a")
            var limits = TreeCache.Limits()
            limits.nodes = 3
            let running = Running(client, limits: limits)
            try await running.cache.waitUntilLoaded()
            try await client.ensurePath("/tree/b/c")
            let result = await running.result
            #expect(throws: TreeCache.LimitExceeded.self) { try result.get() }
            await running.stop()
        }
    }

    @Test(arguments: [false, true])
    func whatMayNotBeReadAndWhatIsTooLongIsToldWithoutData(fromTheStart: Bool) async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("cache-refused")) { client in
            try await client.ensurePath("/tree")
            func make() async throws {
                let shut = [ACL(permissions: [.create, .admin], scheme: "world", id: "anyone")]
                try await client.create("/tree/shut", data: [1], acl: shut)
                try await client.create("/tree/long", data: [UInt8](repeating: 7, count: 11))
                try await client.create("/tree/short", data: [UInt8](repeating: 7, count: 10))
            }
            if fromTheStart { try await make() }
            var limits = TreeCache.Limits()
            limits.nodeBytes = 10
            let cache = TreeCache(
                client: client, path: "/tree", limits: limits, skipsRefusedNodes: true, logger: TestTree.logger)
            let running = Task { try await cache.run() }
            try await cache.waitUntilLoaded()
            if !fromTheStart { try await make() }
            try await eventually("the others") { cache.children("/tree")?.isSuperset(of: ["long", "short"]) == true }
            #expect(cache.value("/tree/shut")?.data == nil)
            #expect(cache.value("/tree/long")?.data == nil && cache.value("/tree/long")?.stat.dataLength == 11)
            #expect(cache.value("/tree/short")?.data?.count == 10)
            running.cancel()
            _ = await running.result
        }
    }

    @Test func aSlowFollowerIsGivenASnapshotInstead() async {
        let changes = TreeChanges(limit: 3)
        var tree = TreeCacheState(root: "/r")
        func read(_ path: String, _ zxid: Int64) {
            changes.append(
                tree.read(path, data: nil, stat: Stat(czxid: zxid, mzxid: zxid)), tree.snapshot)
        }
        for (zxid, path) in ["/r", "/r/a", "/r/b", "/r/c"].enumerated() { read(path, Int64(zxid + 1)) }
        read("/r/d", 9)
        changes.finish()
        var seen: [String] = []
        for await change in changes {
            switch change {
            case .snapshot(let snapshot): seen.append("\(snapshot.count)")
            case .created(let node): seen.append(node.path)
            default: seen.append("?")
            }
        }
        #expect(seen == ["4", "/r/d"])
    }
}
