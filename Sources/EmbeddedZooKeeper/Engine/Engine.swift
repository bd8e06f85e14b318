import NIOCore
import ZooKeeperProtocol

/// The server without its sockets, its disk and its clock: sessions, requests, watches and the tree.
///
/// **Durability.** A change takes effect in memory at once and its record goes into the open batch. Whatever is then said
/// to anybody (the reply, a read that could have seen the change, a watch event) is marked with that batch and leaves only
/// when it is on disk. Seen from outside this is the same as applying after the write: nobody learns of a change that a
/// power cut could still undo, and reads are linearizable. Writers queue behind one disk write instead of each waiting for
/// its own, without any delay being added. After a failed disk write the whole engine is thrown away, with everything that
/// had not left, and built anew from disk.
///
/// The shell calls ``takeBatch(now:)`` when the disk is idle and ``batchStored(_:)`` when it has finished.
///
/// Confined to one thread.
final class Engine {
    /// What the engine is told about how to behave.
    struct Settings: Sendable {
        var minimumSessionTimeout: Int64 = 4000
        var maximumSessionTimeout: Int64 = 40_000
        var tickMilliseconds: Int64 = 2000
        var superDigest: String?
        /// Identities other than a digest that may do everything.
        var superusers: Set<Identity> = []
        /// The users of SASL and their passwords; empty: there is no SASL.
        var saslUsers: [String: String] = [:]
        /// Whether a session may do nothing before its connection has gone through SASL.
        var requiresSASL = false
        /// The schemes of access lists beside those that are always there.
        var schemes: Set<String> = []
        /// How much log there is at least before a checkpoint; more when the tree is larger than that.
        var checkpointLogBytes = 16 << 20
        /// How many nodes, and about how many bytes of them, one step of a checkpoint takes.
        var checkpointStepNodes = 100
        var checkpointStepBytes = 32 << 10
        /// How long a container that never had a child is kept.
        var unusedContainerMilliseconds: Int64 = 300_000
        /// How many containers and outlived nodes one sweep removes at most.
        var sweepLimit = 10_000
        /// How long the answer to a request of many reads may become.
        var maximumAnswerBytes = 16 << 20
        /// Whether what would exceed a hard quota is refused; otherwise it is only noted, as a soft one.
        var enforcesQuota = false
    }

    var settings: Settings
    let tree: Tree
    let secret: [UInt8]
    var sessions: [Int64: Session] = [:]
    var watches = WatchTable()
    private(set) var clients: [UInt64: Client] = [:]
    var sessionClock: SessionClock
    /// The newest transaction, or the beginning of this start's epoch.
    private(set) var lastZxid: Int64
    /// The newest transaction that has a record; the next record names it as its predecessor.
    private(set) var lastLoggedZxid: Int64
    /// What this start began with.
    let startZxid: Int64
    private var lastTick: Instant?
    private(set) var nextSessionID: Int64
    var statistics = Statistics()
    var notices = Notices()

    private var openBatch: UInt64 = 1
    private var batchInFlight: (number: UInt64, lastZxid: Int64, bytes: Int)?
    /// The newest batch that is on disk.
    private(set) var durableBatch: UInt64 = 0
    /// The newest transaction that is on disk.
    private(set) var durableZxid: Int64
    /// The newest batch with a record: what output of this moment must wait for.
    private(set) var gate: UInt64 = 0
    private var touched: [Client] = []
    /// Those whose output waits for the disk, and some that have gone meanwhile.
    private var waiting: [Client] = []
    /// Output of all connections that waits for the disk.
    private(set) var gatedBytes = 0

    /// Digests of the tree at some transactions.
    private(set) var digests = DigestHistory()

    /// The checkpoint that goes on; see `Engine+Checkpoint.swift`.
    var capture: Capture?
    /// What may wait for the disk in all, when the disk is nearly full.
    var storageAllowance = Int.max
    /// How much of the log is kept, beyond that, for the beginnings and ends of sessions.
    var storageReserve = 0
    /// Whether there is no room for another segment of the log.
    var isDiskFull = false

    init(recovered: RecoveredState, settings: Settings, now: Now) throws {
        self.settings = settings
        tree = try Tree(recovered: recovered.nodes)
        secret = recovered.secret
        lastLoggedZxid = recovered.lastZxid
        startZxid = recovered.startZxid
        lastZxid = recovered.startZxid
        durableZxid = lastZxid
        // Milliseconds of the calendar, by way of the zxid, which never goes back; the directory may have been wiped.
        let milliseconds = recovered.startZxid / TreeLog.zxidsPerMillisecond & 0xFF_FFFF_FFFF
        nextSessionID = max(1 << 56 | milliseconds << 16, recovered.maximumSessionID) + 1
        // A twentieth of a tick: expiry is finer than ZooKeeper's, which rounds up to a whole tick.
        sessionClock = SessionClock(bucketMilliseconds: min(100, max(5, settings.tickMilliseconds / 20)))
        statistics.started = now
        for (id, timeout) in recovered.sessions {
            let session = Session(id: id, timeoutMilliseconds: timeout, lastHeard: now.instant)
            sessions[id] = session
            sessionClock.add(session)
        }
        // Ephemeral nodes whose session is not among the sessions cannot be: the two are removed in one transaction.
        for id in tree.ephemerals.keys where sessions[id] == nil {
            throw RecoveryError("ephemeral nodes belong to the session \(hex(id)), which does not exist")
        }
        let digest = tree.digest()
        if let stated = recovered.digest, stated != digest {
            statistics.digestMismatches &+= 1
            notices.add(.digestMismatch(zxid: recovered.lastZxid, stated: stated, found: digest))
        }
    }

    // MARK: Connections

    /// Takes a connection in.
    ///
    /// - Parameter number: Never used before, not even with an engine that this one replaces.
    func accept(address: String, port: Int = 0, number: UInt64, now: Now? = nil) -> Client {
        let client = Client(number: number, address: address)
        client.port = port
        client.established = now?.wallMilliseconds ?? 0
        clients[number] = client
        statistics.connectionsAccepted &+= 1
        return client
    }

    /// The connection is gone. Its session lives on; its watches do not.
    func disconnect(_ client: Client) {
        // It may be one that an engine before this one had, or that was disconnected before.
        guard clients[client.number] === client else { return }
        gatedBytes -= client.gatedBytes
        client.abort()
        clients[client.number] = nil
        watches.removeAll(client)
        if client.session?.client === client { client.session?.client = nil }
        client.session = nil
    }

    /// Closes the connection without sending what it is owed.
    func abort(_ client: Client) {
        disconnect(client)
        touch(client)
    }

    /// Closes the connection once everything owed has been sent.
    func close(_ client: Client) {
        guard client.phase != .aborted else { return }
        client.phase = .closing
        watches.removeAll(client)
        touch(client)
    }

    /// Takes a frame in.
    func receive(_ frame: inout ByteBuffer, from client: Client, now: Now) {
        statistics.received &+= 1
        statistics.bytesReceived &+= UInt64(frame.readableBytes) &+ 4
        client.received &+= 1
        switch client.phase {
        case .awaitingHandshake: connect(&frame, client, now)
        case .connected: handle(&frame, client, now)
        case .closing, .aborted: break
        }
    }

    // MARK: Output

    func reply(
        _ client: Client, xid: Int32, error: ErrorCode = .ok, _ body: (inout ByteBuffer) -> Void = { _ in }
    ) {
        client.lastZxid = lastZxid
        send(to: client) { buffer in
            Frame.write(into: &buffer) { buffer in
                buffer.writeMultipleIntegers(xid, lastZxid, error.rawValue)
                if error == .ok { body(&buffer) }
            }
        }
    }

    func send(to client: Client, _ body: (inout ByteBuffer) -> Void) {
        statistics.sent &+= 1
        let gatedBefore = client.gatedBytes
        client.write(gate: gate, durable: durableBatch, body)
        gatedBytes += client.gatedBytes - gatedBefore
        if client.gated.isEmpty {
            touch(client)
        } else {
            wait(client)
        }
    }

    /// Answers at once, past everything that waits for the disk. A ping tells of no change.
    func replyToPing(_ client: Client) {
        guard client.handshakeBatch <= durableBatch else {
            reply(client, xid: ReservedXid.ping)
            return
        }
        statistics.sent &+= 1
        client.sent &+= 1
        client.makeRoom()
        Frame.write(into: &client.ready) {
            $0.writeMultipleIntegers(ReservedXid.ping, durableZxid, ErrorCode.ok.rawValue)
        }
        touch(client)
    }

    private func touch(_ client: Client) {
        guard !client.isTouched else { return }
        client.isTouched = true
        touched.append(client)
    }

    /// Hands over the connections that have something to send or are to be closed.
    func takeTouched() -> [Client] {
        guard !touched.isEmpty else { return [] }
        let taken = touched
        touched.removeAll(keepingCapacity: true)
        for client in taken { client.isTouched = false }
        return taken
    }

    // MARK: Transactions

    /// Runs a change as one transaction: all of it, with its events, or nothing.
    func transact<Result>(
        _ now: Now, _ body: () throws(ErrorCode) -> Result
    ) throws(ErrorCode) -> Result {
        let zxid = Self.zxid(after: lastZxid)
        tree.begin(zxid: zxid, time: now.wallMilliseconds)
        let result: Result
        do {
            result = try body()
        } catch {
            tree.rollBack()
            throw error
        }
        guard tree.log.hasEntries else {
            tree.rollBack()
            return result
        }
        if tree.log.recordCount == 0 { statistics.batchOpened = now.instant }
        lastZxid = zxid
        lastLoggedZxid = zxid
        gate = openBatch
        fire(tree.commit())
        return result
    }

    /// The zxid that follows; an exhausted counter goes over into the next epoch by itself.
    private static func zxid(after zxid: Int64) -> Int64 { zxid &+ 1 }

    /// Whether so much waits for the disk that reading from clients should pause.
    var isBacklogged: Bool { tree.log.buffer.readableBytes > 8 << 20 }

    /// Whether the disk has room for what a request of that many bytes may become.
    func hasRoom(forRequestOf bytes: Int) -> Bool {
        guard storageAllowance < .max else { return true }
        let unstored = tree.log.buffer.readableBytes + (batchInFlight?.bytes ?? 0)
        return unstored + 2 * bytes + 4096 <= storageAllowance
    }

    /// Whether enough of the reserve is left for a session to begin or expire on a full disk. The rest is for those that
    /// are closed: were all of it used up, nothing could go on.
    var hasReserve: Bool {
        guard storageAllowance < .max else { return true }
        let unstored = tree.log.buffer.readableBytes + (batchInFlight?.bytes ?? 0)
        return storageAllowance - unstored > -(storageReserve / 2)
    }

    /// Whether there is something to be stored, nothing is being stored, and it is not much.
    func hasSmallBatch(atMost records: Int) -> Bool {
        batchInFlight == nil && tree.log.recordCount > 0 && tree.log.recordCount <= records
    }

    /// Whether the end of a session can be recorded. A batch that does not fit would cost all clients their connections.
    func hasRoom(toEnd session: Session) -> Bool {
        guard storageAllowance < .max else { return true }
        let unstored = tree.log.buffer.readableBytes + (batchInFlight?.bytes ?? 0)
        let ephemerals = tree.ephemerals[session.id] ?? []
        let record = ephemerals.reduce(1024) { $0 + $1.string.utf8.count + 8 }
        return unstored + record <= storageAllowance + storageReserve
    }

    /// Takes everything that has to be stored, if there is anything and nothing is being stored.
    func takeBatch(now: Now) -> StorageBatch? {
        guard batchInFlight == nil, tree.log.recordCount > 0 else { return nil }
        statistics.batches &+= 1
        statistics.batchTaken = statistics.batchOpened
        statistics.records &+= UInt64(tree.log.recordCount)
        statistics.batchSize.record(Int64(tree.log.recordCount))
        statistics.storeBegan = now.instant
        let digest = tree.digest()
        digests.note(zxid: lastLoggedZxid, digest)
        let batch = StorageBatch(number: openBatch, lastZxid: lastLoggedZxid, log: tree.log.take(digest: digest))
        batchInFlight = (batch.number, lastZxid, batch.log.readableBytes)
        openBatch += 1
        return batch
    }

    /// The batch is on disk: lets go what waited for it.
    func batchStored(_ number: UInt64, now: Now) {
        guard let batch = batchInFlight, batch.number == number else { return }
        batchInFlight = nil
        durableBatch = number
        durableZxid = batch.lastZxid
        statistics.noteStored(now.instant)
        guard !waiting.isEmpty else { return }
        let waited = now.instant.nanoseconds &- statistics.batchTaken.nanoseconds
        let released = waiting
        waiting = []
        for client in released {
            client.isWaiting = false
            // It may have gone meanwhile.
            guard !client.gated.isEmpty else { continue }
            statistics.noteUpdates(waited, answers: client.gatedAnswers)
            client.latency.note(milliseconds: max(0, waited) / 1_000_000)
            let gatedBefore = client.gatedBytes
            if client.release(durable: number) { touch(client) }
            gatedBytes += client.gatedBytes - gatedBefore
            if !client.gated.isEmpty { wait(client) }
        }
    }

    private func wait(_ client: Client) {
        guard !client.isWaiting else { return }
        client.isWaiting = true
        waiting.append(client)
    }

    /// Answers that wait for the disk.
    var waitingAnswers: Int { waiting.reduce(0) { $0 + $1.gatedAnswers } }

    /// Whether nothing waits for the disk.
    var isSettled: Bool { batchInFlight == nil && tree.log.recordCount == 0 }

    // MARK: Sessions

    func makeSession(timeoutMilliseconds: Int32, now: Now) -> Session {
        let session = Session(
            id: nextSessionID, timeoutMilliseconds: timeoutMilliseconds, lastHeard: now.instant)
        nextSessionID &+= 1
        sessions[session.id] = session
        return session
    }

    /// Lets time pass: ends the sessions that have not been heard from for their timeout.
    ///
    /// Time during which this process itself did not run (stopped, starved, the disk stuck) does not count against
    /// anybody: nobody could have been heard.
    func tick(now: Now) {
        if let lastTick {
            let stall = now.instant.milliseconds(since: lastTick) - 2 * sessionClock.bucketMilliseconds
            if stall > 0 {
                for session in sessions.values {
                    session.lastHeard = session.lastHeard.advanced(byMilliseconds: stall)
                    if session.lastHeard > now.instant { session.lastHeard = now.instant }
                }
                if stall > settings.tickMilliseconds { statistics.stalls &+= 1 }
            }
        }
        lastTick = now.instant
        for session in sessionClock.expired(at: now.instant, among: sessions) {
            // What it sent may lie unread before our door.
            // And on a full disk its end could not be recorded.
            if session.client?.isHeldBack == true || !hasReserve || !hasRoom(toEnd: session) {
                session.lastHeard = now.instant
                sessionClock.add(session)
                continue
            }
            statistics.expired &+= 1
            endSession(session, now)
        }
    }
}
