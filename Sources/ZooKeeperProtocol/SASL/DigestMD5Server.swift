/// The server's side of one DIGEST-MD5 exchange (RFC 2831), as ZooKeeper servers run it.
///
/// States: *waiting for the start* → (any token) → *waiting for the response* → (right response) *over*, or *over* after
/// anything else. A server makes a new one for each attempt.
package struct DigestMD5Server: Sendable {
    /// What to do after a token.
    package enum Action: Hashable, Sendable {
        /// Send this challenge.
        case challenge([UInt8])
        /// The client is this user; send the proof that the server knows the password too.
        case authenticated(user: String, proof: [UInt8])
        /// The exchange has failed. The error is for the log; the client is told nothing but that.
        case failed(SASLError)
    }

    private enum State {
        case waitingForStart
        case waitingForResponse
        case over
    }

    private let nonce: String
    private let realm: String
    private let digestURI: String
    private var state = State.waitingForStart

    /// - Parameters:
    ///   - nonce: Never used before; see ``DigestMD5/randomNonce()``.
    ///   - realm: Offered as the only one.
    package init(
        nonce: String, realm: String = DigestMD5.zooKeeperHost, service: String = DigestMD5.zooKeeperService,
        host: String = DigestMD5.zooKeeperHost
    ) {
        self.nonce = nonce
        self.realm = realm
        digestURI = "\(service)/\(host)"
    }

    /// Takes the client's next token in.
    ///
    /// - Parameter password: The password of a user; `nil` when there is no such user.
    package mutating func receive(_ token: [UInt8], password: (String) -> String?) -> Action {
        switch state {
        case .waitingForStart:
            // RFC 2831 knows no initial response: what the first token contains does not matter, it is empty.
            state = .waitingForResponse
            return .challenge(challenge)
        case .waitingForResponse:
            state = .over
            do throws(SASLError) {
                return try check(token, password: password)
            } catch {
                return .failed(error)
            }
        case .over: return .failed(SASLError("a token after the end of the exchange"))
        }
    }

    private var challenge: [UInt8] {
        DigestDirectives.list([
            ("realm", DigestDirectives.quoted(Array(realm.utf8))),
            ("nonce", DigestDirectives.quoted(Array(nonce.utf8))),
            ("qop", DigestDirectives.quoted(Array("auth".utf8))),
            ("charset", Array("utf-8".utf8)), ("algorithm", Array("md5-sess".utf8)),
        ])
    }

    private func check(_ token: [UInt8], password: (String) -> String?) throws(SASLError) -> Action {
        let directives = try DigestDirectives(token, maximumLength: 4096)
        let name = try directives.required("username")
        let realm = try directives.one("realm") ?? []
        guard realm == Array(self.realm.utf8) else { throw SASLError("another realm") }
        guard try directives.required("nonce") == Array(nonce.utf8) else { throw SASLError("another nonce") }
        // One exchange a nonce: there is no subsequent authentication, so a replayed response is always refused.
        guard try directives.required("nc") == Array("00000001".utf8) else { throw SASLError("another nonce count") }
        let uri = try directives.required("digest-uri")
        guard uri == Array(digestURI.utf8) else { throw SASLError("another digest-uri than \(digestURI)") }
        guard try directives.one("qop") ?? Array("auth".utf8) == Array("auth".utf8) else {
            throw SASLError("another qop than auth")
        }
        let isUTF8 = try directives.one("charset").map { String(decoding: $0, as: UTF8.self).lowercased() }
        guard isUTF8 == nil || isUTF8 == "utf-8" else { throw SASLError("another charset than utf-8") }
        let authorization = try directives.one("authzid")
        guard authorization == nil || authorization == [] || authorization == name else {
            throw SASLError("acting for somebody else is not supported")
        }
        let clientNonce = try directives.required("cnonce")
        let response = try directives.required("response")

        // Without `charset` it is ISO 8859-1 by the letter, but clients exist that send UTF-8 (pure-sasl).
        guard let user = String(validating: name, as: UTF8.self) else { throw SASLError("the user is not UTF-8") }
        let known = password(user)
        let secrets = [
            DigestMD5.secret(user: user, realm: self.realm, password: known ?? ""),
            DigestMD5.secretInUTF8(user: user, realm: self.realm, password: known ?? ""),
        ]
        for secret in secrets {
            let exchange = DigestMD5.Exchange(
                secret: secret, nonce: Array(nonce.utf8), clientNonce: clientNonce, authorization: authorization,
                digestURI: uri)
            if DigestMD5.matches(exchange.response, response), known != nil {
                return .authenticated(
                    user: user, proof: DigestDirectives.list([("rspauth", exchange.serverResponse)]))
            }
        }
        throw SASLError("unknown user or wrong password")
    }
}
