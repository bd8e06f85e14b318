/// The client's side of one DIGEST-MD5 exchange (RFC 2831), as ZooKeeper clients run it.
///
/// The first token that a client sends is empty. Then: *waiting for the challenge* → ``Action/send(_:)`` → *waiting for
/// the server's proof* → ``Action/done``. Anything unexpected throws, and the exchange is over.
package struct DigestMD5Client: Sendable {
    /// What to do after a token.
    package enum Action: Hashable, Sendable {
        /// Send this token and wait for the next.
        case send([UInt8])
        /// The server has accepted the password and has proved that it knows it.
        case done
    }

    private enum State {
        case waitingForChallenge
        case waitingForProof([UInt8])
        case over
    }

    private let user: String
    private let password: String
    private let clientNonce: String
    private let digestURI: String
    private var state = State.waitingForChallenge

    /// - Parameter clientNonce: Never used before; see ``DigestMD5/randomNonce()``.
    package init(
        user: String, password: String, clientNonce: String, service: String = DigestMD5.zooKeeperService,
        host: String = DigestMD5.zooKeeperHost
    ) {
        self.user = user
        self.password = password
        self.clientNonce = clientNonce
        digestURI = "\(service)/\(host)"
    }

    /// Takes the server's next token in.
    package mutating func receive(_ token: [UInt8]) throws(SASLError) -> Action {
        let current = state
        state = .over
        switch current {
        case .waitingForChallenge:
            let (response, proof) = try answer(try DigestDirectives(token, maximumLength: 2048))
            state = .waitingForProof(proof)
            return .send(response)
        case .waitingForProof(let expected):
            let proof = try DigestDirectives(token, maximumLength: 2048).required("rspauth")
            guard DigestMD5.matches(proof, expected) else {
                throw SASLError("the server does not know the password")
            }
            return .done
        case .over: throw SASLError("a token after the end of the exchange")
        }
    }

    private func answer(_ challenge: DigestDirectives) throws(SASLError) -> (response: [UInt8], proof: [UInt8]) {
        let nonce = try challenge.required("nonce")
        let algorithm = String(decoding: try challenge.required("algorithm"), as: UTF8.self)
        guard algorithm.lowercased() == "md5-sess" else { throw SASLError("another algorithm than md5-sess") }
        let protections = try challenge.one("qop").map { String(decoding: $0, as: UTF8.self) } ?? "auth"
        guard protections.split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" }).contains("auth") else {
            throw SASLError("the server does not offer qop=auth")
        }
        let charset = try challenge.one("charset").map { String(decoding: $0, as: UTF8.self).lowercased() }
        guard charset == nil || charset == "utf-8" else { throw SASLError("another charset than utf-8") }
        let realm = challenge.all("realm").first.map { String(decoding: $0, as: UTF8.self) } ?? ""

        let exchange = DigestMD5.Exchange(
            secret: DigestMD5.secret(user: user, realm: realm, password: password), nonce: nonce,
            clientNonce: Array(clientNonce.utf8), digestURI: Array(digestURI.utf8))
        var response: [(name: String, value: [UInt8])] = []
        if charset != nil { response.append(("charset", Array("utf-8".utf8))) }
        response.append(("username", DigestDirectives.quoted(Array(user.utf8))))
        if !challenge.all("realm").isEmpty { response.append(("realm", DigestDirectives.quoted(Array(realm.utf8)))) }
        response += [
            ("nonce", DigestDirectives.quoted(nonce)), ("nc", exchange.count),
            ("cnonce", DigestDirectives.quoted(exchange.clientNonce)),
            ("digest-uri", DigestDirectives.quoted(exchange.digestURI)), ("response", exchange.response),
            ("qop", Array("auth".utf8)),
        ]
        return (DigestDirectives.list(response), exchange.serverResponse)
    }
}
