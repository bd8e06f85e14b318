import DequeModule
import NIOCore
import Primitives
import ZooKeeperProtocol

/// The client's side of a session, over any number of connections, as a value without I/O.
///
/// Phases and their exits:
/// - `disconnected`: no connection. → `handshaking` when one opens, `closed` when the client ends.
/// - `handshaking`: the connect request is out. → `established` when a session is granted (by way of `authenticating`
///   when this client has a password), `disconnected` when the connection goes, the deadline passes, the session is granted
///   so late that it is asked for once more, or the server says that the session has expired.
/// - `authenticating`: the session is granted; nothing else is sent before the server has accepted the password. →
///   `established`, or `disconnected` when the connection goes or the deadline passes.
/// - `established`: requests flow. → `disconnected` when the connection goes or stays silent, `closing` on request.
/// - `closing`: closeSession is out. → `closed` with the connection.
/// - `closed`: the end; every call fails.
///
/// Inputs are methods that take the time as an argument and return ``Effects``.
struct SessionMachine {
    enum Phase: Hashable {
        case disconnected
        case handshaking(sentAt: Moment, deadline: Moment)
        case authenticating(deadline: Moment)
        case established
        case closing(deadline: Moment)
        case closed
    }

    struct Settings: Sendable {
        var sessionTimeout: Duration
        var requestTimeout: Duration
        var serverCount: Int
        var auth: [AuthPacket] = []
        var sasl: SASLCredentials?
        var keepsSessionAtEnd = false
        /// Numbers used once, for SASL.
        var makeNonce: @Sendable () -> String = { DigestMD5.randomNonce() }
        var maxOutstandingRequests = 10_000
        var maxOutstandingBytes = 64 << 20
        var leaseRule = LeaseRule.ensemble
        var serverTick = Duration.seconds(2)
        /// How often ``SessionMachine/tick(at:)`` is called; timers fire early rather than late by this.
        var tickInterval = Duration.milliseconds(50)
        /// How many requests must be on their way for ``SessionMachine/pause``.
        var pausingRequests = 64
        /// Bytes of paths in one request that arms watches again.
        var rearmLimit = 128 * 1024
    }

    /// A request that was written and not answered.
    struct InFlight {
        var xid: Int32
        /// Nil for the client's own requests.
        var call: PendingCall?
        var operation: OperationCode
        var sentAt: Moment
        /// When the newest packet was sent of which an ensemble's leader knows when it sees this one.
        var reported: Moment?
        var bytes: Int
    }

    private(set) var settings: Settings
    var phase = Phase.disconnected
    private(set) var session: SessionInfo?
    /// While the phase is `authenticating`.
    var authentication: Authentication?
    /// Why the machine ends, for the calls that it fails.
    var endReason = (code: ErrorCode.clientClosed, message: "")
    /// What a call is told that never found a connection.
    var lastFailure: ConnectionFailure?
    var lastZxid: Int64 = 0
    var watches = WatchRegistry()
    var lease: LeaseClock
    /// How many elections, locks and the like rely on the lease; while any does, it is kept fresh.
    var leaseUsers = 0

    var queue: Deque<PendingCall> = []
    var inFlight: Deque<InFlight> = []
    var outstandingBytes = 0
    var lastXid: Int32 = 0

    private var lastReceived: Moment
    private var lastSent: Moment
    private var lastTick: Moment
    private var lastLeaderRequest: Moment
    private var pings: Deque<Moment> = []
    private var contacts = ContactHistory()
    /// Answers to setWatches that are missing. Until they are here, events of the time without connection may be on
    /// their way, so nothing renews the lease: an ownership node may be gone without our knowing.
    private var rearmsPending = 0
    private var heldRenewals: [(sentAt: Moment, evidence: LeaseClock.Evidence)] = []
    /// When a server last answered a handshake, and how many have hung up on one since.
    private var lastAnswer: Moment
    private var refusals = 0
    private var wasGranted = false
    /// Whether the last handshake was given up because its answer was old.
    private var hasRepeatedHandshake = false
    private var wasGrantedLate = false
    /// How long the newest answer took.
    private var lastLatency = Duration.zero

    init(settings: Settings, resuming credentials: SessionCredentials? = nil, now: Moment) {
        self.settings = settings
        lease = LeaseClock(rule: settings.leaseRule)
        lastReceived = now
        lastSent = now
        lastTick = now
        lastLeaderRequest = now
        lastAnswer = now
        if let credentials {
            session = SessionInfo(
                id: credentials.id, password: credentials.password, negotiatedTimeout: settings.sessionTimeout)
            lastZxid = credentials.lastZxid
        }
    }

    /// The public state that the phase amounts to.
    var state: ConnectionState {
        switch phase {
        case .disconnected, .handshaking, .authenticating: session.map(ConnectionState.suspended) ?? .connecting
        case .established, .closing: session.map(ConnectionState.connected) ?? .connecting
        case .closed: .closed
        }
    }

    /// How long one server gets for connection and handshake.
    var connectTimeout: Duration {
        let timeout = session?.negotiatedTimeout ?? settings.sessionTimeout
        return max(.milliseconds(200), timeout / max(1, settings.serverCount))
    }

    /// Whether no more requests are taken.
    var isClosed: Bool {
        switch phase {
        case .closing, .closed: true
        case .disconnected, .handshaking, .authenticating, .established: false
        }
    }

    /// How long the connection may be left alone now.
    ///
    /// With many requests on their way and the answers dripping in one by one, waking up for each of them costs more than
    /// everything else, here and at the server, which gets the next requests one by one in turn. So after each read that
    /// leaves many unanswered there is a pause, short beside the time that answers take anyway, for more to gather.
    var pause: Duration? {
        guard phase == .established, inFlight.count >= settings.pausingRequests else { return nil }
        let pause = min(lastLatency / 16, .milliseconds(1))
        return pause >= .microseconds(50) ? pause : nil
    }

    private var negotiatedTimeout: Duration { session?.negotiatedTimeout ?? settings.sessionTimeout }

    // MARK: Requests

    /// A caller has a request.
    ///
    /// - Returns: An error when it is refused at once; otherwise it is queued.
    mutating func submit(_ call: PendingCall) -> ZooKeeperError? {
        switch phase {
        case .closing, .closed: return call.error(endReason.code, endReason.message)
        case .disconnected, .handshaking, .authenticating, .established: break
        }
        guard queue.count + inFlight.count < settings.maxOutstandingRequests else {
            return call.error(.tooManyRequests, "\(settings.maxOutstandingRequests) requests are waiting already")
        }
        guard outstandingBytes + call.frame.readableBytes <= settings.maxOutstandingBytes else {
            return call.error(.tooManyRequests, "\(settings.maxOutstandingBytes) bytes of requests are waiting already")
        }
        outstandingBytes += call.frame.readableBytes
        queue.append(call)
        return nil
    }

    /// Everything that can be written now, as one buffer.
    mutating func takeWritable(at now: Moment) -> Effects {
        var effects = Effects()
        guard phase == .established, !queue.isEmpty else { return effects }
        var out = ByteBuffer()
        out.reserveCapacity(min(outstandingBytes, 1 << 20))
        let reported = contacts.reported(at: now)
        while let call = queue.popFirst() {
            if call.isFinished {
                outstandingBytes -= call.frame.readableBytes
                continue
            }
            let xid = nextXid()
            let start = out.writerIndex
            out.writeImmutableBuffer(call.frame)
            // Behind the length of the frame.
            out.setInteger(xid, at: start + 4)
            inFlight.append(
                InFlight(
                    xid: xid, call: call, operation: call.operation, sentAt: now, reported: reported,
                    bytes: call.frame.readableBytes))
            if call.operation.needsLeader { lastLeaderRequest = now }
        }
        guard out.readableBytes > 0 else { return effects }
        noteSent(at: now)
        effects.write = out
        return effects
    }

    mutating func noteSent(at now: Moment) { lastSent = now }

    mutating func nextXid() -> Int32 {
        lastXid = lastXid == Int32.max ? 1 : lastXid + 1
        return lastXid
    }

    // MARK: Connections

    /// As whom the next connection comes in.
    mutating func setCredentials(_ auth: [AuthPacket], _ sasl: SASLCredentials?) {
        settings.auth = auth
        settings.sasl = sasl
    }

    /// A connection to a server is open.
    mutating func connectionOpened(at now: Moment) -> Effects {
        var effects = Effects()
        guard phase == .disconnected else {
            effects.close = .closed
            return effects
        }
        phase = .handshaking(sentAt: now, deadline: now + connectTimeout)
        let request = ConnectRequest(
            lastZxidSeen: lastZxid, timeoutMilliseconds: Int32(clamping: settings.sessionTimeout.wholeMilliseconds),
            sessionID: session?.id ?? 0, password: session?.password ?? [UInt8](repeating: 0, count: 16))
        var out = ByteBuffer()
        Frame.write(into: &out) { request.write(into: &$0) }
        lastSent = now
        lastReceived = now
        effects.write = out
        return effects
    }

    /// Frames arrived, in this order.
    mutating func received(_ frames: [ByteBuffer], at now: Moment) -> Effects {
        var effects = Effects()
        lastReceived = now
        for var frame in frames {
            do {
                switch phase {
                case .handshaking(let sentAt, _):
                    handshakeAnswered(try ConnectResponse(from: &frame), sentAt: sentAt, at: now, &effects)
                case .authenticating:
                    try authenticationAnswered(&frame, at: now, &effects)
                case .established, .closing:
                    try replyReceived(&frame, at: now, &effects)
                case .disconnected, .closed:
                    break
                }
            } catch {
                effects.close = .protocolViolation("\(error)")
            }
            if effects.close != nil { break }
        }
        return effects
    }

    private mutating func handshakeAnswered(
        _ response: ConnectResponse, sentAt: Moment, at now: Moment,
        _ effects: inout Effects
    ) {
        lastAnswer = now
        refusals = 0
        guard response.timeoutMilliseconds > 0 else {
            effects.close = session == nil ? .protocolViolation("no session was granted") : .sessionExpired
            sessionEnded(&effects)
            phase = .disconnected
            return
        }
        let isNew = session?.id != response.sessionID
        let granted = SessionInfo(
            id: response.sessionID, password: response.password,
            negotiatedTimeout: .milliseconds(response.timeoutMilliseconds))
        session = granted
        if !isNew, provesTooLittle(sentAt, granted, at: now), !hasRepeatedHandshake {
            hasRepeatedHandshake = true
            wasGrantedLate = true
            effects.close = .handshakeOutdated
            phase = .disconnected
            return
        }
        hasRepeatedHandshake = false
        if let credentials = settings.sasl {
            beginAuthentication(credentials, connectSentAt: sentAt, isNew: isNew, at: now, &effects)
        } else {
            establish(granted, connectSentAt: sentAt, isNew: isNew, at: now, &effects)
        }
    }

    /// Whether a handshake is so old that the lease would have lapsed, or nearly, before answers on its connection count.
    ///
    /// A server that has stood still answers what was sent to it meanwhile. With an ensemble the lease counts from the
    /// handshake for a tick; another handshake, of now, gives it whole at once. A server that is always as slow would never
    /// be good enough, so this is done once in a row.
    private func provesTooLittle(_ sentAt: Moment, _ granted: SessionInfo, at now: Moment) -> Bool {
        settings.leaseRule == .ensemble && now - sentAt > granted.negotiatedTimeout / 3
    }

    /// From here on requests flow: first what a new connection must be told, then what has waited.
    mutating func establish(
        _ granted: SessionInfo, connectSentAt sentAt: Moment, isNew: Bool,
        at now: Moment, _ effects: inout Effects
    ) {
        phase = .established
        wasGranted = true
        effects.states.append(.connected(granted))
        lastLeaderRequest = now - granted.negotiatedTimeout

        var out = ByteBuffer()
        for packet in settings.auth {
            Frame.write(into: &out) { out in
                RequestHeader(xid: ReservedXid.auth, operation: .auth).write(into: &out)
                packet.write(into: &out)
            }
        }
        let rearms = watches.rearmRequests(relativeTo: lastZxid, limit: settings.rearmLimit)
        for request in rearms {
            Frame.write(into: &out) { out in
                RequestHeader(xid: ReservedXid.setWatches, operation: request.operation).write(into: &out)
                request.write(into: &out)
            }
        }
        // Whoever reads on account of the gap reads behind the arming, so nothing falls between.
        for buffer in watches.persistentBuffers { effects.elements.append((buffer, .gap)) }
        rearmsPending = rearms.count
        heldRenewals.removeAll()
        lease.sessionGranted(timeout: granted.negotiatedTimeout, isNew: isNew)
        // A server grants no timeout below two ticks, so a tick is at most half of it.
        contacts.begin(sentAt: sentAt, tick: min(settings.serverTick, granted.negotiatedTimeout / 2))
        renew(sentAt: sentAt, isNew ? .leader(reported: sentAt) : .answer)
        if out.readableBytes > 0 { noteSent(at: now) }

        // What waited goes out behind them in the same write.
        let waiting = takeWritable(at: now)
        if var write = waiting.write { out.writeBuffer(&write) }
        if out.readableBytes > 0 { effects.write = out }
    }

    private mutating func replyReceived(
        _ frame: inout ByteBuffer, at now: Moment, _ effects: inout Effects
    ) throws {
        let header = try ReplyHeader(from: &frame)
        switch header.xid {
        case ReservedXid.watchEvent:
            effects.deliver(watches.deliver(try WatchEvent(from: &frame, zxid: header.zxid)))
        case ReservedXid.ping:
            if let sentAt = pings.popFirst() { renew(sentAt: sentAt, .answer) }
        case ReservedXid.auth:
            if header.error != .ok {
                effects.close = .authenticationRefused(header.error, "it refuses the credentials")
            }
        case ReservedXid.setWatches:
            guard header.error == .ok else {
                // Some watches may not be armed, so what happens from here on would not be told.
                effects.close = .protocolViolation("the watches are not armed again: \(header.error)")
                return
            }
            rearmsPending -= 1
            guard rearmsPending == 0 else { return }
            for held in heldRenewals { lease.renew(sentAt: held.sentAt, held.evidence) }
            heldRenewals.removeAll()
        default:
            guard let request = inFlight.first, request.xid == header.xid else {
                effects.close = .protocolViolation(
                    "answer to request \(header.xid), expected \(inFlight.first.map { "\($0.xid)" } ?? "none")")
                return
            }
            inFlight.removeFirst()
            outstandingBytes -= request.bytes
            lastLatency = now - request.sentAt
            answered(request, header, frame, &effects)
        }
    }

    private mutating func answered(
        _ request: InFlight, _ header: ReplyHeader, _ body: ByteBuffer, _ effects: inout Effects
    ) {
        if header.zxid > 0 { lastZxid = max(lastZxid, header.zxid) }
        var evidence = LeaseClock.Evidence.answer
        if request.operation.needsLeader, header.error.isFromLeader, let reported = request.reported {
            evidence = .leader(reported: reported)
        }
        renew(sentAt: request.sentAt, evidence)
        if request.operation == .closeSession || isClosing && settings.keepsSessionAtEnd && inFlight.isEmpty {
            effects.close = .closed
        }
        guard let call = request.call else { return }
        if let arming = call.arming {
            if call.isFinished {
                if header.error == .ok { removeUnneeded(arming, &effects) }
            } else {
                watches.answered(arming, error: header.error)
            }
        }
        effects.completions.append(
            (call, .success(PendingCall.Reply(zxid: header.zxid, error: header.error, body: body))))
    }

    /// Nobody waits for the answer that armed a watch: one that stays would go on telling nobody.
    private mutating func removeUnneeded(_ arming: WatchArming, _ effects: inout Effects) {
        guard case .persistent = arming, phase == .established, !watches.isNeeded(arming.path),
            !isArming(arming.path)
        else { return }
        let request = ownRequest(.removeWatches, at: lastReceived) {
            WatcherTypeRequest(path: arming.path, type: .any).write(into: &$0)
        }
        if effects.write == nil {
            effects.write = request
        } else {
            effects.write?.writeImmutableBuffer(request)
        }
    }

    private var isClosing: Bool {
        if case .closing = phase { true } else { false }
    }

    private mutating func renew(sentAt: Moment, _ evidence: LeaseClock.Evidence) {
        if settings.leaseRule == .ensemble { contacts.answered(sentAt: sentAt, at: lastReceived) }
        guard !isClosing || settings.keepsSessionAtEnd else { return }
        guard rearmsPending == 0 else {
            heldRenewals.append((sentAt, evidence))
            return
        }
        lease.renew(sentAt: sentAt, evidence)
    }

    /// Whether a session was granted since this was asked last.
    mutating func takeGranted() -> Bool {
        defer { wasGranted = false }
        return wasGranted
    }

    /// Whether a session was given up since this was asked last, to be asked for once more: of the same server, at once, because
    /// it is there.
    mutating func takeGrantedLate() -> Bool {
        defer { wasGrantedLate = false }
        return wasGrantedLate
    }

    /// The connection is gone.
    ///
    /// - Parameter byServer: False when it never came to ZooKeeper's own protocol (TLS failed): then a loss during the
    ///   handshake does not mean that the server refuses the session.
    mutating func connectionLost(at now: Moment, byServer: Bool = true) -> Effects {
        var effects = Effects()
        pings.removeAll()
        rearmsPending = 0
        heldRenewals.removeAll()
        switch phase {
        case .disconnected, .closed:
            break
        case .handshaking:
            phase = .disconnected
            guard byServer else { break }
            refusals += 1
            giveUpUnusableSession(at: now, &effects)
        case .authenticating:
            phase = .disconnected
            authentication = nil
        case .established:
            phase = .disconnected
            if let session { effects.states.append(.suspended(session)) }
        case .closing:
            end(&effects)
        }
        failInFlight(.connectionLoss, &effects)
        return effects
    }

    /// Servers that hang up on the handshake say that they are behind what this client has seen. When all do so for so
    /// long that the session cannot matter any more (the tree was restored from a backup or wiped), a fresh session
    /// that has seen nothing is the only way back.
    private mutating func giveUpUnusableSession(at now: Moment, _ effects: inout Effects) {
        let patience = max(.seconds(60), negotiatedTimeout * 10)
        guard lastZxid > 0, refusals >= 3 * settings.serverCount, now - lastAnswer > patience else { return }
        sessionEnded(&effects)
    }

    private mutating func sessionEnded(_ effects: inout Effects) {
        lease.sessionEnded()
        lastZxid = 0
        refusals = 0
        failInFlight(.sessionExpired, &effects)
        for call in queue { effects.fail(call, .sessionExpired) }
        queue.removeAll()
        outstandingBytes = 0
        for slot in watches.takeOneShots() { effects.triggers.append((slot, .sessionExpired)) }
        if let session { effects.states.append(.expired(session)) }
        session = nil
        effects.states.append(.connecting)
    }

    private mutating func failInFlight(_ code: ErrorCode, _ effects: inout Effects) {
        for request in inFlight {
            outstandingBytes -= request.bytes
            if let call = request.call { effects.fail(call, code) }
        }
        inFlight.removeAll()
    }

    // MARK: Time

    /// Time has passed: pings, timeouts, deadlines.
    mutating func tick(at now: Moment) -> Effects {
        var effects = Effects()
        let wasStarved = now - lastTick >= settings.tickInterval * 4
        lastTick = now
        expireCalls(at: now, &effects)
        switch phase {
        case .disconnected, .closed:
            break
        case .handshaking(_, let deadline), .authenticating(let deadline):
            if now >= deadline {
                // Not a refusal: that would be a server that hangs up.
                phase = .disconnected
                effects.close = .connectTimeout
            }
        case .closing(let deadline):
            if now >= deadline { effects.close = .closed }
        case .established:
            let timeout = negotiatedTimeout
            let readTimeout = timeout * 2 / 3
            if wasStarved {
                // It was us who did not look: what the server has sent meanwhile waits in the socket.
                lastReceived = max(lastReceived, now - readTimeout + settings.tickInterval * 2)
            }
            if now - lastReceived >= readTimeout {
                effects.close = .readTimeout
                return effects
            }
            if settings.leaseRule == .ensemble, leaseUsers > 0,
                now - lastLeaderRequest >= LeaseClock.renewalInterval(timeout) - settings.tickInterval
            {
                effects.write = ownRequest(.sync, at: now) { PathRequest(path: "/").write(into: &$0) }
            } else if now - lastSent >= timeout / 3 - settings.tickInterval {
                var out = ByteBuffer()
                Frame.write(into: &out) { RequestHeader(xid: ReservedXid.ping, operation: .ping).write(into: &$0) }
                pings.append(now)
                noteSent(at: now)
                effects.write = out
            }
        }
        return effects
    }

    private mutating func ownRequest(
        _ operation: OperationCode, at now: Moment, body: (inout ByteBuffer) -> Void
    ) -> ByteBuffer {
        let xid = nextXid()
        var out = ByteBuffer()
        Frame.write(into: &out) { out in
            RequestHeader(xid: xid, operation: operation).write(into: &out)
            body(&out)
        }
        inFlight.append(
            InFlight(
                xid: xid, call: nil, operation: operation, sentAt: now, reported: contacts.reported(at: now),
                bytes: 0))
        if operation.needsLeader { lastLeaderRequest = now }
        noteSent(at: now)
        return out
    }

    /// All calls have the same time to live, so each list is in order of deadlines (a few settled ones among them).
    private mutating func expireCalls(at now: Moment, _ effects: inout Effects) {
        while let call = queue.first, call.deadline <= now || call.isFinished {
            queue.removeFirst()
            outstandingBytes -= call.frame.readableBytes
            if call.isFinished { continue }
            effects.fail(
                call, .operationTimeout,
                "not sent: there is no connection" + (lastFailure.map { "; \($0)" } ?? ""))
        }
        for request in inFlight {
            guard let call = request.call else { continue }
            guard call.deadline <= now else { break }
            // It stays in the list: its answer may still come and must be counted.
            if !call.isFinished { effects.fail(call, .operationTimeout, "sent, and not answered") }
        }
    }

    // MARK: The end

    /// The client is to end: closes the session when there is a connection, and lets what is in flight be answered.
    mutating func close(at now: Moment, patience: Duration) -> Effects {
        var effects = Effects()
        switch phase {
        case .closing, .closed: return effects
        case .disconnected:
            end(&effects)
        case .handshaking, .authenticating:
            end(&effects)
            effects.close = .closed
        case .established:
            // What is about to be ended proves nothing more; and what was submitted for a session that stays is not lost.
            if settings.keepsSessionAtEnd { effects = takeWritable(at: now) } else { lease.sessionEnded() }
            phase = .closing(deadline: now + patience)
            if !settings.keepsSessionAtEnd {
                effects.write = ownRequest(.closeSession, at: now) { _ in }
            } else if inFlight.isEmpty {
                effects.close = .closed
            }
        }
        failQueue(&effects)
        return effects
    }

    private mutating func failQueue(_ effects: inout Effects) {
        for call in queue {
            outstandingBytes -= call.frame.readableBytes
            effects.fail(call, endReason.code, endReason.message)
        }
        queue.removeAll()
    }

    private mutating func end(_ effects: inout Effects) {
        phase = .closed
        lease.sessionEnded()
        failInFlight(.connectionLoss, &effects)
        failQueue(&effects)
        for slot in watches.takeOneShots() { effects.triggers.append((slot, .closed)) }
        for buffer in watches.persistentBuffers {
            effects.endedWatches.append((buffer, ZooKeeperError(code: endReason.code, message: endReason.message)))
        }
        watches = WatchRegistry()
        effects.states.append(.closed)
    }
}

extension OperationCode {
    /// Whether an ensemble answers only after the leader has taken part.
    var needsLeader: Bool {
        switch self {
        case .create, .create2, .createContainer, .createTTL, .delete, .setData, .setACL, .multi, .sync, .reconfig: true
        case .exists, .getData, .getACL, .getChildren, .ping, .getChildren2, .check, .checkWatches, .removeWatches,
            .deleteContainer, .multiRead, .auth, .setWatches, .sasl, .getEphemerals, .getAllChildrenNumber,
            .setWatches2,
            .addWatch, .whoAmI, .createSession, .closeSession, .error:
            false
        }
    }
}

extension ErrorCode {
    /// Whether a write that failed like this was judged by the leader, rather than turned away on its way there.
    var isFromLeader: Bool {
        switch self {
        case .ok, .noNode, .badVersion, .nodeExists, .notEmpty, .noChildrenForEphemerals: true
        default: false
        }
    }
}
