/// One member of a ``Membership``.
public struct Member: Hashable, Sendable {
    /// The node's name.
    public var name: String
    /// The node's data.
    public var data: [UInt8]
    /// The session that the node belongs to; 0 when it is not ephemeral.
    public var sessionID: Int64

    /// Makes a description of a member.
    public init(name: String, data: [UInt8], sessionID: Int64) {
        self.name = name
        self.data = data
        self.sessionID = sessionID
    }
}
