import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

@Suite struct MultiTests {
    @Test func operationsShareOneZxidAndSeeEachOther() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let before = harness.engine.lastZxid
        let results = try client.multi([
            .create(path: "/a", data: [1]), .setData(path: "/a", data: [2], version: 0),
            .create(path: "/a/s-", data: nil, mode: .persistentSequential), .check(path: "/a", version: 1),
            .create(path: "/b", data: nil), .delete(path: "/b", version: 0),
        ])
        let zxid = before + 1
        #expect(harness.engine.lastZxid == zxid)
        guard results.count == 6, case .created("/a", let made?) = results[0], case .set(let set) = results[1],
            case .created(let sequential, let second?) = results[2]
        else {
            Issue.record("\(results)")
            return
        }
        #expect((made.czxid, made.version, made.dataLength) == (zxid, 0, 1))
        #expect((set.mzxid, set.version) == (zxid, 1))
        #expect(sequential == "/a/s-0000000000")
        #expect(second.czxid == zxid)
        #expect(results[3...] == [.checked, .created(path: "/b", stat: results[4].stat), .deleted])
        #expect(try client.stat("/a").cversion == 1)
        #expect(try client.children("/") == ["a", "zookeeper"])
    }

    @Test func plainCreateIsAnsweredWithThePathOnly() throws {
        let client = try EngineHarness().connected()
        let request = CreateRequest(path: "/a", data: nil, mode: .persistent)
        let response = try client.call(
            .multi, MultiRequest(operations: [.create(request, type: .create)]), as: MultiResponse.self)
        #expect(response.results == [.created(path: "/a", stat: nil)])
    }

    @Test func failureUndoesEverything() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/p", [1])
        try client.create("/p/old")
        _ = try client.get("/p", watch: true)
        _ = try client.children("/p", watch: true)
        let stats = try ["/", "/p", "/p/old"].map { try client.stat($0) }
        let before = harness.engine.lastZxid
        let results = try client.multi([
            .setData(path: "/p", data: [2]), .create(path: "/p/s-", data: nil, mode: .ephemeralSequential),
            .delete(path: "/p/old"), .create(path: "/p/old", data: [7]), .setData(path: "/p/old", data: [8]),
            .check(path: "/p", version: 0), .delete(path: "/p"),
        ])
        #expect(
            results
                == [
                    .failed(.ok), .failed(.ok), .failed(.ok), .failed(.ok), .failed(.ok), .failed(.badVersion),
                    .failed(.runtimeInconsistency),
                ])
        #expect(try ["/", "/p", "/p/old"].map { try client.stat($0) } == stats)
        #expect(try client.children("/p") == ["old"])
        #expect(try client.get("/p").data == [1])
        #expect(harness.engine.lastZxid == before)
        #expect(harness.engine.tree.ephemerals.isEmpty)
        #expect(try client.events() == [])
        // The sequence counter too (ZOOKEEPER-1624).
        #expect(try client.create("/p/s-", mode: .persistentSequential).path == "/p/s-0000000001")
        #expect(try client.children("/p") == ["old", "s-0000000001"])
    }

    @Test func emptyTransaction() throws {
        #expect(try EngineHarness().connected().multi([]) == [])
    }

    @Test func multiReadNeverAborts() throws {
        let client = try EngineHarness().connected()
        try client.create("/a", [1])
        let request = MultiReadRequest(operations: [
            .getData(path: "/a"), .getData(path: "/nope"), .getChildren(path: "/zookeeper"),
        ])
        let results = try client.call(.multiRead, request, as: MultiReadResponse.self).results
        guard case .data(let data) = results[0], case .children(let names) = results[2] else {
            Issue.record("\(results)")
            return
        }
        #expect(data.data == [1])
        #expect(results[1] == .failed(.noNode))
        #expect(names.sorted() == ["config", "quota"])
    }

    /// Random transactions, half of which fail: afterwards the tree is what a model says.
    @Test(arguments: [1, 2, 3] as [UInt64]) func randomTransactionsAreAllOrNothing(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let harness = try EngineHarness()
        let client = try harness.connected()
        var model: [String: [UInt8]] = [:]
        let paths = ["/a", "/b", "/a/x", "/a/y", "/b/x"]
        for step in 0..<400 {
            var operations: [ZooKeeperProtocol.Operation] = []
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let path = paths[Int.random(in: 0..<paths.count, using: &random)]
                switch Int.random(in: 0..<4, using: &random) {
                case 0: operations.append(.create(path: path, data: [UInt8(step & 0xFF)]))
                case 1: operations.append(.delete(path: path))
                case 2: operations.append(.setData(path: path, data: [UInt8(step & 0xFF), 1]))
                default: operations.append(.check(path: path))
                }
            }
            var trial = model
            let works = operations.allSatisfy { Self.apply($0, to: &trial) }
            let failed = try client.multi(operations).contains { if case .failed = $0 { true } else { false } }
            #expect(failed == !works, "seed \(seed) step \(step): \(operations)")
            if works { model = trial }
            let actual = harness.engine.tree.nodes.filter { !$0.key.string.hasPrefix("/zookeeper") && $0.key != .root }
            #expect(
                actual.mapValues { $0.state.data }
                    == Dictionary(
                        uniqueKeysWithValues: model.map { (PathKey($0.key), Optional($0.value)) }))
        }
    }

    private static func apply(_ operation: ZooKeeperProtocol.Operation, to model: inout [String: [UInt8]]) -> Bool {
        let path = operation.path
        switch operation {
        case .create(_, let data, _, _, _):
            let parent = ZooKeeperPath.parent(of: path) ?? "/"
            guard model[path] == nil, parent == "/" || model[parent] != nil else { return false }
            model[path] = data
        case .delete:
            guard model[path] != nil, !model.keys.contains(where: { $0.hasPrefix(path + "/") }) else { return false }
            model[path] = nil
        case .setData(_, let data, _):
            guard model[path] != nil else { return false }
            model[path] = data
        case .check: return model[path] != nil
        }
        return true
    }
}

extension OperationResult {
    fileprivate var stat: Stat? {
        if case .created(_, let stat) = self { return stat }
        return nil
    }
}
