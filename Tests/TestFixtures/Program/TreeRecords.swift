/// The latest value of a tag as it stands in the tree.
public struct TagNode: Decodable, Sendable, Hashable {
    public let v: Scalar?
    public let q: String
    public let t: Int64
    public let r: Int64
}

/// What tests read of an alarm record.
public struct AlarmNode: Decodable, Sendable, Hashable {
    public let alarm: String
    public let tag: String
    public let state: String
    public let eventId: String
    public let occurrence: Int
    public let value: Scalar?
    public let ackBy: String?
    public let comment: String?
    public let epoch: Int64

    /// Whether it is about a gateway, not about the plant.
    public var isOfGateway: Bool { tag.hasPrefix("linekeeper/") }
}

/// One entry of the journal.
public struct JournalLine: Decodable, Sendable {
    /// From the node's name; set by ``TreeReader``.
    public internal(set) var sequence: Int64 = -1
    public let kind: String
    public let at: Int64
    public let gateway: String?
    public let epoch: Int64?
    public let transition: String?
    /// The alarm record after the transition, in an alarm entry.
    public let record: AlarmNode?

    private enum Key: String, CodingKey { case kind, at, gateway, epoch, transition, record }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        kind = try values.decode(String.self, forKey: .kind)
        at = try values.decode(Int64.self, forKey: .at)
        gateway = try values.decodeIfPresent(String.self, forKey: .gateway)
        epoch = try values.decodeIfPresent(Int64.self, forKey: .epoch)
        transition = try values.decodeIfPresent(String.self, forKey: .transition)
        record = kind == "alarm" ? try values.decode(AlarmNode.self, forKey: .record) : nil
    }
}

/// What tests read of a command record.
public struct CommandNode: Decodable, Sendable {
    public let id: String
    public let device: String
    public let command: String
    public let state: String
    public let execution: String?
    public let reason: String?
    public let detail: String?
    public let gateway: String?
    public let epoch: Int64?
    public let attempt: Int?
    public let verification: String?
}
