import Primitives
import Testing

@Suite("Stable hash")
struct StableHashTests {
    @Test(
        "FNV-1a's published test vectors",
        arguments: [
            ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("b", 0xaf63_df4c_8601_f1a5),
            ("foobar", 0x8594_4171_f739_67e8),
        ] as [(String, UInt64)])
    func fnv1a(text: String, hash: UInt64) {
        #expect(StableHash.fnv1a(text.utf8) == hash)
    }

    @Test("The hash of two parts is the hash of the whole") func continued() {
        #expect(StableHash.fnv1a("bar".utf8, from: StableHash.fnv1a("foo".utf8)) == StableHash.fnv1a("foobar".utf8))
    }

    @Test("The finalisers' values: MurmurHash3's, and the first number of SplitMix64 for its seed") func finalisers() {
        #expect(StableHash.mixed(0) == 0)
        #expect(StableHash.mixed(1) == 0xb456_bcfc_34c2_cb2c)
        #expect(StableHash.splitMixed(0) == 0xe220_a839_7b1d_cdaf)
        #expect(StableHash.splitMixed(1) == 0x910a_2dec_8902_5cc1)
    }
}
