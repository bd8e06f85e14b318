/// What kind of node a create makes. The raw value is the `flags` field on the wire.
public enum CreateMode: Int32, Sendable, Hashable, CaseIterable {
    /// Stays until it is deleted.
    case persistent = 0
    /// Goes with the session that created it.
    case ephemeral = 1
    /// Persistent, with ten digits appended that count the parent's creations.
    case persistentSequential = 2
    /// Ephemeral, with ten digits appended that count the parent's creations.
    case ephemeralSequential = 3
    /// Removed by the server some time after its last child was deleted.
    case container = 4
    /// Removed by the server when it has no children and has not been changed for its time to live.
    case persistentTTL = 5
    /// As ``persistentTTL``, with ten digits appended.
    case persistentSequentialTTL = 6

    /// Whether the server appends a number to the name.
    public var isSequential: Bool {
        switch self {
        case .persistentSequential, .ephemeralSequential, .persistentSequentialTTL: true
        case .persistent, .ephemeral, .container, .persistentTTL: false
        }
    }

    /// Whether the node belongs to the session that creates it.
    public var isEphemeral: Bool {
        switch self {
        case .ephemeral, .ephemeralSequential: true
        case .persistent, .persistentSequential, .container, .persistentTTL, .persistentSequentialTTL: false
        }
    }

    /// Whether the node has a time to live.
    public var hasTimeToLive: Bool {
        switch self {
        case .persistentTTL, .persistentSequentialTTL: true
        case .persistent, .ephemeral, .persistentSequential, .ephemeralSequential, .container: false
        }
    }
}
