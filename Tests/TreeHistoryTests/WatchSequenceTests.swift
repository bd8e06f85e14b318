import Primitives
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

/// Client, proxy and embedded server in one process; the connection is cut behind any frame.
@Suite struct WatchSequenceTests {
    /// Given: a recursive and a plain persistent watch through a connection that is cut all the time; somebody else changes
    /// the tree.
    /// What must hold: every change is told once and in order, or there is a gap behind which it can be read.
    @Test(.timeLimit(.minutes(3))) func everyChangeIsToldOrCoveredByAGap() async throws {
        let seed = TestSeed.value(for: "watches")
        let port = try await TestTree.port(.embedded)
        let root = TestTree.uniquePath("watched")
        let cutter = try FrameCutter(target: port, seed: seed)
        defer { cutter.close() }
        let recursive = Collected<WatchSighting>()
        let plain = Collected<WatchSighting>()
        let changes = try await withClient(port: port) { writer in
            let made = try await writer.create2(root, data: nil)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                let armed = Collected<Bool>()
                for (mode, sightings) in [(AddWatchMode.persistentRecursive, recursive), (.persistent, plain)] {
                    group.addTask {
                        try await withClient(port: cutter.port, configure: { $0.sessionTimeout = .seconds(1) }) {
                            client in
                            let watch = try await client.addWatch(root, mode: mode)
                            armed.append(true)
                            for try await element in watch {
                                switch element {
                                case .event(let event):
                                    sightings.append(
                                        .event(WatchedChange(zxid: event.zxid, type: event.type, path: event.path)))
                                case .gap:
                                    let zxid = try await Self.newestChange(root, client)
                                    sightings.append(.gap(seenThrough: zxid))
                                }
                            }
                        }
                    }
                }
                defer { group.cancelAll() }
                try await eventually("both watches are armed", within: .seconds(60)) { armed.all.count == 2 }
                var random = SeededRandom(seed: seed)
                var changes = try await Self.change(root, writer, made.stat.czxid, until: { cutter.cuts > 80 }, &random)
                cutter.beGentle()
                // Told only over a connection that is whole again.
                try await eventually(
                    "the watches catch up", within: .seconds(30),
                    seen: { "\(recursive.all.suffix(3)), \(plain.all.suffix(3))" }
                ) {
                    changes += try await Self.change(root, writer, changes.last?.zxid ?? 0, until: { true }, &random)
                    guard let last = changes.last else { return false }
                    try await Task.sleep(for: .milliseconds(50))
                    return [recursive, plain].allSatisfy { sightings in
                        switch sightings.all.last {
                        case .event(let event): event.zxid == last.zxid
                        case .gap, nil: false
                        }
                    }
                }
                return changes
            }
        }
        let gaps = recursive.all.count { if case .gap = $0 { true } else { false } }
        print("\(changes.count) changes, \(recursive.all.count - gaps) told, \(gaps) gaps, \(cutter.cuts) cuts")
        let fault = WatchCoverage.fault(of: recursive.all, with: changes)
        #expect(fault == nil, "recursive, seed \(seed)")
        let children = changes.filter { $0.type != .nodeDataChanged }.map {
            WatchedChange(zxid: $0.zxid, type: .nodeChildrenChanged, path: root)
        }
        let plainFault = WatchCoverage.fault(of: plain.all, with: children)
        #expect(plainFault == nil, "persistent, seed \(seed)")
        #expect(gaps > 10)
        #expect(recursive.all.count - gaps > 100)
    }

    /// Makes changes below `root`, at least one that both watches tell of, and says what they were.
    private static func change(
        _ root: String, _ writer: ZooKeeperClient, _ after: Int64, until isDone: () -> Bool,
        _ random: inout SeededRandom
    ) async throws -> [WatchedChange] {
        var changes: [WatchedChange] = []
        repeat {
            let path = "\(root)/\(Int.random(in: 0..<5, using: &random))"
            if try await writer.exists(path) != nil {
                for number in 0..<Int.random(in: 0...3, using: &random) {
                    let stat = try await writer.setData(path, data: [UInt8(number)])
                    changes.append(WatchedChange(zxid: stat.mzxid, type: .nodeDataChanged, path: path))
                }
                try await writer.delete(path)
                // The only writer there is: the root's newest change is this one.
                let stat = try await writer.exists(root)
                changes.append(WatchedChange(zxid: stat?.pzxid ?? 0, type: .nodeDeleted, path: path))
            } else {
                let created = try await writer.create2(path, data: nil)
                changes.append(WatchedChange(zxid: created.stat.czxid, type: .nodeCreated, path: path))
            }
            if Int.random(in: 0..<10, using: &random) == 0 {
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...30, using: &random)))
            }
        } while !isDone()
        return changes
    }

    /// The newest change below `root`, by one read; repeated until there is an answer.
    private static func newestChange(_ root: String, _ client: ZooKeeperClient) async throws -> Int64 {
        while true {
            do {
                let results = try await client.read(
                    [.getData(path: root)] + (0..<5).map { .getData(path: "\(root)/\($0)") })
                return results.map { result in
                    if case .data(let node) = result { max(node.stat.mzxid, node.stat.pzxid) } else { 0 }
                }.max() ?? 0
            } catch let error as ZooKeeperError where error.code != .clientClosed {
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }
}

/// That the judgement about a sequence can be a bad one.
@Suite struct WatchCoverageTests {
    private static let changes = (1...6).map {
        WatchedChange(zxid: Int64($0), type: .nodeDataChanged, path: "/a")
    }
    private static func told(_ numbers: Int...) -> [WatchSighting] { numbers.map { .event(changes[$0 - 1]) } }

    @Test func whatIsRight() {
        let all = Self.told(1, 2, 3, 4, 5, 6)
        #expect(WatchCoverage.fault(of: all, with: Self.changes) == nil)
        let gap = Self.told(1, 2) + [.gap(seenThrough: 4)] + Self.told(5, 6)
        #expect(WatchCoverage.fault(of: gap, with: Self.changes) == nil)
        let end = Self.told(1, 2, 3) + [.gap(seenThrough: 3), .gap(seenThrough: 6)]
        #expect(WatchCoverage.fault(of: end, with: Self.changes) == nil)
    }

    @Test(arguments: [
        told(1, 2, 4, 5, 6), told(1, 2, 3, 4, 5), told(1, 2, 2, 3, 4, 5, 6), told(1, 3, 2, 4, 5, 6),
        told(1, 2) + [.gap(seenThrough: 3)] + told(5, 6), told(1, 2) + [.gap(seenThrough: 6)] + told(2, 3, 4, 5, 6),
        told(1, 2) + [.gap(seenThrough: 5)] + told(3, 4, 6),
    ])
    func whatIsWrong(_ sightings: [WatchSighting]) {
        #expect(WatchCoverage.fault(of: sightings, with: Self.changes) != nil)
    }
}
