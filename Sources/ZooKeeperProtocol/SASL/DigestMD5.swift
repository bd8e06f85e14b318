/// The arithmetic of DIGEST-MD5 (RFC 2831) with `qop=auth`, which both sides share, and the names that ZooKeeper uses.
package enum DigestMD5 {
    /// The service in the digest URI: that of every ZooKeeper server.
    package static let zooKeeperService = "zookeeper"
    /// The host in the digest URI, and the realm. ZooKeeper uses this in place of a real name on both sides.
    package static let zooKeeperHost = "zk-sasl-md5"

    /// A random text for a nonce: 30 characters, 120 bits or more from the system's generator.
    package static func randomNonce() -> String {
        var generator = SystemRandomNumberGenerator()
        return randomNonce(using: &generator)
    }

    static func randomNonce(using generator: inout some RandomNumberGenerator) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let bytes = (0..<30).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What goes into the hashes of one exchange.
    struct Exchange {
        /// `H(username:realm:password)`
        var secret: [UInt8]
        var nonce: [UInt8]
        var clientNonce: [UInt8]
        var count: [UInt8] = Array("00000001".utf8)
        var authorization: [UInt8]?
        var digestURI: [UInt8]

        /// The client's proof.
        var response: [UInt8] { proof(method: "AUTHENTICATE") }

        /// The server's proof that it knows the password too.
        var serverResponse: [UInt8] { proof(method: "") }

        private func proof(method: String) -> [UInt8] {
            let colon = [UInt8(ascii: ":")]
            var first = secret + colon + nonce + colon + clientNonce
            if let authorization { first += colon + authorization }
            let second = Array(method.utf8) + colon + digestURI
            var all = MD5.hexadecimal(first) + colon + nonce + colon + count + colon
            all += clientNonce + Array(":auth:".utf8) + MD5.hexadecimal(second)
            return MD5.hexadecimal(all)
        }
    }

    /// `H(username:realm:password)`, each as RFC 2831 section 2.1.2.1 wants it: in ISO 8859-1 if that can express it.
    static func secret(user: String, realm: String, password: String) -> [UInt8] {
        let parts = [user, realm, password].map { latin1($0) ?? Array($0.utf8) }
        return MD5.hash(Array(parts.joined(separator: [UInt8(ascii: ":")])))
    }

    /// The same with UTF-8 throughout, which is what some clients send (pure-sasl).
    static func secretInUTF8(user: String, realm: String, password: String) -> [UInt8] {
        MD5.hash(Array("\(user):\(realm):\(password)".utf8))
    }

    private static func latin1(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Comparison that takes as long for a nearly right proof as for a wrong one.
    static func matches(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
