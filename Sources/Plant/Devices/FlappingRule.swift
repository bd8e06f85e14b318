/// When a device that goes and comes counts as flapping.
public struct FlappingRule: Sendable, Hashable {
    /// So many losses within ``within`` make it flap.
    public var losses: Int
    public var within: Milliseconds
    /// It is called online again once it has been there for so long without a break.
    public var steadyFor: Milliseconds

    public init(losses: Int = 5, within: Milliseconds = 600_000, steadyFor: Milliseconds = 60_000) {
        self.losses = losses
        self.within = within
        self.steadyFor = steadyFor
    }

    /// What holds where no route says anything.
    public static let standard = FlappingRule()

    /// With one loss every device that goes would flap; each loss that is remembered costs memory.
    public static let lossesRange = 2...100
}

/// What a route says about devices that flap.
public enum FlappingDamping: Sendable, Hashable {
    /// A device is online as soon as it is heard.
    case off
    case rule(FlappingRule)

    /// Of several routes the one counts that says `off`, else of each number the strictest, whichever was heard first.
    static func joined(_ one: FlappingDamping?, _ other: FlappingDamping?) -> FlappingDamping? {
        switch (one, other) {
        case (let said, nil), (nil, let said): said
        case (.off, _), (_, .off): .off
        case (.rule(let one), .rule(let other)):
            .rule(
                FlappingRule(
                    losses: min(one.losses, other.losses), within: max(one.within, other.within),
                    steadyFor: max(one.steadyFor, other.steadyFor)))
        }
    }
}
