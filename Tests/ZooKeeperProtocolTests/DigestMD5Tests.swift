import Testing

@testable import ZooKeeperProtocol

@Suite struct DigestMD5Tests {
    /// RFC 1321, appendix A.5; the last is longer than a block.
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a"
        ),
    ])
    func md5(_ text: String, _ hash: String) {
        #expect(String(decoding: MD5.hexadecimal(Array(text.utf8)), as: UTF8.self) == hash)
    }

    /// RFC 2831, section 4.
    @Test(arguments: [
        (
            "imap", "OA6MG9tEQGm2hh", "OA6MHXh6VqTrRk", "d388dad90d4bbd760a152321f2143af7",
            "ea40f60335c427b5527b84dbabcdfffd"
        ),
        (
            "acap", "OA9BSXrbuRhWay", "OA9BSuZWMSpW8m", "6084c6db3fede7352c551284490fd0fc",
            "2f0b3d7c3c2e486600ef710726aa2eae"
        ),
    ])
    func theExamplesOfTheSpecification(
        _ service: String, _ nonce: String, _ clientNonce: String, _ response: String, _ proof: String
    ) throws {
        let host = "elwood.innosoft.com"
        var client = DigestMD5Client(
            user: "chris", password: "secret", clientNonce: clientNonce, service: service, host: host)
        let challenge = "realm=\"\(host)\",nonce=\"\(nonce)\",qop=\"auth\",algorithm=md5-sess,charset=utf-8"
        guard case .send(let token) = try client.receive(Array(challenge.utf8)) else {
            Issue.record("no response")
            return
        }
        #expect(
            text(token) == """
                charset=utf-8,username="chris",realm="\(host)",nonce="\(nonce)",nc=00000001,cnonce="\(clientNonce)",\
                digest-uri="\(service)/\(host)",response=\(response),qop=auth
                """)
        var server = DigestMD5Server(nonce: nonce, realm: host, service: service, host: host)
        #expect(
            server.receive([], password: known)
                == .challenge(
                    Array(
                        "realm=\"\(host)\",nonce=\"\(nonce)\",qop=\"auth\",charset=utf-8,algorithm=md5-sess".utf8)))
        let proofToken = Array("rspauth=\(proof)".utf8)
        #expect(server.receive(token, password: known) == .authenticated(user: "chris", proof: proofToken))
        #expect(try client.receive(proofToken) == .done)
        #expect(throws: SASLError.self) { try client.receive(proofToken) }
    }

    @Test(arguments: [("ann", "p:a\"s\\s"), ("jürgen", "straße"), ("ユーザー", "秘密"), ("a b", ""), ("q\"\\,=", "x")])
    func bothSidesAgree(_ user: String, _ password: String) throws {
        var client = DigestMD5Client(user: user, password: password, clientNonce: "c\"n")
        var server = DigestMD5Server(nonce: DigestMD5.randomNonce())
        let users: (String) -> String? = { $0 == user ? password : nil }
        guard case .challenge(let challenge) = server.receive([], password: users),
            case .send(let response) = try client.receive(challenge),
            case .authenticated(let who, let proof) = server.receive(response, password: users)
        else {
            Issue.record("the exchange broke off")
            return
        }
        #expect(who == user)
        #expect(try client.receive(proof) == .done)
    }

    @Test func strangersAndWrongPasswordsAreRefused() throws {
        for (user, password) in [("chris", "wrong"), ("nobody", "secret"), ("nobody", "")] {
            let (_, action) = try exchange(user: user, password: password) { $0 }
            #expect(action == .failed(SASLError("unknown user or wrong password")))
        }
    }

    /// Each change to a right response makes it a wrong one.
    @Test(arguments: [
        ("nc=00000001", "nc=00000002"), ("qop=auth", "qop=auth-conf"), ("zookeeper/zk-sasl-md5", "http/zk-sasl-md5"),
        ("realm=\"zk-sasl-md5\"", "realm=\"other\""), ("nonce=\"n\"", "nonce=\"m\""), ("cnonce=\"c\"", "cnonce=\"d\""),
        ("username=\"chris\"", "username=\"chris\",username=\"chris\""), ("charset=utf-8", "charset=latin-1"),
        ("username=\"chris\"", "username=\"chris\",authzid=\"root\""), ("username=", "name="), ("response=", "reply="),
        ("username=\"chris\"", "username=\"chris\",authzid=\"chris\""),
    ])
    func changedResponsesAreRefused(_ original: String, _ change: String) throws {
        let (_, action) = try exchange(user: "chris", password: "secret") { response in
            let changed = replace(original, in: response, with: change)
            #expect(changed != response)
            return changed
        }
        guard case .failed = action else {
            Issue.record("accepted: \(action)")
            return
        }
    }

    @Test func aResponseCannotBeReplayed() throws {
        let (first, action) = try exchange(user: "chris", password: "secret") { $0 }
        guard case .authenticated = action else {
            Issue.record("refused: \(action)")
            return
        }
        var other = DigestMD5Server(nonce: "n2")
        _ = other.receive([], password: known)
        #expect(other.receive(Array(first.utf8), password: known) == .failed(SASLError("another nonce")))
        // A second attempt needs a second exchange, even after a mistake.
        #expect(other.receive(Array(first.utf8), password: known) != .challenge([]))
        guard case .failed = other.receive([], password: known) else {
            Issue.record("went on after the end")
            return
        }
    }

    @Test func aServerThatDoesNotKnowThePasswordIsRecognised() throws {
        var client = DigestMD5Client(user: "chris", password: "secret", clientNonce: "c")
        _ = try client.receive(Array("nonce=\"n\",algorithm=md5-sess".utf8))
        #expect(throws: SASLError("the server does not know the password")) {
            try client.receive(Array("rspauth=00000000000000000000000000000000".utf8))
        }
    }

    @Test(arguments: [
        "", "nonce=\"n\"", "algorithm=md5-sess", "nonce=\"n\",nonce=\"m\",algorithm=md5-sess",
        "nonce=\"n\",algorithm=md5", "nonce=\"n\",algorithm=md5-sess,qop=\"auth-int,auth-conf\"",
        "nonce=\"n\",algorithm=md5-sess,charset=ebcdic", "nonce=\"n,algorithm=md5-sess", "=", "nonce", "nonce=\"\\",
        "nonce=\"n\" algorithm=md5-sess", "nonce=n\u{1},algorithm=md5-sess", "\u{0}",
    ])
    func badChallengesAreRefused(_ challenge: String) {
        var client = DigestMD5Client(user: "chris", password: "secret", clientNonce: "c")
        #expect(throws: SASLError.self) { try client.receive(Array(challenge.utf8)) }
    }

    @Test(arguments: [
        " nonce = \"n\" ,\r\n\talgorithm=MD5-SESS,,", "NONCE=n,algorithm=md5-sess,qop=\"auth-conf, auth\",x-y=1",
        "realm=\"a\",realm=\"b\",nonce=\"n\",algorithm=md5-sess,stale=true",
    ])
    func unusualChallengesAreUnderstood(_ challenge: String) throws {
        var client = DigestMD5Client(user: "chris", password: "secret", clientNonce: "c")
        guard case .send(let token) = try client.receive(Array(challenge.utf8)) else {
            Issue.record("no response")
            return
        }
        #expect(text(token).contains("nonce=\"n\""))
        #expect(!text(token).contains("realm=\"b\""))
    }

    @Test func tokensAreBounded() {
        let long = [UInt8](repeating: UInt8(ascii: ","), count: 4097)
        #expect(throws: SASLError.self) { try DigestDirectives(long, maximumLength: 4096) }
        let many = Array(String(repeating: "a=b,", count: 33).utf8)
        #expect(throws: SASLError.self) { try DigestDirectives(many, maximumLength: 4096) }
    }

    /// Mutations of real tokens, each end of them, and noise: an error or a refusal, never a crash or an acceptance.
    @Test func hostileTokensAreHarmless() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var random = Lehmer(state: seed | 1)
        let (response, _) = try exchange(user: "chris", password: "secret") { $0 }
        let token = Array(response.utf8)
        for round in 0..<5_000 {
            var bytes = token
            if round < token.count {
                bytes = Array(token.prefix(round))
            } else {
                for _ in 0...Int.random(in: 0..<4, using: &random) {
                    bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
                }
            }
            var server = DigestMD5Server(nonce: "n")
            _ = server.receive(bytes, password: known)
            if case .authenticated(let user, _) = server.receive(bytes, password: known) {
                // Only what does not enter the proof may differ, such as a space beside a comma.
                #expect(user == "chris", "\(bytes)")
            }
            var client = DigestMD5Client(user: "u", password: "p", clientNonce: "c")
            _ = try? client.receive(bytes)
            _ = try? client.receive(bytes)
        }
    }

    // MARK: Shorthand

    private func known(_ user: String) -> String? { user == "chris" ? "secret" : nil }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// A client's response, changed on its way, and what the server makes of it.
    private func exchange(
        user: String, password: String, _ change: (String) -> String
    ) throws -> (String, DigestMD5Server.Action) {
        var client = DigestMD5Client(user: user, password: password, clientNonce: "c")
        var server = DigestMD5Server(nonce: "n")
        guard case .challenge(let challenge) = server.receive([], password: known),
            case .send(let response) = try client.receive(challenge)
        else { throw SASLError("no challenge") }
        let changed = change(text(response))
        return (changed, server.receive(Array(changed.utf8), password: known))
    }

    private func replace(_ original: String, in text: String, with change: String) -> String {
        guard let range = text.firstRange(of: original) else { return text }
        return text.replacingCharacters(in: range, with: change)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}

/// Good enough to pick bytes, and repeatable.
private struct Lehmer: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &*= 0xDA94_2042_E4DD_58B5
        return state ^ (state >> 31)
    }
}
