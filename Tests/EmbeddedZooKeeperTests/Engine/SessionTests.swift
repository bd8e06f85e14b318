import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

@Suite struct SessionTests {
    @Test func silenceEndsASessionNotBeforeItsTimeoutAndSoonAfter() throws {
        let harness = try EngineHarness()
        let (quiet, other) = (try harness.connected(timeout: 5000), try harness.connected(timeout: 40_000))
        try quiet.create("/e", mode: .ephemeral)
        harness.run(milliseconds: 4950)
        #expect(try other.stat("/e").ephemeralOwner != 0)
        harness.run(milliseconds: 250)
        #expect(throws: ErrorCode.noNode) { try other.stat("/e") }
        #expect(quiet.client.phase == .aborted)
        let id = try #require(quiet.response?.sessionID)
        let again = harness.open()
        let request = ConnectRequest(
            lastZxidSeen: 0, timeoutMilliseconds: 5000, sessionID: id, password: quiet.response?.password ?? [])
        #expect(try again.connect(request) == .sessionExpired(readOnly: false))
    }

    @Test func everyPacketRenewsTheSession() throws {
        let harness = try EngineHarness()
        let client = try harness.connected(timeout: 4000)
        for _ in 0..<5 {
            harness.run(milliseconds: 3900)
            client.send(.ping, xid: ReservedXid.ping)
            harness.settle()
            #expect(try client.received().map(\.description) == ["reply -2 Ok (0)"])
        }
        #expect(client.client.phase == .connected)
    }

    @Test func whoIsHeldBackByTheServerDoesNotExpire() throws {
        let harness = try EngineHarness()
        let client = try harness.connected(timeout: 4000)
        client.client.isHeldBack = true
        harness.run(milliseconds: 10_000)
        #expect(harness.engine.sessions.count == 1)
        client.client.isHeldBack = false
        harness.run(milliseconds: 5000)
        #expect(harness.engine.sessions.isEmpty)
    }

    @Test func aClosedConnectionDoesNotEndTheSession() throws {
        let harness = try EngineHarness()
        let (client, other) = (try harness.connected(timeout: 4000), try harness.connected(timeout: 40_000))
        try client.create("/e", mode: .ephemeral)
        harness.engine.disconnect(client.client)
        harness.run(milliseconds: 3900)
        #expect(try other.stat("/e").ephemeralOwner != 0)
        harness.run(milliseconds: 300)
        #expect(throws: ErrorCode.noNode) { try other.stat("/e") }
    }

    @Test func timeInWhichTheServerDidNotRunDoesNotCount() throws {
        let harness = try EngineHarness()
        let (client, other) = (try harness.connected(timeout: 4000), try harness.connected(timeout: 40_000))
        try client.create("/e", mode: .ephemeral)
        harness.run(milliseconds: 1000)
        harness.pass(milliseconds: 60_000)
        harness.engine.tick(now: harness.now)
        #expect(try other.stat("/e").ephemeralOwner != 0)
        harness.run(milliseconds: 2700)
        #expect(try other.stat("/e").ephemeralOwner != 0)
        harness.run(milliseconds: 700)
        #expect(throws: ErrorCode.noNode) { try other.stat("/e") }
    }

    @Test func afterARestartEverySessionHasItsFullTimeout() throws {
        var harness = try EngineHarness()
        let client = try harness.connected(timeout: 5000)
        try client.create("/e", mode: .ephemeral)
        let credentials = try #require(client.response)
        harness.run(milliseconds: 4500)
        harness = try harness.restarted()
        let other = try harness.connected(timeout: 40_000)
        harness.run(milliseconds: 4500)
        #expect(try other.stat("/e").ephemeralOwner == credentials.sessionID)
        let again = harness.open()
        let response = try again.connect(
            ConnectRequest(
                lastZxidSeen: 1, timeoutMilliseconds: 5000, sessionID: credentials.sessionID,
                password: credentials.password))
        #expect(response?.sessionID == credentials.sessionID)
        harness.run(milliseconds: 4500)
        #expect(try other.stat("/e").ephemeralOwner == credentials.sessionID)
        harness.run(milliseconds: 700)
        #expect(throws: ErrorCode.noNode) { try other.stat("/e") }
    }

    @Test func expiryIsNeverEarlyAndAtMostABucketLate() {
        var clock = SessionClock(bucketMilliseconds: 100)
        var random = SeededRandom(seed: 7)
        var sessions: [Int64: Session] = [:]
        for id in 1...200 as ClosedRange<Int64> {
            let session = Session(
                id: id, timeoutMilliseconds: Int32.random(in: 400...5000, using: &random),
                lastHeard: Instant(nanoseconds: 0))
            sessions[id] = session
            clock.add(session)
        }
        for step in 1...1000 as ClosedRange<Int64> {
            let now = Instant(nanoseconds: step * 10_000_000)
            for session in sessions.values where UInt8.random(in: 0..<200, using: &random) == 0 {
                session.lastHeard = now
            }
            for session in clock.expired(at: now, among: sessions) {
                #expect(session.deadline <= now)
                sessions[session.id] = nil
            }
            for session in sessions.values {
                #expect(now < session.deadline.advanced(byMilliseconds: 101), "late at step \(step)")
            }
        }
    }

    @Test func nothingBehindACloseIsAnswered() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let close = client.send(.closeSession)
        client.send(.getData, PathWatchRequest(path: "/", watch: false))
        harness.settle()
        #expect(try client.received().map(\.description) == ["reply \(close) Ok (0)"])
    }
}
