package import Primitives

/// What one round does: made of seed and number alone, so that it can be played again.
package struct RoundPlan: Sendable {
    package let seed: UInt64
    package let number: Int
    package let kinds: [FaultKind]
    package let gateways: Int
    package let tree: TreeChoice
    /// When the fault begins, counted from the first sample.
    package let strikeAt: Duration
    /// Between the first fault of a pair and the second.
    package let secondAfter: Duration
    /// For everything else that is left to chance in this round.
    package let chance: UInt64

    /// Kinds of both faults of a pair.
    package var kindText: String { kinds.map(\.rawValue).joined(separator: "+") }
    package var settings: [Setting] { kinds.map(\.setting) }

    package func random(_ purpose: String) -> SeededRandom {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ chance
        for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return SeededRandom(seed: hash)
    }
}

extension SeededRandom {
    /// So many milliseconds, from the whole range.
    package mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: range, using: &self))
    }
}
