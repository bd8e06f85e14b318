/// Where the signal of an alarm lies to one of its levels.
enum SignalPosition: UInt8, Sendable {
    /// Not beyond the level, and not returned from it by more than the deadband.
    case between = 0
    case returned = 1
    case beyond = 2
}

/// Where the signal of an alarm lies to each of its levels, at most four: two bits per level.
struct SignalZone: Sendable, Hashable {
    private(set) var bits: UInt8 = 0

    subscript(level: Int) -> SignalPosition {
        get { SignalPosition(rawValue: bits >> (2 * UInt8(level)) & 3) ?? .between }
        set { bits = bits & ~(3 << (2 * UInt8(level))) | newValue.rawValue << (2 * UInt8(level)) }
    }

    var isBeyondAny: Bool { bits & 0b1010_1010 != 0 }
}
