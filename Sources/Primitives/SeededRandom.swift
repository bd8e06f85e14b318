/// SplitMix64: small, fast, the same numbers for the same seed on every machine.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        defer { state &+= StableHash.splitMixIncrement }
        return StableHash.splitMixed(state)
    }
}
