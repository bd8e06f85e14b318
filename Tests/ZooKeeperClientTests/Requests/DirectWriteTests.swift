import Foundation
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

/// Callers who are alone write their requests themselves, those in company leave it to the event loop; what they see is
/// the same.
@Suite("Requests written by their callers, on a real ZooKeeper")
struct DirectWriteTests {
    /// A request out of order would be answered out of order, and the connection given up for it.
    @Test(arguments: TreeKind.allCases)
    func requestsOfLoneCallersAndOfManyKeepTheirOrder(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("order")) { client in
            let session = try #require(client.session)
            try await client.create("/n", data: nil)
            for round in 0..<20 {
                for _ in 0..<10 { try await client.setData("/n", data: Array("\(round)".utf8)) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for size in [1, 3, 40] {
                        for _ in 0..<size { group.addTask { _ = try await client.setData("/n", data: nil) } }
                        try await group.waitForAll()
                    }
                }
            }
            #expect(try await client.getData("/n").stat.version == 20 * 54)
            #expect(
                client.state == .connected(session) && client.lastFailure == nil,
                "\(String(describing: client.lastFailure))")
        }
    }

    /// More than the socket takes: the rest waits for it to be writable, and what comes later behind it.
    @Test func moreThanTheSocketTakesArrivesWhenTheServerReadsAgain() async throws {
        let server = try await TestTree.shared()
        let proxy = try FaultProxy(target: server.port)
        defer { proxy.close() }
        try await withClient(port: proxy.port, chroot: TestTree.uniquePath("full")) { client in
            try await client.create("/n", data: nil)
            proxy.hold(.toServer)
            let large = [UInt8](repeating: 7, count: 900_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask { _ = try await client.setData("/n", data: large) }
                    try await Task.sleep(for: .milliseconds(2))
                }
                proxy.release(.toServer)
                try await group.waitForAll()
            }
            let node = try await client.getData("/n")
            #expect(node.stat.version == 16 && node.data == large)
            #expect(client.lastFailure == nil)
        }
    }

    /// A lone writer whose connection is cut again and again, at any moment of a write.
    @Test func cutsLeaveNoAcknowledgedWriteBehindAndNobodyHanging() async throws {
        let server = try await TestTree.shared()
        let proxy = try FaultProxy(target: server.port)
        defer { proxy.close() }
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        try await withClient(port: proxy.port, chroot: TestTree.uniquePath("cuts")) { client in
            try await client.create("/n", data: nil)
            let pauses = (0..<6).map { _ in Duration.microseconds(Int.random(in: 0...20_000, using: &random)) }
            let cutting = Task {
                for pause in pauses {
                    try await client.waitUntilConnected(timeout: .seconds(10))
                    try await Task.sleep(for: pause)
                    proxy.cut()
                }
            }
            var acknowledged = 0
            var unknown = 0
            while proxy.acceptedConnections <= pauses.count, acknowledged < 50_000 {
                do {
                    try await client.setData("/n", data: Array("\(acknowledged)".utf8))
                    acknowledged += 1
                } catch let error as ZooKeeperError where error.code == .connectionLoss {
                    unknown += 1
                }
            }
            try await cutting.value
            #expect(unknown > 0, "seed \(seed)")
            let version = Int(try await client.getData("/n").stat.version)
            #expect(version >= acknowledged && version <= acknowledged + unknown, "seed \(seed)")
        }
    }

    /// Cancelled while it is written, or just before or after: the request is carried out or not, and others are not
    /// disturbed.
    @Test func callersThatAreCancelledWhileTheyWriteDisturbNobody() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("cancelled")) { client in
            try await client.create("/n", data: nil)
            var outcomes: [Bool] = []
            for round in 0..<200 {
                let task = Task {
                    do {
                        try await client.setData("/n", data: nil)
                        return true
                    } catch is CancellationError {
                        return false
                    }
                }
                if round % 3 > 0 { await Task.yield() }
                if round % 3 > 1 { try await Task.sleep(for: .microseconds(round * 2)) }
                task.cancel()
                outcomes.append(try await task.value)
            }
            let version = Int(try await client.getData("/n").stat.version)
            #expect(version >= outcomes.count { $0 } && version <= outcomes.count)
            #expect(client.lastFailure == nil)
        }
    }
}
