import NIOCore
import ZooKeeperProtocol

/// The handshake, and how sessions end.
extension Engine {
    func connect(_ frame: inout ByteBuffer, _ client: Client, _ now: Now) {
        guard let request = try? ConnectRequest(from: &frame) else {
            abort(client)
            return
        }
        // The client has seen more than this server has: it must look for another server. No reply (ZooKeeper).
        guard request.lastZxidSeen <= lastZxid else {
            abort(client)
            return
        }
        let timeout = Int32(
            clamping: min(
                max(Int64(request.timeoutMilliseconds), settings.minimumSessionTimeout),
                settings.maximumSessionTimeout))
        let session: Session
        if request.sessionID == 0 {
            guard hasReserve else {
                // ZooKeeper's protocol has no word for it.
                notices.add(.sessionRefused(address: client.address))
                abort(client)
                return
            }
            session = makeSession(timeoutMilliseconds: timeout, now: now)
            logSession(session, now)
            sessionClock.add(session)
            statistics.sessionsCreated &+= 1
        } else if let existing = sessions[request.sessionID], request.password == password(of: existing.id) {
            if let older = existing.client { abort(older) }
            session = existing
            session.lastHeard = now.instant
            if session.timeoutMilliseconds != timeout, hasReserve {
                session.timeoutMilliseconds = timeout
                logSession(session, now)
                sessionClock.add(session)
            }
        } else {
            respond(client, ConnectResponse.sessionExpired(readOnly: request.readOnly.map { _ in false }))
            close(client)
            return
        }
        session.client = client
        client.session = session
        client.phase = .connected
        client.handshakeBatch = gate
        respond(
            client,
            ConnectResponse(
                timeoutMilliseconds: session.timeoutMilliseconds, sessionID: session.id,
                password: password(of: session.id),
                readOnly: request.readOnly.map { _ in false }))
    }

    private func respond(_ client: Client, _ response: ConnectResponse) {
        send(to: client) { buffer in Frame.write(into: &buffer) { response.write(into: &$0) } }
    }

    private func logSession(_ session: Session, _ now: Now) {
        change(now) { tree.log.createSession(session.id, timeoutMilliseconds: session.timeoutMilliseconds) }
    }

    /// A keyed hash: nobody can guess the password of another session, and none has to be stored.
    func password(of sessionID: Int64) -> [UInt8] {
        let id = withUnsafeBytes(of: sessionID.bigEndian) { Array($0) }
        return Array(SHA1.authenticationCode(key: secret, message: id).prefix(16))
    }

    /// Removes a session and its ephemeral nodes, in one transaction.
    ///
    /// - Parameter answered: The connection that asked for it and is closed after its reply.
    func endSession(_ session: Session, _ now: Now, except answered: Client? = nil) {
        sessions[session.id] = nil
        change(now) {
            for key in tree.ephemerals[session.id] ?? [] {
                if let node = tree.nodes[key] { tree.delete(node) }
            }
            tree.log.closeSession(session.id)
        }
        // What a client whose session is over was still owed is of no use to it.
        if let client = session.client, client !== answered { abort(client) }
    }

    /// A transaction that cannot fail.
    private func change(_ now: Now, _ body: () -> Void) {
        do {
            try transact(now) { () throws(ErrorCode) in body() }
        } catch {
            preconditionFailure("a change that checks nothing failed: \(error)")
        }
    }

    /// Removes containers that are no longer used and nodes that outlived their time, each in a transaction of its own, as
    /// far as the disk has room: a batch that does not fit would cost all clients their connections.
    func sweep(now: Now) {
        guard hasRoom(forRequestOf: 0) else { return }
        var removed = 0
        for key in tree.sweepSchedule.take(now: now.wallMilliseconds) {
            // One with children comes back to the schedule with the last of them.
            guard let node = tree.nodes[key], node.children.isEmpty, let end = endOfLife(of: node) else { continue }
            if now.wallMilliseconds <= end {
                tree.sweepSchedule.add(key, after: end)
            } else if removed < settings.sweepLimit, hasRoom(forRequestOf: key.string.utf8.count) {
                removed += 1
                change(now) { tree.delete(node) }
            } else {
                tree.sweepSchedule.add(key)
            }
        }
    }

    /// The last millisecond of a node without children; `nil` when it does not go by itself.
    private func endOfLife(of node: Node) -> Int64? {
        if let life = node.state.owner.timeToLive { return node.state.mtime &+ life }
        guard node.state.owner.isContainer else { return nil }
        return node.state.creations > 0 ? .min : node.state.ctime &+ settings.unusedContainerMilliseconds
    }
}
