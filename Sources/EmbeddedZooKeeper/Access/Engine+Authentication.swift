import NIOCore
import ZooKeeperProtocol

/// How a connection proves who it is: auth packets, SASL, and what its certificate says.
extension Engine {
    /// Takes in what the connection has proved to be.
    func prove(_ identity: Identity, _ client: Client) {
        var proved = [identity]
        if settings.superusers.contains(identity) { proved.append(.superuser) }
        for identity in proved where !client.identities.contains(identity) {
            // Somebody who sends one auth packet after the other must not make every check of an access list slow.
            guard client.identities.count < 256 else { break }
            client.identities.append(identity)
        }
    }

    func authenticate(_ packet: AuthPacket, _ xid: Int32, _ client: Client) {
        switch (packet.scheme, packet.auth) {
        case ("digest", let userAndPassword?):
            let identity = Identity.digest(ofUserAndPassword: userAndPassword)
            prove(identity, client)
            if let superDigest = settings.superDigest, identity.id == superDigest { prove(.superuser, client) }
        case ("ip", _): break
        case ("x509", _) where client.identities.contains(where: { $0.scheme == "x509" }): break
        default:
            statistics.failedAuthentications &+= 1
            notices.add(
                .credentialsRefused(address: client.address, scheme: Self.bounded(packet.scheme), user: nil))
            reply(client, xid: xid, error: .authFailed)
            close(client)
            return
        }
        reply(client, xid: xid)
    }

    /// One token of a SASL exchange.
    func negotiate(_ token: SASLToken, _ xid: Int32, _ client: Client) {
        guard !settings.saslUsers.isEmpty else {
            refuseToken(xid, client)
            return
        }
        var exchange = client.saslExchange ?? DigestMD5Server(nonce: DigestMD5.randomNonce())
        var claimed: String?
        let action = exchange.receive(token.token ?? []) { user in
            claimed = user
            return settings.saslUsers[user]
        }
        client.saslExchange = exchange
        switch action {
        case .challenge(let challenge):
            reply(client, xid: xid) { SASLToken(token: challenge).write(into: &$0) }
        case .authenticated(let user, let proof):
            prove(Identity(scheme: "sasl", id: user), client)
            reply(client, xid: xid) { SASLToken(token: proof).write(into: &$0) }
        case .failed: refuseToken(xid, client, user: claimed)
        }
    }

    /// The one error that carries a body: Java's client looks for a token before it looks at the error.
    private func refuseToken(_ xid: Int32, _ client: Client, user: String? = nil) {
        statistics.failedAuthentications &+= 1
        notices.add(.credentialsRefused(address: client.address, scheme: "sasl", user: user.map(Self.bounded)))
        let error = settings.requiresSASL ? ErrorCode.sessionClosedRequireSaslAuth : .authFailed
        send(to: client) { buffer in
            Frame.write(into: &buffer) { buffer in
                buffer.writeMultipleIntegers(xid, lastZxid, error.rawValue)
                SASLToken(token: nil).write(into: &buffer)
            }
        }
        close(client)
    }

    /// What may be kept of a name that anybody may send. One character can be of any length, so it is not counted in them.
    private static func bounded(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.prefix(64)))
    }

    /// Whether the connection may ask for that already, where SASL is required.
    func isAdmitted(_ operation: OperationCode?, _ client: Client) -> Bool {
        guard settings.requiresSASL else { return true }
        switch operation {
        case .auth, .sasl, .ping, .closeSession: return true
        default: return client.identities.contains { $0.scheme == "sasl" }
        }
    }
}
