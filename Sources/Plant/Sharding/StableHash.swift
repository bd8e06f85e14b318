/// Hashes that are the same on every machine, in every version and in any language: FNV-1a with 64 bits, its bits then
/// mixed by MurmurHash3's 64-bit finaliser because FNV's upper bits spread poorly over short, similar names.
public enum StableHash {
    /// FNV-1a, 64 bits: offset basis 0xcbf29ce484222325, prime 0x100000001b3.
    public static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        fnv1a(bytes, from: 0xcbf2_9ce4_8422_2325)
    }

    /// FNV-1a continued over further bytes.
    public static func fnv1a(_ bytes: some Sequence<UInt8>, from start: UInt64) -> UInt64 {
        var hash = start
        for byte in bytes {
            hash ^= UInt64(byte)
            hash = hash &* 0x0000_0100_0000_01b3
        }
        return hash
    }

    /// MurmurHash3's `fmix64`.
    public static func mixed(_ hash: UInt64) -> UInt64 {
        var hash = hash
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        hash = hash &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 33
        return hash
    }
}
