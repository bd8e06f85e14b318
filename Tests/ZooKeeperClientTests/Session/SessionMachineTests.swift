import NIOCore
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Session machine")
struct SessionMachineTests {
    private let start = Moment.now

    private func machine(
        rule: LeaseRule = .standalone, timeout: Duration = .seconds(6), limit: Int = 100, rearmLimit: Int = 128 * 1024
    ) -> SessionMachine {
        var settings = SessionMachine.Settings(sessionTimeout: timeout, requestTimeout: .seconds(5), serverCount: 1)
        settings.leaseRule = rule
        settings.maxOutstandingRequests = limit
        settings.tickInterval = .milliseconds(50)
        settings.rearmLimit = rearmLimit
        return SessionMachine(settings: settings, now: start)
    }

    private func granted(_ id: Int64 = 7, timeout: Int32 = 6000) -> ByteBuffer {
        var buffer = ByteBuffer()
        ConnectResponse(
            timeoutMilliseconds: timeout, sessionID: id, password: [UInt8](repeating: 9, count: 16)
        ).write(into: &buffer)
        return buffer
    }

    private func expired() -> ByteBuffer {
        var buffer = ByteBuffer()
        ConnectResponse.sessionExpired(readOnly: false).write(into: &buffer)
        return buffer
    }

    private func reply(_ xid: Int32, zxid: Int64 = 1, _ error: ErrorCode = .ok) -> ByteBuffer {
        var buffer = ByteBuffer()
        ReplyHeader(xid: xid, zxid: zxid, error: error).write(into: &buffer)
        return buffer
    }

    private func event(_ type: EventType, _ path: String) -> ByteBuffer {
        var buffer = reply(ReservedXid.watchEvent, zxid: -1)
        WatchEvent(type: type, path: path, zxid: -1).write(into: &buffer)
        return buffer
    }

    private func call(
        _ operation: OperationCode = .getData, path: String = "/a", arming: WatchArming? = nil,
        at: Moment
    ) -> PendingCall {
        .request(operation, path: path, arming: arming, deadline: at + .seconds(5)) {
            PathWatchRequest(path: path, watch: arming != nil).write(into: &$0)
        }
    }

    /// The types of the requests in a write.
    private func requests(_ write: ByteBuffer?) throws -> [RequestHeader] {
        guard var write else { return [] }
        var headers: [RequestHeader] = []
        while var frame = try Frame.decode(from: &write) { headers.append(try RequestHeader(from: &frame)) }
        return headers
    }

    private func connected(_ machine: inout SessionMachine, at now: Moment, id: Int64 = 7) {
        _ = machine.connectionOpened(at: now)
        _ = machine.received([granted(id)], at: now)
    }

    @Test func asksForASessionAndGetsIt() throws {
        var machine = machine()
        #expect(machine.state == .connecting)
        var write = try #require(machine.connectionOpened(at: start).write)
        var frame = try #require(try Frame.decode(from: &write))
        let request = try ConnectRequest(from: &frame)
        #expect(request.sessionID == 0 && request.timeoutMilliseconds == 6000 && request.lastZxidSeen == 0)
        let effects = machine.received([granted()], at: start)
        #expect(effects.states.count == 1)
        #expect(machine.session?.id == 7 && machine.session?.negotiatedTimeout == .seconds(6))
        #expect(machine.phase == .established)
    }

    @Test func requestsThatWaitedLeaveInOneWriteAndAreAnsweredInOrder() throws {
        var machine = machine()
        let calls = (0..<3).map { _ in call(at: start) }
        for call in calls { expect(machine.submit(call) == nil) }
        expect(machine.takeWritable(at: start).write == nil)
        _ = machine.connectionOpened(at: start)
        let effects = machine.received([granted()], at: start)
        #expect(try requests(effects.write).map(\.xid) == [1, 2, 3])
        let answers = machine.received([reply(1), reply(2, zxid: 9, .noNode)], at: start)
        #expect(answers.completions.map { ObjectIdentifier($0.call) } == calls.prefix(2).map { ObjectIdentifier($0) })
        #expect(machine.lastZxid == 9)
        #expect(machine.inFlight.count == 1)
    }

    @Test func anAnswerOutOfTurnCostsTheConnection() {
        var machine = machine()
        _ = machine.submit(call(at: start))
        connected(&machine, at: start)
        let effects = machine.received([reply(2)], at: start)
        guard case .protocolViolation? = effects.close else {
            Issue.record("saw \(String(describing: effects.close))")
            return
        }
    }

    @Test(arguments: [[UInt8](), [0], [0, 0, 0, 1, 0, 0]])
    func aTruncatedFrameCostsTheConnectionAndNothingElse(_ bytes: [UInt8]) {
        var machine = machine()
        connected(&machine, at: start)
        expect(machine.received([ByteBuffer(bytes: bytes)], at: start).close != nil)
    }

    @Test func onLossWhatWasSentFailsAndWhatWaitsIsSentAgainOnTheNextConnection() throws {
        var machine = machine()
        let sent = call(at: start)
        _ = machine.submit(sent)
        connected(&machine, at: start)
        let waiting = call(at: start)
        _ = machine.submit(waiting)
        let effects = machine.connectionLost(at: start)
        #expect(effects.completions.count == 1 && effects.completions.first?.call === sent)
        #expect(machine.state == machine.session.map(ConnectionState.suspended))
        _ = machine.connectionOpened(at: start)
        let again = machine.received([granted()], at: start)
        #expect(try requests(again.write).map(\.operation) == [.getData])
    }

    @Test func expiryFailsEverythingEndsOneShotsKeepsPersistentOnesAndStartsANewSession() throws {
        var machine = machine()
        let oneShot = WatchSlot(path: "/a")
        let buffer = PersistentWatchBuffer(path: "/p", limit: 10)
        _ = machine.submit(call(arming: .oneShot(.getData, oneShot), at: start))
        _ = machine.submit(call(.addWatch, arming: .persistent(.persistentRecursive, buffer), at: start))
        connected(&machine, at: start)
        _ = machine.received([reply(1), reply(2)], at: start)
        _ = machine.connectionLost(at: start)
        let waiting = call(at: start)
        _ = machine.submit(waiting)
        _ = machine.connectionOpened(at: start)
        let effects = machine.received([expired()], at: start)
        #expect(effects.close == .sessionExpired)
        #expect(effects.triggers.map(\.trigger) == [.sessionExpired])
        #expect(effects.completions.count == 1 && effects.completions.first?.call === waiting)
        #expect(machine.session == nil && machine.lease.deadline == nil)
        _ = machine.connectionLost(at: start)
        var write = try #require(machine.connectionOpened(at: start).write)
        var frame = try #require(try Frame.decode(from: &write))
        #expect(try ConnectRequest(from: &frame).sessionID == 0)
        let fresh = machine.received([granted(8)], at: start)
        #expect(try requests(fresh.write).map(\.operation) == [.setWatches2])
        #expect(fresh.elements.map(\.element) == [.gap])
    }

    /// Has armed a watch of `/own`, and lost the connection a second later; and its lease until then.
    private func cutOffWithAWatch() throws -> (SessionMachine, before: Moment) {
        var machine = machine()
        let slot = WatchSlot(path: "/own")
        _ = machine.submit(call(path: "/own", arming: .oneShot(.getData, slot), at: start))
        connected(&machine, at: start)
        _ = machine.received([reply(1)], at: start)
        let before = try #require(machine.lease.deadline)
        _ = machine.connectionLost(at: start + .seconds(1))
        return (machine, before)
    }

    @Test func afterAReconnectTheLeaseIsNotRenewedBeforeMissedEventsAreIn() throws {
        let (cutOff, before) = try cutOffWithAWatch()
        var machine = cutOff
        _ = machine.submit(call(path: "/b", at: start + .seconds(1)))
        connected(&machine, at: start + .seconds(2))
        #expect(machine.lease.deadline == before)
        // The event that was missed comes before the answer to setWatches.
        let effects = machine.received(
            [event(.nodeDeleted, "/own"), reply(ReservedXid.setWatches)], at: start + .seconds(2))
        #expect(effects.triggers.count == 1)
        #expect(try #require(machine.lease.deadline) > before)
    }

    /// It says that some watches are not armed: what happens to their nodes would not be told.
    @Test func watchesThatAreNotArmedAgainCostTheConnectionAndProveNothing() throws {
        let (cutOff, before) = try cutOffWithAWatch()
        var machine = cutOff
        connected(&machine, at: start + .seconds(2))
        let effects = machine.received(
            [reply(ReservedXid.setWatches, .systemError), reply(ReservedXid.ping)], at: start + .seconds(2))
        guard case .protocolViolation? = effects.close else {
            Issue.record("saw \(String(describing: effects.close))")
            return
        }
        #expect(machine.lease.deadline == before)
        // They are armed on the next connection.
        _ = machine.connectionLost(at: start + .seconds(3))
        _ = machine.connectionOpened(at: start + .seconds(3))
        let again = machine.received([granted()], at: start + .seconds(3))
        #expect(try requests(again.write).map(\.operation) == [.setWatches])
    }

    /// A process that was stopped reads what was said before first: its turn has come, and it is there. None of it says
    /// that the session lasts now, nor does the first thing that it sends: its servers heard nothing of it for too long.
    @Test(arguments: [LeaseRule.standalone, .ensemble])
    func whatIsReadAfterALongPauseProvesNothing(_ rule: LeaseRule) throws {
        var machine = machine(rule: rule)
        connected(&machine, at: start)
        let slot = WatchSlot(path: "/a")
        _ = machine.submit(call(arming: .oneShot(.getData, slot), at: start))
        _ = machine.takeWritable(at: start)
        _ = machine.received([reply(1)], at: start)
        let asked = start + .seconds(1)
        for operation in [OperationCode.sync, .getData] { _ = machine.submit(call(operation, at: asked)) }
        _ = machine.takeWritable(at: asked)
        let now = start + .seconds(20)
        let effects = machine.received([event(.nodeDeleted, "/a"), reply(2, zxid: 5), reply(3, zxid: 5)], at: now)
        #expect(effects.triggers.count == 1 && effects.completions.count == 2)
        #expect(try #require(machine.lease.deadline) < now)
        _ = machine.submit(call(.sync, at: now))
        _ = machine.takeWritable(at: now)
        _ = machine.received([reply(4, zxid: 6)], at: now + .milliseconds(1))
        if rule == .ensemble {
            // A follower may not have told the leader of us for as long as we were silent.
            #expect(try #require(machine.lease.deadline) < now)
        } else {
            #expect(try #require(machine.lease.deadline) > now)
        }
    }

    @Test func onAnEnsembleTakingUpASessionIsNoRenewal() throws {
        var machine = machine(rule: .ensemble)
        connected(&machine, at: start)
        let before = try #require(machine.lease.deadline)
        _ = machine.connectionLost(at: start + .seconds(1))
        connected(&machine, at: start + .seconds(2))
        #expect(machine.lease.deadline == before)
    }

    /// A server that stood still answers the handshakes that have gathered at it. On such a connection the lease would count
    /// from the handshake until a tick later, though the server is there and well.
    @Test func aSessionTakenUpAgainLateIsAskedForOnceMore() throws {
        var machine = ensembleMachine(timeout: 6)
        _ = machine.takeGranted()
        _ = machine.connectionLost(at: start)
        let waiting = call(.sync, at: start)
        expect(machine.submit(waiting) == nil)
        _ = machine.connectionOpened(at: start)
        let late = machine.received([granted()], at: start + .milliseconds(2001))
        #expect(late.close == .handshakeOutdated && late.write == nil && late.states.isEmpty)
        #expect(late.completions.isEmpty, "what waits goes on waiting")
        expect(machine.takeGranted() == false)
        expect(machine.takeGrantedLate() && !machine.takeGrantedLate())
        _ = machine.connectionLost(at: start + .milliseconds(2001))
        let now = start + .milliseconds(2020)
        var write = try #require(machine.connectionOpened(at: now).write)
        var frame = try #require(try Frame.decode(from: &write))
        #expect(try ConnectRequest(from: &frame).sessionID == 7)
        let effects = machine.received([granted()], at: now)
        #expect(machine.phase == .established && effects.close == nil)
        let xid = try #require(try requests(effects.write).first).xid
        _ = machine.received([reply(xid)], at: now)
        #expect(try #require(machine.lease.deadline) > now + .seconds(5))
    }

    @Test func aServerThatIsAlwaysLateIsTakenAsItIs() {
        var machine = ensembleMachine(timeout: 6)
        var now = start
        for round in 0..<3 {
            _ = machine.connectionLost(at: now)
            for isSecond in [false, true] {
                _ = machine.connectionOpened(at: now)
                now += .seconds(3)
                let effects = machine.received([granted()], at: now)
                #expect((effects.close == nil) == isSecond, "\(round)")
                if !isSecond { _ = machine.connectionLost(at: now) }
            }
        }
    }

    /// With one server each answer renews the lease at once; and of a session that is new nobody has relied on anything.
    @Test func elsewhereALateGrantIsAsGoodAsAnother() {
        var alone = machine(rule: .standalone)
        connected(&alone, at: start)
        _ = alone.connectionLost(at: start)
        _ = alone.connectionOpened(at: start)
        #expect(alone.received([granted()], at: start + .seconds(5)).close == nil)
        var new = machine(rule: .ensemble)
        _ = new.connectionOpened(at: start)
        #expect(new.received([granted()], at: start + .seconds(5)).close == nil)
    }

    /// Sends one request and has it answered `delay` later.
    private func exchange(
        _ machine: inout SessionMachine, _ operation: OperationCode = .getData, at now: Moment, delay: Duration = .zero
    ) {
        expect(machine.submit(call(operation, at: now)) == nil)
        _ = machine.takeWritable(at: now)
        _ = machine.received([reply(machine.lastXid)], at: now + delay)
    }

    private func ensembleMachine(timeout: Int) -> SessionMachine {
        var machine = machine(rule: .ensemble, timeout: .seconds(timeout))
        _ = machine.connectionOpened(at: start - .seconds(timeout))
        _ = machine.received([granted(timeout: Int32(timeout * 1000))], at: start - .seconds(timeout))
        return machine
    }

    /// A follower has told the leader of us after the last packet before a silence, and the link to it is cut before it
    /// tells again: however many packets came after the silence, the leader counts from the one before.
    @Test(arguments: [(40, 13.28), (10, 6.0)])
    func packetsAfterASilenceDoNotMakeItForgotten(_ timeout: Int, _ silence: Double) throws {
        var machine = ensembleMachine(timeout: timeout)
        exchange(&machine, at: start)
        let end = start + .seconds(silence)
        let expiry = start + .seconds(timeout)
        for (index, operation) in [OperationCode.getData, .setData, .setData, .sync, .setData].enumerated() {
            exchange(&machine, operation, at: end + .milliseconds(10 * index), delay: .milliseconds(2))
            #expect(try #require(machine.lease.deadline) <= expiry)
        }
        // A tick later the leader knows of them.
        exchange(&machine, .sync, at: end + .milliseconds(2100))
        #expect(try #require(machine.lease.deadline) > expiry)
    }

    /// As before; this time it is the network that was silent: what was sent in time came late, all at once.
    @Test func packetsThatWereHeldUpOnTheirWayProveNothingOfTheTimeBefore() throws {
        var machine = ensembleMachine(timeout: 10)
        exchange(&machine, at: start)
        let moments = (1...10).map { start + .milliseconds(500 * $0) }
        for moment in moments {
            expect(machine.submit(call(.setData, at: moment)) == nil)
            _ = machine.takeWritable(at: moment)
        }
        _ = machine.received((2...11).map { reply($0) }, at: start + .milliseconds(5001))
        #expect(try #require(machine.lease.deadline) <= start + .seconds(10))
    }

    @Test func syncsEverySixthWhileSomebodyReliesOnTheLease() throws {
        var machine = machine(rule: .ensemble)
        connected(&machine, at: start)
        machine.leaseUsers = 1
        var syncs = 0
        var now = start
        for _ in 0..<120 {
            now += .milliseconds(50)
            let headers = try requests(machine.tick(at: now).write)
            for header in headers {
                #expect(header.operation == .sync)
                syncs += 1
                _ = machine.received([reply(header.xid)], at: now)
            }
            #expect(try #require(machine.lease.deadline) > now)
        }
        #expect((6...8).contains(syncs), "\(syncs) in one session timeout")
    }

    @Test func aProcessThatWasNotRunLooksBeforeItGivesTheServerUp() {
        var machine = machine()
        connected(&machine, at: start)
        // Five seconds without a tick: an answer may wait in the socket.
        expect(machine.tick(at: start + .seconds(5)).close == nil)
        expect(machine.tick(at: start + .milliseconds(5050)).close == nil)
        expect(machine.tick(at: start + .milliseconds(5100)).close == .readTimeout)
        _ = machine.connectionLost(at: start)
    }

    @Test func pingsWhenIdleAndGivesUpWhenNothingIsHeard() throws {
        var machine = machine()
        connected(&machine, at: start)
        var pings: [Duration] = []
        var givenUp: Duration?
        var now = start
        while givenUp == nil, now < start + .seconds(10) {
            now += .milliseconds(50)
            let effects = machine.tick(at: now)
            if effects.write != nil {
                #expect(try requests(effects.write).map(\.xid) == [ReservedXid.ping])
                pings.append(now - start)
            }
            if effects.close == .readTimeout { givenUp = now - start }
        }
        #expect(pings == [.milliseconds(1950), .milliseconds(3900)])
        #expect(givenUp == .seconds(4))
    }

    @Test func deadlinesCountForWhatWaitsAndForWhatWasSent() {
        var machine = machine(timeout: .seconds(60))
        let sent = call(at: start)
        _ = machine.submit(sent)
        _ = machine.connectionOpened(at: start)
        _ = machine.received([granted(timeout: 60_000)], at: start)
        let effects = machine.tick(at: start + .seconds(5))
        #expect(effects.completions.count == 1)
        // Its answer still counts when it comes.
        expect(machine.received([reply(1)], at: start + .seconds(6)).close == nil)
        _ = machine.connectionLost(at: start)
        _ = machine.submit(call(at: start))
        expect(machine.tick(at: start + .seconds(5)).completions.count == 1)
        #expect(machine.queue.isEmpty && machine.outstandingBytes == 0)
    }

    @Test func aCancelledRequestThatHasNotLeftNeverLeaves() throws {
        var machine = machine()
        let cancelled = call(at: start)
        _ = machine.submit(cancelled)
        cancelled.finish(.failure(CancellationError()))
        connected(&machine, at: start)
        #expect(machine.inFlight.isEmpty && machine.queue.isEmpty && machine.outstandingBytes == 0)
    }

    /// The server has armed it, and nobody here would ever see what it tells.
    @Test func aStayingWatchWhoseCallerHasGoneIsRemoved() throws {
        var machine = machine()
        connected(&machine, at: start)
        func add() -> PendingCall {
            let buffer = PersistentWatchBuffer(path: "/p", limit: 10)
            let call = call(.addWatch, path: "/p", arming: .persistent(.persistent, buffer), at: start)
            _ = machine.submit(call)
            _ = machine.takeWritable(at: start)
            return call
        }
        let cancelled = [add(), add()]
        for call in cancelled { call.finish(.failure(CancellationError())) }
        // Not while another one is to be armed there: it would be removed as well.
        expect(machine.received([reply(1)], at: start).write == nil)
        let effects = machine.received([reply(2)], at: start)
        #expect(try requests(effects.write).map(\.operation) == [.removeWatches])
        expect(machine.received([reply(3)], at: start).close == nil)
        _ = add()
        expect(machine.received([reply(4)], at: start).write == nil)
        #expect(machine.watches.persistentBuffers.count == 1)
        let another = add()
        another.finish(.failure(CancellationError()))
        expect(machine.received([reply(5)], at: start).write == nil)
    }

    @Test func refusesMoreThanTheLimit() {
        var machine = machine(limit: 2)
        expect(machine.submit(call(at: start)) == nil)
        expect(machine.submit(call(at: start)) == nil)
        expect(machine.submit(call(at: start))?.code == .tooManyRequests)
    }

    @Test func armsWatchesAgainInChunks() throws {
        var machine = machine(rearmLimit: 100)
        for index in 0..<50 {
            let slot = WatchSlot(path: "/node-\(100 + index)")
            machine.watches.answered(.oneShot(.getData, slot), error: .ok)
        }
        _ = machine.connectionOpened(at: start)
        var write = try #require(machine.received([granted()], at: start).write)
        var seen: Set<String> = []
        var chunks = 0
        while var frame = try Frame.decode(from: &write) {
            #expect(
                try RequestHeader(from: &frame) == RequestHeader(xid: ReservedXid.setWatches, operation: .setWatches))
            #expect(frame.readableBytes < 150)
            let request = try SetWatchesRequest(from: &frame)
            seen.formUnion(request.dataWatches)
            chunks += 1
        }
        #expect(seen.count == 50 && chunks > 5)
    }

    @Test func serversThatHangUpForVeryLongCostTheSession() {
        var machine = machine()
        machine.lastZxid = 1000
        connected(&machine, at: start)
        _ = machine.connectionLost(at: start)
        var now = start
        var hangUps = 0
        while machine.session != nil, hangUps < 1000 {
            now += .milliseconds(500)
            _ = machine.connectionOpened(at: now)
            _ = machine.connectionLost(at: now)
            hangUps += 1
        }
        #expect(now - start > .seconds(59) && now - start < .seconds(62))
        #expect(machine.lastZxid == 0)
    }

    @Test func closesTheSessionAndRefusesEverythingAfterwards() throws {
        var machine = machine()
        connected(&machine, at: start)
        let waiting = call(at: start)
        _ = machine.submit(waiting)
        let effects = machine.close(at: start, patience: .seconds(1))
        #expect(try requests(effects.write).map(\.operation) == [.closeSession])
        #expect(effects.completions.count == 1)
        expect(machine.submit(call(at: start))?.code == .clientClosed)
        expect(machine.received([reply(1)], at: start).close == .closed)
        expect(machine.connectionLost(at: start).states == [.closed])
        #expect(machine.state == .closed && machine.lease.deadline == nil)
    }

    /// From the moment on when the session is to be ended its nodes may be somebody else's.
    @Test func nothingIsProvedOnceTheSessionIsToEnd() throws {
        var machine = machine()
        connected(&machine, at: start)
        #expect(machine.submit(call(at: start)) == nil)
        _ = machine.takeWritable(at: start)
        #expect(machine.lease.deadline != nil)
        _ = machine.close(at: start, patience: .seconds(1))
        #expect(machine.lease.deadline == nil)
        _ = machine.received([reply(1)], at: start + .milliseconds(1))
        #expect(machine.lease.deadline == nil, "an answer does not bring it back")
    }

    @Test func pausesWhileManyAreOnTheirWayAndAnswersTakeLong() throws {
        var machine = machine(limit: 1000)
        connected(&machine, at: start)
        for _ in 0..<100 { #expect(machine.submit(call(at: start)) == nil) }
        _ = machine.takeWritable(at: start)
        #expect(machine.pause == nil, "nothing has been answered yet")
        _ = machine.received([reply(1)], at: start + .milliseconds(8))
        #expect(machine.pause == .microseconds(500), "a sixteenth of what the answer took")
        _ = machine.received([reply(2)], at: start + .seconds(1))
        #expect(machine.pause == .milliseconds(1), "never longer")
        _ = machine.received((3...36).map { reply($0) }, at: start + .seconds(1))
        #expect(machine.inFlight.count == 64 && machine.pause != nil)
        _ = machine.received([reply(37)], at: start + .seconds(1))
        #expect(machine.pause == nil, "few are left")
    }

    @Test func doesNotPauseWhenAnswersComeFast() {
        var machine = machine(limit: 1000)
        connected(&machine, at: start)
        for _ in 0..<100 { #expect(machine.submit(call(at: start)) == nil) }
        _ = machine.takeWritable(at: start)
        _ = machine.received([reply(1)], at: start + .microseconds(700))
        #expect(machine.pause == nil)
    }

    @Test func numbersOfRequestsWrapToOne() throws {
        var machine = machine()
        connected(&machine, at: start)
        machine.lastXid = .max - 1
        for _ in 0..<2 { _ = machine.submit(call(at: start)) }
        expect(try requests(machine.takeWritable(at: start).write).map(\.xid) == [.max, 1])
    }
}

/// `#expect` cannot call mutating methods; this can.
func expect(_ condition: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(condition, sourceLocation: sourceLocation)
}
