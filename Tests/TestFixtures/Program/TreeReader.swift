import Foundation
import Logging
public import ZooKeeperClient
import ZooKeeperProtocol

/// A test's own view of a plant's tree, through a session of its own.
public final class TreeReader: Sendable {
    public let client: ZooKeeperClient
    private let running: Task<Void, any Error>

    /// - Parameter connectString: with the plant's chroot, see ``PlantConfiguration/connectString``.
    public init(_ connectString: String) async throws {
        var logger = Logger(label: "test.tree")
        logger.logLevel = .error
        let client = ZooKeeperClient(
            configuration: try ZooKeeperClient.Configuration(connectString: connectString), logger: logger)
        self.client = client
        // A loose task: it ends with ``close()``, which every test's stage calls.
        running = Task { try await client.run() }
        _ = try await client.waitUntilConnected(timeout: .seconds(20))
    }

    public func close() async {
        running.cancel()
        _ = await running.result
    }

    // MARK: Ownership

    /// Who stands for the active alarm processor; the first is it.
    public struct Candidate: Sendable, Hashable {
        public let gateway: String
        /// czxid of the election node.
        public let epoch: Int64
        public let sequence: Int64
        public let node: String
    }

    public func candidates(_ parent: String = "/alarm-processor") async throws -> [Candidate] {
        var found: [Candidate] = []
        for name in try await children(parent) {
            guard let dash = name.lastIndex(of: "-"), let sequence = Int64(name[name.index(after: dash)...]),
                let node = try await read(parent + "/" + name)
            else { continue }
            found.append(
                Candidate(
                    gateway: String(decoding: node.data ?? [], as: UTF8.self), epoch: node.stat.czxid,
                    sequence: sequence,
                    node: name))
        }
        return found.sorted { $0.sequence < $1.sequence }
    }

    public func activeProcessor() async throws -> Candidate? { try await candidates().first }

    /// Owner of each shard that has one.
    public func shardOwners() async throws -> [String: Candidate] {
        var owners: [String: Candidate] = [:]
        for shard in try await children("/shards") { owners[shard] = try await candidates("/shards/" + shard).first }
        return owners
    }

    public func gateways() async throws -> [String] { try await children("/gateways").sorted() }

    // MARK: Tags and devices

    /// The tag of a topic, such as `factory/line1/press1/temperature`; nil when it has no node or no value.
    public func tag(_ path: String) async throws -> TagNode? { try await decode("/tags/" + path) }

    /// The same with the zxid of the transaction that wrote it.
    public func tagAndZxid(_ path: String) async throws -> (node: TagNode, zxid: Int64)? {
        guard let read = try await read("/tags/" + path), let data = read.data, !data.isEmpty else { return nil }
        return (try JSONDecoder().decode(TagNode.self, from: Data(data)), read.stat.mzxid)
    }

    public func tags(_ paths: [String]) async throws -> [String: TagNode] {
        try await withThrowingTaskGroup(of: (String, TagNode?).self) { group in
            for path in paths { group.addTask { (path, try await self.tag(path)) } }
            var found: [String: TagNode] = [:]
            for try await (path, tag) in group { found[path] = tag }
            return found
        }
    }

    /// Gateway that says the device is online: the owner of its shard.
    public func owner(device: String) async throws -> String? {
        try await read("/devices/" + device + "/@online").map { String(decoding: $0.data ?? [], as: UTF8.self) }
    }

    // MARK: Alarms, journal, commands

    public func alarm(_ tag: String, _ name: String) async throws -> AlarmNode? {
        try await decode("/alarms/" + tag + "/@" + name)
    }

    /// The whole journal in order.
    public func journal() async throws -> [JournalLine] {
        let names = try await children("/journal")
        let lines = try await withThrowingTaskGroup(of: JournalLine?.self) { group in
            var lines: [JournalLine] = []
            for (index, name) in names.enumerated() {
                if index >= 200, let line = try await group.next() { lines += [line].compactMap { $0 } }
                group.addTask {
                    guard var line: JournalLine = try await self.decode("/journal/" + name) else { return nil }
                    line.sequence = name.split(separator: "-").last.flatMap { Int64($0) } ?? -1
                    return line
                }
            }
            for try await line in group { lines += [line].compactMap { $0 } }
            return lines
        }
        return lines.sorted { $0.sequence < $1.sequence }
    }

    /// The plant's alarm entries of the journal, in order.
    public func alarmJournal() async throws -> [JournalLine] {
        try await journal().filter { $0.kind == "alarm" && $0.record?.isOfGateway != true }
    }

    public func command(_ id: String) async throws -> CommandNode? { try await decode("/commands/" + id) }

    // MARK: Nodes

    public func children(_ path: String) async throws -> [String] {
        do { return try await client.getChildren(path) } catch let error as ZooKeeperError where error.code == .noNode {
            return []
        }
    }

    /// Every node below `root`, root not included.
    public func descendants(of root: String) async throws -> [String] {
        var found: [String] = []
        var open = [root]
        while let next = open.popLast() {
            let names = try await children(next).map { next == "/" ? "/" + $0 : next + "/" + $0 }
            found += names
            open += names
        }
        return found
    }

    public func read(_ path: String) async throws -> NodeData? {
        do { return try await client.getData(path) } catch let error as ZooKeeperError where error.code == .noNode {
            return nil
        }
    }

    /// What a node holds, as text; empty when there is none.
    public func text(_ path: String) async throws -> String {
        String(decoding: try await read(path)?.data ?? [], as: UTF8.self)
    }

    private func decode<Value: Decodable>(_ path: String) async throws -> Value? {
        guard let data = try await read(path)?.data, !data.isEmpty else { return nil }
        do { return try JSONDecoder().decode(Value.self, from: Data(data)) } catch {
            throw FixtureError("\(path) holds \(String(decoding: data, as: UTF8.self)): \(error)")
        }
    }
}
