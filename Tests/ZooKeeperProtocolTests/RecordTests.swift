import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

/// One record with the way to read it back, without its type.
struct RecordSample: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// Reads the record from the bytes and writes it again; `nil` when bytes were left over.
    let rewritten: @Sendable ([UInt8]) throws -> [UInt8]?

    var testDescription: String { name }

    init<R: Record & Equatable>(
        _ record: R, as name: String? = nil,
        read: @escaping @Sendable (inout ByteBuffer) throws -> R = { try R(from: &$0) }
    ) {
        var buffer = ByteBuffer()
        record.write(into: &buffer)
        bytes = Array(buffer.readableBytesView)
        self.name = name ?? "\(R.self)"
        rewritten = { bytes in
            var buffer = ByteBuffer(bytes: bytes)
            let decoded = try read(&buffer)
            guard buffer.readableBytes == 0 else { return nil }
            var again = ByteBuffer()
            decoded.write(into: &again)
            return Array(again.readableBytesView)
        }
    }

    private static let stat = Stat(
        czxid: .max, mzxid: .min, ctime: 3, mtime: -4, version: .max, cversion: .min, aversion: 7, ephemeralOwner: -1,
        dataLength: 9, numChildren: 10, pzxid: 11)

    static let all: [RecordSample] = [
        RecordSample(stat),
        RecordSample(ACL(permissions: [.read, .admin], scheme: "digest", id: "u:ü")),
        RecordSample(RequestHeader(xid: -8, operation: .setWatches2)),
        RecordSample(ReplyHeader(xid: 3, zxid: 4, error: .noAuth)),
        RecordSample(ConnectRequest(lastZxidSeen: 9, timeoutMilliseconds: 1, sessionID: -5, password: [1, 2])),
        RecordSample(ConnectResponse(timeoutMilliseconds: 5, sessionID: 6, password: [1], readOnly: true)),
        RecordSample(CreateRequest(path: "/ä", data: nil, acl: ACL.creatorAll, mode: .ephemeral)),
        RecordSample(
            CreateRequest(path: "/a", data: [0, 255], acl: [], mode: .persistentTTL, timeToLiveMilliseconds: 77),
            as: "createTTL"
        ) { try CreateRequest(from: &$0, withTimeToLive: true) },
        RecordSample(PathRequest(path: "/a/b")),
        RecordSample(PathWatchRequest(path: "", watch: true)),
        RecordSample(PathVersionRequest(path: "/a", version: -1)),
        RecordSample(SetDataRequest(path: "/a", data: [], version: 2)),
        RecordSample(SetACLRequest(path: "/a", acl: ACL.worldAll + ACL.worldRead, version: 3)),
        RecordSample(
            ReconfigRequest(joiningServers: nil, leavingServers: "", newMembers: "x", currentConfigID: -1)),
        RecordSample(AuthPacket(scheme: "digest", auth: Array("u:p".utf8))),
        RecordSample(SASLToken(token: [])),
        RecordSample(WhoAmIResponse(clientInfo: [ClientInfo(authScheme: "ip", user: "::1")])),
        RecordSample(
            SetWatchesRequest(relativeZxid: 5, dataWatches: ["/a", "/b"], existWatches: [], childWatches: ["/c"])),
        RecordSample(
            SetWatchesRequest(
                relativeZxid: 5, dataWatches: ["/a"], existWatches: ["/x"], childWatches: [], persistentWatches: ["/p"],
                persistentRecursiveWatches: ["/", "/r"]), as: "setWatches2"
        ) { try SetWatchesRequest(from: &$0, withPersistent: true) },
        RecordSample(AddWatchRequest(path: "/a", mode: .persistentRecursive)),
        RecordSample(WatcherTypeRequest(path: "/a", type: .any)),
        RecordSample(PathResponse(path: "/a0000000001")),
        RecordSample(Create2Response(path: "/a", stat: stat)),
        RecordSample(GetDataResponse(data: [1, 2, 3], stat: stat)),
        RecordSample(GetACLResponse(acl: ACL.worldRead, stat: stat)),
        RecordSample(StringsResponse(strings: ["a", "", "ß"])),
        RecordSample(GetChildren2Response(children: ["a"], stat: stat)),
        RecordSample(IntResponse(value: -1)),
        RecordSample(MultiHeader(.create2)),
        RecordSample(
            MultiRequest([
                .create(path: "/a", data: nil), .create(path: "/c", data: [], mode: .container),
                .create(path: "/t", data: [], mode: .persistentSequentialTTL, timeToLiveMilliseconds: 9),
                .delete(path: "/a", version: 3), .setData(path: "/b", data: [1]), .check(path: "/b", version: 0),
            ])),
        RecordSample(
            MultiResponse(results: [
                .created(path: "/a", stat: nil), .created(path: "/a", stat: stat), .set(stat), .deleted, .checked,
                .failed(.nodeExists),
            ])),
        RecordSample(MultiReadRequest(operations: [.getData(path: "/a"), .getChildren(path: "/b")])),
        RecordSample(
            MultiReadResponse(results: [
                .data(GetDataResponse(data: nil, stat: stat)), .children(["x"]), .failed(.noNode),
            ])),
    ]
}

@Suite struct RecordTests {
    @Test(arguments: RecordSample.all) func comesBackAsItWas(_ sample: RecordSample) throws {
        #expect(try sample.rewritten(sample.bytes) == sample.bytes)
    }

    @Test(arguments: RecordSample.all) func everyTruncationThrows(_ sample: RecordSample) {
        for length in 0..<sample.bytes.count {
            // The read-only flag of the two connect records is optional: one byte less is an older client's record.
            if sample.name.hasPrefix("Connect"), length == sample.bytes.count - 1 { continue }
            #expect(throws: WireFormatError.self, "\(sample.name) cut to \(length)") {
                try sample.rewritten(Array(sample.bytes.prefix(length)))
            }
        }
    }

    /// Whatever stands in the bytes, decoding ends with a record or an error; a count never reserves what is not there.
    @Test(arguments: RecordSample.all) func mutatedBytesNeverTrap(_ sample: RecordSample) {
        var random = SeededRandom(seed: 0x5EED)
        for position in sample.bytes.indices {
            for value in [0x00, 0x7F, 0x80, 0xFF] as [UInt8] {
                var bytes = sample.bytes
                bytes[position] = value
                _ = try? sample.rewritten(bytes)
            }
        }
        for _ in 0..<500 {
            var bytes = sample.bytes
            for _ in 0..<4 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? sample.rewritten(bytes)
        }
    }

    @Test func impossibleLengths() {
        for length in [Int32.min, -2, .max] {
            var path = ByteBuffer(integer: length)
            #expect(throws: WireFormatError.self) { try PathRequest(from: &path) }
            var list = ByteBuffer(integer: length)
            #expect(throws: WireFormatError.self) { try StringsResponse(from: &list) }
        }
        var null = ByteBuffer(integer: Int32(-1))
        #expect(throws: WireFormatError.self) { try PathRequest(from: &null) }
    }

    @Test func surrogatesFromJavaAreReadAsReplacementCharacters() throws {
        let cesu: [UInt8] = [0, 0, 0, 7, 0x2F, 0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]
        var buffer = ByteBuffer(bytes: cesu)
        let path = try PathRequest(from: &buffer).path
        #expect(!ZooKeeperPath.isValid(path))
    }
}
