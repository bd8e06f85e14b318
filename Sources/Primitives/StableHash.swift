/// Hashes that are the same on every machine, in every version and in any language: FNV-1a with 64 bits, its bits then
/// mixed by a finaliser because FNV's upper bits spread poorly over short, similar names.
///
/// Nothing here may change: shards, digests and plans that gateways of two versions compare are made of it.
package enum StableHash {
    /// FNV-1a's offset basis, with which it begins.
    package static let basis: UInt64 = 0xcbf2_9ce4_8422_2325

    /// FNV-1a, 64 bits, prime 0x100000001b3.
    ///
    /// - Parameter start: ``basis``, or the hash of what comes before these bytes.
    package static func fnv1a(_ bytes: some Sequence<UInt8>, from start: UInt64 = basis) -> UInt64 {
        var hash = start
        for byte in bytes {
            hash ^= UInt64(byte)
            hash = hash &* 0x0000_0100_0000_01b3
        }
        return hash
    }

    /// MurmurHash3's `fmix64`: for shards and digests.
    package static func mixed(_ hash: UInt64) -> UInt64 {
        var hash = hash
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        hash = hash &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 33
        return hash
    }

    /// By how much SplitMix64's state grows with each number.
    static let splitMixIncrement: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// One step of SplitMix64: for plans of the partition recipe, which members of every version compute alike.
    package static func splitMixed(_ hash: UInt64) -> UInt64 {
        var hash = hash &+ splitMixIncrement
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return hash ^ (hash >> 31)
    }
}
