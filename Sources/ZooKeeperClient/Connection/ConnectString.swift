import ZooKeeperProtocol

/// ZooKeeper's way of naming an ensemble: `host:port,host:port/chroot`.
///
/// Ports may be left out (2181), IPv6 addresses stand in brackets, the chroot may be left out or be `/`.
public struct ConnectString: Hashable, Sendable, CustomStringConvertible {
    /// A connect string that cannot be understood, and why.
    public struct Invalid: Error, Hashable, CustomStringConvertible {
        /// The string as given.
        public let connectString: String
        /// What is wrong with it.
        public let reason: String

        public var description: String { "“\(connectString)” is not a connect string (host:port,…/chroot): \(reason)" }
    }

    /// The servers in the order given; at least one.
    public let servers: [ServerAddress]
    /// The path under which everything lies; `/` when there is none.
    public let chroot: String

    /// Parses a connect string.
    ///
    /// - Throws: ``Invalid``.
    public init(_ string: String) throws {
        func invalid(_ reason: String) -> Invalid { Invalid(connectString: string, reason: reason) }
        let slash = string.firstIndex(of: "/")
        let chroot = slash.map { String(string[$0...]) } ?? "/"
        do {
            try ZooKeeperPath.validate(chroot)
        } catch {
            throw invalid("the chroot is not a path, \(error)")
        }
        var servers: [ServerAddress] = []
        for part in string[..<(slash ?? string.endIndex)].split(separator: ",", omittingEmptySubsequences: true) {
            let trimmed = part.drop(while: \.isWhitespace)
            let text = trimmed[
                ..<(trimmed.lastIndex { !$0.isWhitespace }.map(trimmed.index(after:)) ?? trimmed.startIndex)]
            guard !text.isEmpty else { continue }
            guard let server = ServerAddress(text) else { throw invalid("“\(text)” is not host:port") }
            servers.append(server)
        }
        guard !servers.isEmpty else { throw invalid("it names no server") }
        self.servers = servers
        self.chroot = chroot
    }

    public var description: String {
        servers.map(\.description).joined(separator: ",") + (chroot == "/" ? "" : chroot)
    }
}
