import NIOCore
import Primitives

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Why the server cannot start or go on, in words for the person who started it.
public struct EmbeddedServerError: Error, Hashable, CustomStringConvertible {
    /// What is wrong and what to do.
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    /// - Parameter error: What binding a socket failed with.
    init(cannotListenOn address: HostAndPort, _ error: any Error) {
        let reason =
            switch error {
            case let error as IOError where error.errnoCode == EADDRINUSE:
                "another program listens there. Stop it, or choose another address."
            case let error as IOError where error.errnoCode == EADDRNOTAVAIL:
                "no network interface of this machine has that address. Use one that has, or 0.0.0.0 for all."
            case let error as IOError where error.errnoCode == EACCES:
                "ports below 1024 are reserved. Choose a higher one, or grant the capability CAP_NET_BIND_SERVICE."
            case is SocketAddressError, is SocketAddressError.UnknownHost:
                "the host name cannot be resolved. Check its spelling, or give the address in numbers."
            default: "\(error). Choose another address."
            }
        self.init("cannot listen on \(address): \(reason)")
    }
}
