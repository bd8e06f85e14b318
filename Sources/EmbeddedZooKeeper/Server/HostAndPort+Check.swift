import Glibc
import NIOCore
import Primitives

extension HostAndPort {
    /// Tries whether one could listen there, and lets go of it again.
    ///
    /// Only binds: a client that connected to somebody who listens just to find out would be accepted and never answered.
    ///
    /// - Throws: What binding the first address of the host failed with, or resolving its name. Blocks as long as that takes.
    func checkIsFree() throws {
        let address = try SocketAddress.makeAddressResolvingHost(host, port: port)
        let family: CInt =
            switch address {
            case .v4: AF_INET
            case .v6: AF_INET6
            case .unixDomainSocket: AF_UNIX
            }
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        defer { close(descriptor) }
        // As the listener will have it: connections of a former server that are still fading do not count.
        var reuse: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<CInt>.size))
        guard address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0 else {
            throw IOError(errnoCode: errno, reason: "bind")
        }
    }
}
