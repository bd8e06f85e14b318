/// A gateway as the others see it in `/gateways`.
public struct GatewayMember: Sendable, Hashable {
    public let name: String
    public let life: GatewayLife
    /// The czxid of its node: who has the smaller one is registered longer.
    public let registration: Int64
    public let isReady: Bool
    public let isSettled: Bool
    /// nil counts as equal to every other.
    public let routesDigest: String?
    /// When its process started, by its own clock; 0 when it does not say.
    public let started: Milliseconds
    /// Whether it is of a version that divides shards among all that are registered, ready or not.
    public let isOlder: Bool
    /// How many times as many shards it takes as a member of weight 1.
    public let weight: Int
    /// Whether it hands over what it owns, and takes nothing more as long as others can.
    public let isDraining: Bool

    public init(
        name: String, life: GatewayLife, registration: Int64, isReady: Bool, isSettled: Bool, routesDigest: String?,
        started: Milliseconds = 0, isOlder: Bool = false, weight: Int = 1, isDraining: Bool = false
    ) {
        self.name = name
        self.life = life
        self.registration = registration
        self.isReady = isReady
        self.isSettled = isSettled
        self.routesDigest = routesDigest
        self.started = started
        self.isOlder = isOlder
        self.weight = weight
        self.isDraining = isDraining
    }

    /// nil for a ghost: a node that no living gateway keeps. Its node must be ephemeral and its record must parse.
    public init?(name: String, data: [UInt8], sessionID: Int64, registration: Int64) {
        guard sessionID != 0, let record = GatewayRecord(parsing: data, name: name) else { return nil }
        self.init(
            name: name, life: record.identity.asLife, registration: registration, isReady: record.isReady ?? true,
            isSettled: record.isSettled ?? true, routesDigest: record.routesDigest, started: record.identity.started,
            isOlder: record.isReady == nil, weight: record.weight, isDraining: record.isDraining)
    }
}
