import CMosquitto
import Glibc

/// What OpenSSL found wrong with a broker's certificate: that it has expired, that nobody vouches for it. The library only says
/// that it was not accepted.
///
/// OpenSSL is the library's, not ours; its functions are looked up in the process, and where they are missing nothing is
/// said.
enum CertificateVerdict {
    private typealias VerifyResult = @convention(c) (UnsafeMutableRawPointer) -> Int
    private typealias ErrorText = @convention(c) (Int) -> UnsafePointer<CChar>?

    /// To be asked while the handshake of `handle` fails: afterwards the library has let go of it. nil when nothing was wrong.
    static func text(of handle: OpaquePointer) -> String? {
        guard let connection = mosquitto_ssl_get(handle),
            let result = function("SSL_get_verify_result", VerifyResult.self)?(connection), result != 0,
            let text = function("X509_verify_cert_error_string", ErrorText.self)?(result)
        else { return nil }
        return String(cString: text)
    }

    private static func function<Function>(_ name: String, _ type: Function.Type) -> Function? {
        dlsym(nil, name).map { unsafeBitCast($0, to: type) }
    }
}
