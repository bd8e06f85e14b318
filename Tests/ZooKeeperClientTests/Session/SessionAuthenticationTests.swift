import NIOCore
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Session machine: passwords, TLS failures and sessions that are kept")
struct SessionAuthenticationTests {
    private let start = Moment.now

    private func machine(_ change: (inout SessionMachine.Settings) -> Void) -> SessionMachine {
        var settings = SessionMachine.Settings(
            sessionTimeout: .seconds(6), requestTimeout: .seconds(5), serverCount: 1)
        change(&settings)
        return SessionMachine(settings: settings, now: start)
    }

    private func withPassword() -> SessionMachine {
        machine {
            $0.auth = [AuthPacket(scheme: "digest", auth: [1])]
            $0.sasl = SASLCredentials(user: "plant", password: "secret")
        }
    }

    private func call() -> PendingCall {
        .request(.getData, path: "/a", deadline: start + .seconds(5)) {
            PathWatchRequest(path: "/a", watch: false).write(into: &$0)
        }
    }

    private func granted() -> ByteBuffer {
        var buffer = ByteBuffer()
        ConnectResponse(timeoutMilliseconds: 6000, sessionID: 7, password: [UInt8](repeating: 9, count: 16))
            .write(into: &buffer)
        return buffer
    }

    private func reply(_ xid: Int32, _ error: ErrorCode = .ok, token: [UInt8]? = nil) -> ByteBuffer {
        var buffer = ByteBuffer()
        ReplyHeader(xid: xid, zxid: 1, error: error).write(into: &buffer)
        if let token { SASLToken(token: token).write(into: &buffer) }
        return buffer
    }

    /// What a write contains: headers, and the token of the first request when it is SASL's.
    private func read(_ write: ByteBuffer?) throws -> (operations: [OperationCode?], xids: [Int32], token: [UInt8]) {
        guard var write else { return ([], [], []) }
        var headers: [RequestHeader] = []
        var token: [UInt8] = []
        while var frame = try Frame.decode(from: &write) {
            headers.append(try RequestHeader(from: &frame))
            if headers.last?.operation == .sasl { token = try SASLToken(from: &frame).token ?? [] }
        }
        return (headers.map(\.operation), headers.map(\.xid), token)
    }

    @Test func nothingElseLeavesBeforeBothSidesHaveProvedThePassword() throws {
        var machine = withPassword()
        expect(machine.submit(call()) == nil)
        _ = machine.connectionOpened(at: start)
        let granting = machine.received([granted()], at: start)
        let empty = try read(granting.write)
        #expect(empty.operations == [.sasl] && empty.token.isEmpty && granting.states.isEmpty)
        expect(machine.takeWritable(at: start).write == nil)

        var server = DigestMD5Server(nonce: "n0nce")
        guard case .challenge(let challenge) = server.receive(empty.token, password: { _ in nil }) else {
            Issue.record("no challenge")
            return
        }
        let response = try read(machine.received([reply(empty.xids[0], token: challenge)], at: start).write)
        #expect(response.operations == [.sasl] && response.xids == [empty.xids[0] + 1])
        let action = server.receive(response.token, password: { $0 == "plant" ? "secret" : nil })
        guard case .authenticated(_, let proof) = action else {
            Issue.record("\(action)")
            return
        }
        let done = machine.received([reply(response.xids[0], token: proof)], at: start)
        #expect(done.states.count == 1 && machine.phase == .established)
        #expect(try read(done.write).operations == [.auth, .getData])
    }

    @Test func aServerThatCannotProveThePasswordIsNotBelieved() throws {
        var machine = withPassword()
        _ = machine.connectionOpened(at: start)
        let first = try read(machine.received([granted()], at: start).write)
        var server = DigestMD5Server(nonce: "n0nce")
        guard case .challenge(let challenge) = server.receive([], password: { _ in nil }) else { return }
        let second = try read(machine.received([reply(first.xids[0], token: challenge)], at: start).write)
        let effects = machine.received([reply(second.xids[0], token: "rspauth=0123".bytes)], at: start)
        guard case .authenticationRefused(.authFailed, _)? = effects.close else {
            Issue.record("saw \(String(describing: effects.close))")
            return
        }
    }

    @Test(arguments: [ErrorCode.authFailed, .systemError])
    func aRefusedPasswordIsNamedAsSuch(_ code: ErrorCode) throws {
        var machine = withPassword()
        _ = machine.connectionOpened(at: start)
        let first = try read(machine.received([granted()], at: start).write)
        let effects = machine.received([reply(first.xids[0], code)], at: start)
        guard case .authenticationRefused(.authFailed, _)? = effects.close else {
            Issue.record("saw \(String(describing: effects.close))")
            return
        }
    }

    @Test func aServerThatNeverAnswersATokenIsGivenUp() {
        var machine = withPassword()
        _ = machine.connectionOpened(at: start)
        _ = machine.received([granted()], at: start)
        expect(machine.tick(at: start + .seconds(5)).close == nil)
        expect(machine.tick(at: start + .seconds(7)).close == .connectTimeout)
        expect(machine.phase == .disconnected)
    }

    @Test func failuresOfTLSDoNotCostTheSessionHoweverLongTheyLast() {
        var machine = machine { _ in }
        _ = machine.connectionOpened(at: start)
        _ = machine.received([granted()], at: start)
        machine.lastZxid = 5
        _ = machine.connectionLost(at: start)
        for second in 0..<200 {
            let now = start + .seconds(second)
            _ = machine.connectionOpened(at: now)
            _ = machine.connectionLost(at: now, byServer: false)
        }
        #expect(machine.session?.id == 7)
    }

    @Test func aSessionThatIsKeptIsNotClosedButWhatIsInFlightIsWaitedFor() throws {
        var machine = machine { $0.keepsSessionAtEnd = true }
        _ = machine.connectionOpened(at: start)
        _ = machine.received([granted()], at: start)
        expect(machine.submit(call()) == nil)
        _ = machine.takeWritable(at: start)
        let closing = machine.close(at: start, patience: .seconds(2))
        expect(closing.write == nil && closing.close == nil)
        let answered = machine.received([reply(1, .noNode)], at: start)
        expect(answered.completions.count == 1 && answered.close == .closed)
        _ = machine.connectionLost(at: start)
        expect(machine.phase == .closed && machine.session?.id == 7)
    }

    /// The last release of a lock, say: nobody would repeat it for a session that lives on.
    @Test func whatWasSubmittedForASessionThatIsKeptIsStillSent() throws {
        var machine = machine { $0.keepsSessionAtEnd = true }
        _ = machine.connectionOpened(at: start)
        _ = machine.received([granted()], at: start)
        expect(machine.submit(call()) == nil)
        let closing = machine.close(at: start, patience: .seconds(2))
        expect(closing.write != nil && closing.completions.isEmpty && closing.close == nil)
        expect(machine.received([reply(1)], at: start).close == .closed)
    }

    @Test func aSessionThatIsKeptEndsAtOnceWhenNothingIsInFlight() {
        var machine = machine { $0.keepsSessionAtEnd = true }
        _ = machine.connectionOpened(at: start)
        _ = machine.received([granted()], at: start)
        expect(machine.close(at: start, patience: .seconds(2)).close == .closed)
    }
}
