public import NIOCore

/// One entry of a node's access list: what somebody may do.
public struct ACL: Record, Hashable {
    /// What may be done with a node.
    public struct Permissions: OptionSet, Hashable, Sendable {
        public let rawValue: Int32

        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// Read the data and list the children.
        public static let read = Permissions(rawValue: 1)
        /// Change the data.
        public static let write = Permissions(rawValue: 2)
        /// Create children.
        public static let create = Permissions(rawValue: 4)
        /// Delete children.
        public static let delete = Permissions(rawValue: 8)
        /// Change the access list.
        public static let admin = Permissions(rawValue: 16)
        /// Everything.
        public static let all = Permissions(rawValue: 31)
    }

    /// What is allowed.
    public var permissions: Permissions
    /// How `id` is to be understood: `world`, `auth`, `digest`, `ip`, …
    public var scheme: String
    /// Whom it concerns, for example `anyone` or `user:base64(sha1(user:password))`.
    public var id: String

    /// Makes an entry.
    public init(permissions: Permissions, scheme: String, id: String) {
        self.permissions = permissions
        self.scheme = scheme
        self.id = id
    }

    /// Anybody may do anything.
    public static let worldAll = [ACL(permissions: .all, scheme: "world", id: "anyone")]
    /// Anybody may read.
    public static let worldRead = [ACL(permissions: .read, scheme: "world", id: "anyone")]
    /// Whoever creates the node, under each identity that it has proved on its connection, may do anything.
    public static let creatorAll = [ACL(permissions: .all, scheme: "auth", id: "")]

    public init(from buffer: inout ByteBuffer) throws {
        permissions = Permissions(rawValue: try buffer.readJuteInt("acl permissions"))
        scheme = try buffer.readJuteStringOrNull("acl scheme") ?? ""
        id = try buffer.readJuteStringOrNull("acl id") ?? ""
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(permissions.rawValue)
        buffer.writeJuteString(scheme)
        buffer.writeJuteString(id)
    }
}

extension ByteBuffer {
    mutating func readACLs() throws -> [ACL] {
        try readJuteVector("acl", minimumSize: 12) { try ACL(from: &$0) }
    }
}
