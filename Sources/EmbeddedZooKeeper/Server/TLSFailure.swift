/// Why there is no TLS with a client, in words for whoever reads the log: the library's own name places in its sources.
enum TLSFailure {
    static func reason(_ error: any Error) -> String {
        let names = names(in: "\(error)")
        guard let name = names.first else {
            let text = "\(error)"
            if text.contains("uncleanShutdown") || text.contains("eofDuringHandshake") {
                return "the client hung up before the handshake was over"
            }
            // What it says may hold a place in the sources all the same.
            return text.contains("/") ? "the handshake failed" : String(text.prefix(100))
        }
        let words = names.lazy.compactMap(words).first ?? "the handshake failed"
        return "\(words) (\(name))"
    }

    /// The library's names of what went wrong, such as `WRONG_VERSION_NUMBER`.
    private static func names(in text: String) -> [String] {
        let marker = "OPENSSL_internal:"
        var names: [String] = []
        var rest = text[...]
        while let place = rest.firstRange(of: marker), names.count < 4 {
            rest = rest[place.upperBound...]
            let name = rest.prefix { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_") }
            if !name.isEmpty { names.append(String(name.prefix(64))) }
        }
        return names
    }

    private static func words(_ name: String) -> String? {
        switch name {
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNEXPECTED_MESSAGE", "UNEXPECTED_RECORD",
            "INVALID_OUTER_RECORD_TYPE":
            "the client does not speak TLS"
        case "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION":
            "the client and the server know no version of TLS in common; it must be 1.2 or later"
        case "NO_SHARED_CIPHER", "NO_SHARED_GROUP", "NO_COMMON_SIGNATURE_ALGORITHMS":
            "the client and the server know no cipher in common"
        case "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the client shows no certificate, and one is required"
        case "CERTIFICATE_VERIFY_FAILED":
            "the client's certificate is not from an authority that this server trusts, or out of date"
        case "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "SSLV3_ALERT_BAD_CERTIFICATE",
            "SSLV3_ALERT_CERTIFICATE_EXPIRED", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "TLSV1_ALERT_DECRYPT_ERROR":
            "the client does not accept this server's certificate"
        case _ where name.contains("_ALERT_"): "the client ended the handshake"
        default: nil
        }
    }
}
