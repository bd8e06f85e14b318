import Foundation
import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// Output to very many connections at a time.
@Suite struct SocketBatchTests {
    /// Both ends of a connection; the near one does not block.
    private struct Pair {
        let near: CInt
        let far: CInt

        init() throws {
            var ends: [CInt] = [0, 0]
            try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
            (near, far) = (ends[0], ends[1])
            try #require(fcntl(near, F_SETFL, O_NONBLOCK) == 0)
        }

        func close() {
            Glibc.close(near)
            Glibc.close(far)
        }

        /// What has arrived and is not read yet; the end does not wait for more.
        func arrived() -> [UInt8] {
            var all: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65_536)
            while case let count = recv(far, &piece, piece.count, CInt(MSG_DONTWAIT)), count > 0 {
                all += piece[..<count]
            }
            return all
        }
    }

    @Test func everySocketGetsItsOwn() throws {
        // More than one thread's share, and not a whole number of shares.
        let pairs = try (0..<150).map { _ in try Pair() }
        defer { for pair in pairs { pair.close() } }
        func bytes(_ index: Int) -> [UInt8] { [UInt8](repeating: UInt8(index), count: index + 1) }
        var batch = SocketBatch()
        for (index, pair) in pairs.enumerated().reversed() {
            batch.append(.init(descriptor: pair.near, bytes: ByteBuffer(bytes: bytes(index)), index: index))
        }
        #expect(batch.send().isEmpty)
        for (index, pair) in pairs.enumerated() { #expect(pair.arrived() == bytes(index)) }
    }

    @Test func whatASocketDoesNotTakeIsHandedBack() throws {
        let (slow, gone, good) = (try Pair(), try Pair(), try Pair())
        defer { for pair in [slow, gone, good] { pair.close() } }
        shutdown(gone.far, CInt(SHUT_RDWR))
        let large = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        var batch = SocketBatch()
        batch.append(.init(descriptor: slow.near, bytes: ByteBuffer(bytes: large), index: 10))
        batch.append(.init(descriptor: gone.near, bytes: ByteBuffer(bytes: [1, 2, 3]), index: 11))
        batch.append(.init(descriptor: good.near, bytes: ByteBuffer(bytes: [4, 5]), index: 12))
        let remainders = batch.send().sorted { $0.index < $1.index }
        try #require(remainders.map(\.index) == [10, 11])
        let arrived = slow.arrived()
        #expect(!arrived.isEmpty && arrived.count < large.count)
        #expect(arrived + Array(remainders[0].bytes.readableBytesView) == large)
        #expect(Array(remainders[1].bytes.readableBytesView) == [1, 2, 3])
        #expect(good.arrived() == [4, 5])
    }

    /// Each watcher is told once, after the answer before the change and before the one after it; some have much to be
    /// sent before, some go away.
    @Test(arguments: [1, 20, 1000]) func manyWatchersAreToldInOrder(connectionsPerBatch: Int) async throws {
        var limits = ServerCore.Limits()
        limits.connectionsPerBatch = connectionsPerBatch
        try await LimitTests.withServer(
            limits: limits,
            {
                // Nobody pings here, and the machine may be busy.
                $0.tick = .seconds(10)
                $0.maxClientConnections = 0
            }
        ) { address in
            let writer = try await RawSocket(address)
            _ = try await writer.connect(timeoutMilliseconds: 200_000)
            let large = CreateRequest(path: "/large", data: [UInt8](repeating: 1, count: 900_000), mode: .persistent)
            #expect(try await writer.call(.create, large).error == .ok)
            let node = CreateRequest(path: "/node", data: [], mode: .persistent)
            #expect(try await writer.call(.create, node).error == .ok)
            var watchers: [RawSocket] = []
            for _ in 0..<60 {
                let watcher = try await RawSocket(address)
                _ = try await watcher.connect(timeoutMilliseconds: 200_000)
                watchers.append(watcher)
            }
            for round in 1...5 {
                for (index, watcher) in watchers.enumerated() {
                    var burst = LimitTests.request(.getData, xid: 1, PathWatchRequest(path: "/node", watch: true))
                    if index % 10 == 0 {
                        burst.writeImmutableBuffer(
                            LimitTests.request(.getData, xid: 2, PathWatchRequest(path: "/large", watch: false)))
                    }
                    try await watcher.write(burst)
                    #expect(try await LimitTests.reply(watcher).xid == 1)
                }
                let update = SetDataRequest(path: "/node", data: [UInt8(round)], version: -1)
                #expect(try await writer.call(.setData, update).error == .ok)
                for (index, watcher) in watchers.enumerated() {
                    try await watcher.write(
                        LimitTests.request(.exists, xid: 3, PathWatchRequest(path: "/node", watch: false)))
                    if index % 10 == 0 { #expect(try await LimitTests.reply(watcher).xid == 2) }
                    #expect(try await LimitTests.reply(watcher).xid == ReservedXid.watchEvent)
                    #expect(try await LimitTests.reply(watcher).xid == 3)
                }
                await watchers.removeLast().close()
            }
        }
    }
}
