import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Primitives

/// One of the certificates that a server shows, as far as it is needed to say what is wrong with it.
struct ServerCertificate: Sendable, Hashable {
    /// What a handshake failed for.
    enum Objection: Hashable {
        /// No authority that the client trusts vouches for it, or not now.
        case trust
        /// It is for another name.
        case name
    }

    /// The names and addresses that it is for, fit to be shown; empty for most authorities.
    var names: [String]
    /// From when on it is valid: seconds since 1970 UTC.
    var notBefore: Int64
    /// Until when it is valid: seconds since 1970 UTC.
    var notAfter: Int64

    /// What is wrong with a chain that was not accepted, its first certificate being the server's own; nil without any.
    ///
    /// - Parameter now: seconds since 1970 UTC by this machine's clock.
    static func text(of chain: [ServerCertificate], _ objection: Objection, host: String, now: Int64) -> String? {
        guard let own = chain.first else { return nil }
        let whose = own.names.isEmpty ? "" : " (for \(own.names.joined(separator: ", ")))"
        if objection == .name {
            let names = own.names.isEmpty ? "it has none" : own.names.joined(separator: ", ")
            return "the server's certificate is for another name than \(host): \(names)"
        }
        for (index, certificate) in chain.enumerated() {
            let which =
                index == 0
                ? "the server's certificate\(whose)" : "an authority's certificate behind the server's\(whose)"
            if now > certificate.notAfter {
                return "\(which) expired on \(time(certificate.notAfter)); it is \(time(now)) by this machine's clock"
            }
            if now < certificate.notBefore {
                return
                    "\(which) is not valid before \(time(certificate.notBefore)); it is \(time(now)) by this machine's clock"
            }
        }
        return "the server's certificate\(whose) is not from an authority that this client trusts"
    }

    /// `2026-11-29 10:05 UTC`; a number where there is no such time.
    static func time(_ seconds: Int64) -> String {
        var seconds = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "\(seconds) s" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
    }

    /// This machine's clock: seconds since 1970 UTC.
    static var now: Int64 { Int64(Glibc.time(nil)) }
}

// MARK: - Looking

extension ServerCertificate {
    /// What `server` shows in a handshake that is given up at that point; empty when it shows nothing within `limit`.
    static func shown(
        by server: ServerAddress, on eventLoop: any EventLoop, resolver: (any Resolver & Sendable)?,
        within limit: Duration
    ) async -> [ServerCertificate] {
        guard let context = try? NIOSSLContext(configuration: .makeClientConfiguration()) else { return [] }
        let limit = TimeAmount.nanoseconds(limit.wholeNanoseconds)
        let chain = eventLoop.makePromise(of: [ServerCertificate].self)
        let isAddress = (try? SocketAddress(ipAddress: server.host, port: 0)) != nil
        let bootstrap = ClientBootstrap(group: eventLoop)
            .resolver(resolver)
            .connectTimeout(limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(
                        context: context, serverHostname: isAddress ? nil : server.host,
                        customVerificationCallback: { certificates, verdict in
                            chain.succeed(certificates.prefix(10).map(ServerCertificate.init))
                            verdict.succeed(.failed)
                        })
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let connected = bootstrap.connect(host: server.host, port: server.port)
        connected.whenFailure { _ in chain.succeed([]) }
        connected.whenSuccess { channel in channel.closeFuture.whenComplete { _ in chain.succeed([]) } }
        let timer = eventLoop.scheduleTask(in: limit) { chain.succeed([]) }
        let found = (try? await chain.futureResult.get()) ?? []
        timer.cancel()
        // Not by what the library calls back, which may not be called from there.
        connected.whenSuccess { $0.close(promise: nil) }
        return found
    }

    private init(_ certificate: NIOSSLCertificate) {
        names = certificate._subjectAlternativeNames().prefix(4).compactMap { name -> String? in
            switch name.nameType {
            case .dnsName: return Self.printable(Array(name.contents))
            case .ipAddress: return Self.address(Array(name.contents))
            default: return nil
            }
        }
        notBefore = Int64(certificate.notValidBefore)
        notAfter = Int64(certificate.notValidAfter)
    }

    /// Whatever a stranger has put there.
    private static func printable(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(100).map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }

    private static func address(_ bytes: [UInt8]) -> String? {
        try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0).ipAddress
    }
}
