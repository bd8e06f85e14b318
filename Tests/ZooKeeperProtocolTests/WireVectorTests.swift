import NIOCore
import Testing
import ZooKeeperProtocol

/// Bytes worked out by hand from the protocol sheet, so that a mistake made in both directions cannot hide.
@Suite struct WireVectorTests {
    private func bytes(_ record: some Record) -> [UInt8] {
        var buffer = ByteBuffer()
        record.write(into: &buffer)
        return Array(buffer.readableBytesView)
    }

    @Test func requestHeader() {
        #expect(bytes(RequestHeader(xid: 1, operation: .getData)) == [0, 0, 0, 1, 0, 0, 0, 4])
        #expect(bytes(RequestHeader(xid: ReservedXid.ping, operation: .ping)) == [0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 11])
        #expect(
            bytes(RequestHeader(xid: 2, operation: .closeSession)) == [0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xF5])
    }

    @Test func replyHeader() {
        #expect(
            bytes(ReplyHeader(xid: 7, zxid: 0x1_0000_0002, error: .noNode))
                == [0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0x9B])
    }

    @Test func connectRequestIs44or45Bytes() throws {
        let request = ConnectRequest(lastZxidSeen: 3, timeoutMilliseconds: 10_000)
        let expected: [UInt8] =
            [0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 3] + [0, 0, 0x27, 0x10] + [0, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 16]
            + [UInt8](repeating: 0, count: 16) + [0]
        #expect(bytes(request) == expected)
        #expect(expected.count == 45)
        var old = ByteBuffer(bytes: expected.dropLast())
        #expect(try ConnectRequest(from: &old).readOnly == nil)
    }

    @Test func connectResponseIs36or37Bytes() {
        let password = (0..<16).map { UInt8($0) }
        let response = ConnectResponse(timeoutMilliseconds: 4000, sessionID: 0x0100, password: password)
        #expect(
            bytes(response) == [0, 0, 0, 0, 0, 0, 0x0F, 0xA0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 16] + password + [0])
        #expect(bytes(ConnectResponse.sessionExpired(readOnly: nil)).count == 36)
        #expect(bytes(ConnectResponse.sessionExpired(readOnly: true)).count == 37)
    }

    @Test func create() {
        let request = CreateRequest(path: "/a", data: [0x78], acl: ACL.worldAll, mode: .ephemeralSequential)
        #expect(
            bytes(request)
                == [0, 0, 0, 2, 0x2F, 0x61] + [0, 0, 0, 1, 0x78] + [0, 0, 0, 1] + [0, 0, 0, 31]
                + [0, 0, 0, 5] + Array("world".utf8) + [0, 0, 0, 6] + Array("anyone".utf8) + [0, 0, 0, 3])
        #expect(request.operation == .create2)
        let ttl = CreateRequest(path: "/", data: nil, acl: [], mode: .persistentTTL, timeToLiveMilliseconds: 258)
        #expect(
            bytes(ttl)
                == [0, 0, 0, 1, 0x2F, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 2])
        #expect(ttl.operation == .createTTL)
    }

    @Test func statIsInWireOrder() {
        let stat = Stat(
            czxid: 1, mzxid: 2, ctime: 3, mtime: 4, version: 5, cversion: 6, aversion: 7, ephemeralOwner: 8,
            dataLength: 9, numChildren: 10, pzxid: 11)
        func long(_ value: UInt8) -> [UInt8] { [0, 0, 0, 0, 0, 0, 0, value] }
        func int(_ value: UInt8) -> [UInt8] { [0, 0, 0, value] }
        let expected = long(1) + long(2) + long(3) + long(4) + int(5) + int(6) + int(7) + long(8) + int(9) + int(10)
        #expect(bytes(stat) == expected + long(11))
        #expect(bytes(stat).count == Stat.encodedSize)
    }

    @Test func nullAndEmptyDataDiffer() {
        #expect(
            bytes(SetDataRequest(path: "/", data: nil, version: -1))
                == [0, 0, 0, 1, 0x2F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        #expect(
            bytes(SetDataRequest(path: "/", data: [], version: -1))
                == [0, 0, 0, 1, 0x2F, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
    }

    @Test func multi() {
        let request = MultiRequest([.check(path: "/a", version: 3), .delete(path: "/a")])
        #expect(
            bytes(request)
                == [0, 0, 0, 13, 0, 0xFF, 0xFF, 0xFF, 0xFF] + [0, 0, 0, 2, 0x2F, 0x61, 0, 0, 0, 3]
                + [0, 0, 0, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF] + [0, 0, 0, 2, 0x2F, 0x61, 0xFF, 0xFF, 0xFF, 0xFF]
                + [0xFF, 0xFF, 0xFF, 0xFF, 1, 0xFF, 0xFF, 0xFF, 0xFF])
    }

    @Test func failedMulti() {
        let response = MultiResponse(results: [.failed(.ok), .failed(.badVersion), .failed(.runtimeInconsistency)])
        #expect(
            bytes(response)
                == [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0]
                + [0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0x99, 0xFF, 0xFF, 0xFF, 0x99]
                + [0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFE]
                + [0xFF, 0xFF, 0xFF, 0xFF, 1, 0xFF, 0xFF, 0xFF, 0xFF])
    }

    @Test func watcherEvent() throws {
        let event = WatchEvent(type: .nodeDeleted, path: "/x", zxid: 9)
        var buffer = ByteBuffer()
        event.write(into: &buffer)
        #expect(Array(buffer.readableBytesView) == [0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0x2F, 0x78])
        #expect(try WatchEvent(from: &buffer, zxid: 9) == event)
    }

    @Test func setWatchesHasThreeOrFiveLists() {
        let three = SetWatchesRequest(relativeZxid: 1, dataWatches: ["/a"], existWatches: [], childWatches: [])
        #expect(
            bytes(three) == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0x2F, 0x61] + [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(three.operation == .setWatches)
        let five = SetWatchesRequest(
            relativeZxid: 1, dataWatches: [], existWatches: [], childWatches: [], persistentWatches: [],
            persistentRecursiveWatches: [])
        #expect(bytes(five) == [0, 0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 20))
        #expect(five.operation == .setWatches2)
    }
}
