import Primitives
import Synchronization
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol

/// One client that does what a random number generator says, on all groups of nodes, and has it written down.
struct HistoryClient: Sendable {
    /// The groups: how many nodes each has.
    static let groups = [1, 1, 1, 1, 3, 3]

    let number: Int
    let client: ZooKeeperClient
    let recorder: HistoryRecorder
    /// Answers that are neither results nor refusals nor "unknown".
    let surprises: Collected<String>

    static func path(_ group: Int, _ slot: Int) -> String { "/history/\(group)-\(slot)" }

    /// Works until told to stop; then reads everything once more.
    func run(seed: UInt64, until isOver: @Sendable () -> Bool) async throws {
        var random = SeededRandom(seed: seed)
        // The versions that this client saw last, for conditions that are often right.
        var versions = Self.groups.map { [Int32](repeating: 0, count: $0) }
        var written = 0
        while !isOver() {
            try Task.checkCancellation()
            let group = Int.random(in: 0..<Self.groups.count, using: &random)
            written += 1
            let input = Self.input(
                value: number * 1_000_000 + written, nodes: Self.groups[group], versions[group], using: &random)
            if let output = try await perform(input, in: group) { Self.learn(input, output, &versions[group]) }
            if Int.random(in: 0..<8, using: &random) == 0 {
                try await Task.sleep(for: .microseconds(Int.random(in: 0...3_000, using: &random)))
            }
        }
        for group in Self.groups.indices {
            while try await perform(.getAll, in: group) == nil { try await Task.sleep(for: .milliseconds(20)) }
        }
    }

    private static func input(
        value: Int, nodes: Int, _ versions: [Int32], using random: inout SeededRandom
    ) -> ZnodeModel.Input {
        func change() -> ZnodeModel.Change {
            let slot = Int.random(in: 0..<nodes, using: &random)
            let version = Bool.random(using: &random) ? -1 : versions[slot]
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1: return .create(slot, value: value)
            case 2: return .delete(slot, version: version)
            case 3: return nodes == 1 ? .set(slot, value: value, version: version) : .check(slot, version: version)
            default: return .set(slot, value: value, version: version)
            }
        }
        let slot = Int.random(in: 0..<nodes, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return .exists(slot)
        case 1, 2: return .get(slot)
        case 3, 4: return .getAll
        case 5, 6, 7: return nodes == 1 ? .change(change()) : .transaction([change(), change(), change()])
        default: return .change(change())
        }
    }

    private static func learn(_ input: ZnodeModel.Input, _ output: ZnodeModel.Output, _ versions: inout [Int32]) {
        switch (input, output) {
        case (.get(let slot), .nodes(let seen)), (.exists(let slot), .nodes(let seen)):
            if let version = seen.first??.version { versions[slot] = version }
        case (.getAll, .nodes(let seen)):
            for (slot, seen) in seen.enumerated() { versions[slot] = seen?.version ?? 0 }
        default: break
        }
    }

    // MARK: Calls

    private func perform(_ input: ZnodeModel.Input, in group: Int) async throws -> ZnodeModel.Output? {
        let call = recorder.began(input, by: number, in: group)
        do {
            let output = try await send(input, in: group)
            recorder.answered(call, output)
            return output
        } catch let error as ZooKeeperError {
            switch error.code {
            case .noNode, .nodeExists, .badVersion:
                let output: ZnodeModel.Output =
                    input.isRead ? .nodes([nil]) : .refused(error.transactionIndex ?? 0, error.code)
                recorder.answered(call, output)
                return output
            case .connectionLoss, .operationTimeout, .sessionExpired: break
            default: surprises.append("client \(number): \(input): \(error)")
            }
            recorder.gaveUp(call)
            return nil
        } catch {
            recorder.gaveUp(call)
            throw error
        }
    }

    private func send(_ input: ZnodeModel.Input, in group: Int) async throws -> ZnodeModel.Output {
        switch input {
        case .get(let slot):
            let node = try await client.getData(Self.path(group, slot))
            return .nodes([try Self.seen(node.stat, node.data)])
        case .exists(let slot):
            return .nodes([try await client.exists(Self.path(group, slot)).map(Self.seen)])
        case .getAll:
            let results = try await client.read(
                (0..<Self.groups[group]).map { .getData(path: Self.path(group, $0)) })
            return .nodes(
                try results.map { result in
                    switch result {
                    case .data(let node): try Self.seen(node.stat, node.data)
                    case .failed(.noNode): nil
                    case .failed(let code): throw ZooKeeperError(code: code)
                    case .children: throw ZooKeeperError(code: .marshallingError)
                    }
                })
        case .change(.create(let slot, let value)):
            let created = try await client.create2(Self.path(group, slot), data: Self.data(value))
            return .changed([Self.seen(created.stat)])
        case .change(.set(let slot, let value, let version)):
            let stat = try await client.setData(Self.path(group, slot), data: Self.data(value), version: version)
            return .changed([Self.seen(stat)])
        case .change(.delete(let slot, let version)):
            try await client.delete(Self.path(group, slot), version: version)
            return .changed([nil])
        case .change(.check(let slot, let version)):
            return try await transaction([.check(slot, version: version)], in: group)
        case .transaction(let changes): return try await transaction(changes, in: group)
        }
    }

    private func transaction(_ changes: [ZnodeModel.Change], in group: Int) async throws -> ZnodeModel.Output {
        let results = try await client.transaction(
            changes.map { change in
                switch change {
                case .create(let slot, let value): .create(path: Self.path(group, slot), data: Self.data(value))
                case .set(let slot, let value, let version):
                    .setData(path: Self.path(group, slot), data: Self.data(value), version: version)
                case .delete(let slot, let version): .delete(path: Self.path(group, slot), version: version)
                case .check(let slot, let version): .check(path: Self.path(group, slot), version: version)
                }
            })
        return .changed(
            results.map { result in
                switch result {
                case .created(_, let stat): stat.map(Self.seen)
                case .set(let stat): Self.seen(stat)
                case .deleted, .checked, .failed: nil
                }
            })
    }

    private static func data(_ value: Int) -> [UInt8] { Array("\(value)".utf8) }

    private static func seen(_ stat: Stat) -> ZnodeModel.Seen {
        ZnodeModel.Seen(value: nil, version: stat.version, created: stat.czxid, modified: stat.mzxid)
    }

    private static func seen(_ stat: Stat, _ data: [UInt8]?) throws -> ZnodeModel.Seen {
        var seen = seen(stat)
        // What nobody wrote has a number that nobody writes.
        seen.value = data.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? -1
        return seen
    }
}
