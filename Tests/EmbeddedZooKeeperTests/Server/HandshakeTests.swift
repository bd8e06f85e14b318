import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

@Suite struct HandshakeTests {
    @Test func newSessionIsAnsweredOnlyOnceItIsStored() throws {
        let harness = try EngineHarness()
        let client = harness.open()
        #expect(try client.connect(ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: 10_000), settle: false) == nil)
        harness.settle()
        var reply = try #require(try Frame.decode(from: &client.client.ready))
        let response = try ConnectResponse(from: &reply)
        #expect(response.sessionID != 0)
        #expect(response.password.count == 16)
        #expect(response.readOnly == false)
    }

    @Test(arguments: [(1, 4000), (4000, 4000), (12_345, 12_345), (1_000_000, 40_000), (-5, 4000)] as [(Int32, Int32)])
    func timeoutIsClamped(_ asked: Int32, _ granted: Int32) throws {
        let client = try EngineHarness().open()
        let response = try client.connect(ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: asked))
        #expect(response?.timeoutMilliseconds == granted)
    }

    @Test func oldClientsGetTheOldShape() throws {
        let client = try EngineHarness().open()
        let request = ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: 5000, readOnly: nil)
        #expect(try client.connect(request)?.readOnly == nil)
    }

    @Test func clientThatHasSeenMoreIsClosedWithoutReply() throws {
        let harness = try EngineHarness()
        let client = harness.open()
        let request = ConnectRequest(lastZxidSeen: harness.engine.lastZxid + 1, timeoutMilliseconds: 5000)
        #expect(try client.connect(request) == nil)
        #expect(client.client.phase == .aborted)
        #expect(client.client.ready.readableBytes == 0)
    }

    @Test func reattachmentKeepsEphemeralsAndEndsTheOlderConnection() throws {
        let harness = try EngineHarness()
        let first = try harness.connected()
        try first.create("/e", mode: .ephemeral)
        let credentials = try #require(first.response)
        let second = harness.open()
        let response = try second.connect(
            ConnectRequest(
                lastZxidSeen: harness.engine.lastZxid, timeoutMilliseconds: 10_000, sessionID: credentials.sessionID,
                password: credentials.password))
        #expect(response?.sessionID == credentials.sessionID)
        #expect(response?.password == credentials.password)
        #expect(first.client.phase == .aborted)
        #expect(try second.stat("/e").ephemeralOwner == credentials.sessionID)
    }

    @Test func wrongPasswordAndUnknownSessionAreExpired() throws {
        let harness = try EngineHarness()
        let first = try harness.connected()
        let id = try #require(first.response?.sessionID)
        for (session, password) in [(id, [UInt8](repeating: 7, count: 16)), (id + 99, first.response?.password ?? [])] {
            let other = harness.open()
            let response = try other.connect(
                ConnectRequest(
                    lastZxidSeen: 0, timeoutMilliseconds: 10_000, sessionID: session, password: password))
            #expect(response == .sessionExpired(readOnly: false))
            #expect(other.client.phase == .closing)
        }
        #expect(first.client.phase == .connected)
    }

    @Test func garbageInsteadOfAHandshakeEndsTheConnection() throws {
        let harness = try EngineHarness()
        let client = harness.open()
        var frame = ByteBuffer(bytes: [1, 2, 3])
        harness.engine.receive(&frame, from: client.client, now: harness.now)
        #expect(client.client.phase == .aborted)
    }

    @Test func everySessionOfEveryStartHasAnIdOfItsOwn() throws {
        var harness = try EngineHarness()
        var ids: Set<Int64> = []
        for _ in 0..<3 {
            for _ in 0..<3 { ids.insert(try #require(try harness.connected().response?.sessionID)) }
            harness = try harness.restarted()
        }
        #expect(ids.count == 9)
    }
}
