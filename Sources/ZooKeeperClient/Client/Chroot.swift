import ZooKeeperProtocol

/// The path under which a client sees the tree. Known to the client only: put before each path that is sent, taken off
/// each path that comes back.
struct Chroot: Hashable, Sendable {
    /// Empty for the whole tree, otherwise a path without trailing slash.
    let prefix: String

    init(_ path: String) {
        prefix = path == "/" ? "" : path
    }

    /// Whether the whole tree is seen.
    var isRoot: Bool { prefix.isEmpty }

    /// The path of the chroot itself.
    var path: String { prefix.isEmpty ? "/" : prefix }

    /// The server's name of a path of this view.
    func absolute(_ path: String) -> String {
        if prefix.isEmpty { return path }
        return path == "/" ? prefix : prefix + path
    }

    /// This view's name of a path of the server; unchanged when it does not lie under the chroot.
    func relative(_ path: String) -> String {
        guard !prefix.isEmpty, path.utf8.starts(with: prefix.utf8) else { return path }
        let rest = path.utf8.dropFirst(prefix.utf8.count)
        guard let first = rest.first else { return "/" }
        return first == UInt8(ascii: "/") ? String(Substring(rest)) : path
    }
}
