/// One member of a ``Membership``.
public struct Member: Hashable, Sendable {
    /// The node's name.
    public var name: String
    /// The node's data.
    public var data: [UInt8]
    /// The session that the node belongs to; 0 when it is not ephemeral.
    public var sessionID: Int64
    /// The transaction that made the node (its czxid): who has a smaller one is a member longer.
    public var registration: Int64

    /// Makes a description of a member.
    public init(name: String, data: [UInt8], sessionID: Int64, registration: Int64 = 0) {
        self.name = name
        self.data = data
        self.sessionID = sessionID
        self.registration = registration
    }
}
