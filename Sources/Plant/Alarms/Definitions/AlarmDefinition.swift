/// One limit of an alarm and how soon somebody has to act beyond it.
public struct AlarmLimit: Sendable, Hashable {
    public var limit: Double
    public var priority: AlarmPriority

    public init(limit: Double, priority: AlarmPriority) {
        self.limit = limit
        self.priority = priority
    }
}

/// An alarm as it is configured: up to four limits on every tag that a filter matches.
///
/// A value is beyond a high limit when it is greater, beyond a low limit when it is less; equal is not beyond. It has
/// returned when it is on the safe side of the limit by more than the deadband: less than `high − deadband`, more than
/// `low + deadband`. Each limit activates after `onDelay` beyond it without a break and returns after `offDelay`
/// returned without a break.
public struct AlarmDefinition: Sendable, Hashable {
    /// Longest name in bytes.
    public static let nameLengthLimit = 128
    /// Longest delay: 30 days.
    public static let delayLimit: Milliseconds = 30 * 24 * 3600 * 1000

    /// Unique among the alarms of a plant; the last level of the alarm's path.
    public var name: String
    public var tags: TopicFilter
    public var high: AlarmLimit?
    public var highHigh: AlarmLimit?
    public var low: AlarmLimit?
    public var lowLow: AlarmLimit?
    /// In the tag's unit.
    public var deadband: Double
    public var onDelay: Milliseconds
    public var offDelay: Milliseconds
    /// What the operator reads beside the alarm.
    public var message: String?

    public init(
        name: String, tags: TopicFilter, high: AlarmLimit? = nil, highHigh: AlarmLimit? = nil, low: AlarmLimit? = nil,
        lowLow: AlarmLimit? = nil, deadband: Double = 0, onDelay: Milliseconds = 0, offDelay: Milliseconds = 0,
        message: String? = nil
    ) {
        self.name = name
        self.tags = tags
        self.high = high
        self.highHigh = highHigh
        self.low = low
        self.lowLow = lowLow
        self.deadband = deadband
        self.onDelay = onDelay
        self.offDelay = offDelay
        self.message = message
    }

    /// What it says about the life of its alarms: as yet nothing but what is usual.
    var lifeCycleRules: AlarmLifeCycle.Rules { .init() }

    /// How many limits are configured.
    var limitCount: Int { [high, highHigh, low, lowLow].count { $0 != nil } }

    /// The limit behind a condition; nil for `normal` and for a limit that is not configured.
    public func limit(of condition: AlarmCondition) -> AlarmLimit? {
        switch condition {
        case .normal: nil
        case .low: low
        case .lowLow: lowLow
        case .high: high
        case .highHigh: highHigh
        }
    }
}

extension AlarmDefinition {
    /// Everything that is wrong with this alarm; empty when it can be used.
    public var mistakes: [AlarmMistake] {
        var mistakes: [AlarmMistake] = []
        if name.isEmpty {
            mistakes.append(AlarmMistake(.name, .emptyName))
        } else if name.utf8.count > Self.nameLengthLimit {
            mistakes.append(AlarmMistake(.name, .nameTooLong))
        } else if !Self.isLevel(name) {
            mistakes.append(AlarmMistake(.name, .nameNotALevel))
        }
        // From the lowest to the highest, as they must ascend.
        let limits: [(AlarmMistake.Field, Double?)] = [
            (.lowLow, lowLow?.limit), (.low, low?.limit), (.high, high?.limit), (.highHigh, highHigh?.limit),
        ]
        var below: (AlarmMistake.Field, Double)?
        for (field, limit) in limits {
            guard let limit else { continue }
            guard limit.isFinite else {
                mistakes.append(AlarmMistake(field, .notFinite))
                continue
            }
            if let below, !(below.1 < limit) { mistakes.append(AlarmMistake(below.0, .notBelow(field))) }
            below = (field, limit)
        }
        if limits.allSatisfy({ $0.1 == nil }) { mistakes.append(AlarmMistake(.alarm, .noLimit)) }
        if !deadband.isFinite {
            mistakes.append(AlarmMistake(.deadband, .notFinite))
        } else if deadband < 0 {
            mistakes.append(AlarmMistake(.deadband, .negative))
        } else if let lower = low ?? lowLow, let upper = high ?? highHigh, lower.limit < upper.limit,
            !(lower.limit + deadband < upper.limit - deadband)
        {
            mistakes.append(AlarmMistake(.deadband, .deadbandsOverlap))
        }
        for (field, delay) in [(AlarmMistake.Field.onDelay, onDelay), (.offDelay, offDelay)] {
            if delay < 0 { mistakes.append(AlarmMistake(field, .negative)) }
            if delay > Self.delayLimit { mistakes.append(AlarmMistake(field, .tooLong)) }
        }
        return mistakes
    }

    /// Every mistake of several alarms, with the position of the alarm.
    public static func mistakes(in definitions: [AlarmDefinition]) -> [(index: Int, mistake: AlarmMistake)] {
        var names: Set<[UInt8]> = []
        var mistakes: [(index: Int, mistake: AlarmMistake)] = []
        for (index, definition) in definitions.enumerated() {
            mistakes += definition.mistakes.map { (index, $0) }
            if !names.insert(Array(definition.name.utf8)).inserted {
                mistakes.append((index, AlarmMistake(.name, .duplicateName)))
            }
        }
        return mistakes
    }

    /// A level of a topic that is its own spelling in the tree.
    private static func isLevel(_ name: String) -> Bool {
        guard let path = try? TagPath(name), path.levels.count == 1 else { return false }
        return path.znodePath.utf8.elementsEqual(name.utf8)
    }
}
