import ZooKeeperProtocol

/// What a node adds to the digest of the tree: a hash of its path and of everything stored about it.
///
/// The tree's digest is the sum, modulo 2⁶⁴, over all nodes, so that a change costs the hash of what it touched only
/// (ZooKeeper's `AdHash`, from Bellare and Micciancio's "A New Paradigm for Collision-free Hashing"). It finds mistakes of
/// the program: replaying the log must end at the sum that was there when the log was written. It is no protection against
/// somebody who means harm, and its numbers are not ZooKeeper's.
enum NodeDigest {
    static func of(_ path: PathKey, _ state: NodeState) -> UInt64 {
        // What quotas hold is counted anew at each start and is not in the log.
        guard !path.string.utf8.starts(with: quotaPrefix) else { return 0 }
        var hash = Hash()
        hash.add(path.string)
        if let data = state.data { data.withUnsafeBytes { hash.add($0) } } else { hash.add(UInt64.max) }
        hash.add(UInt64(bitPattern: state.czxid))
        hash.add(UInt64(bitPattern: state.mzxid))
        hash.add(UInt64(bitPattern: state.pzxid))
        hash.add(UInt64(bitPattern: state.ctime))
        hash.add(UInt64(bitPattern: state.mtime))
        hash.add(UInt64(UInt32(bitPattern: state.version)) << 32 | UInt64(UInt32(bitPattern: state.creations)))
        hash.add(UInt64(UInt32(bitPattern: state.aversion)))
        hash.add(UInt64(bitPattern: state.owner.rawValue))
        if state.acl != ACL.worldAll {
            for entry in state.acl {
                hash.add(UInt64(UInt32(bitPattern: entry.permissions.rawValue)))
                hash.add(entry.scheme)
                hash.add(entry.id)
            }
        }
        return hash.value
    }

    private static let quotaPrefix = Array((QuotaTable.root + "/").utf8)

    /// A fast hash that is the same in every process: each word is folded in by a full multiplication.
    private struct Hash {
        private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

        mutating func add(_ word: UInt64) {
            let product = (value ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            // The rotation tells zero from nothing.
            value = (product.high ^ product.low) &+ (value << 23 | value >> 41)
        }

        mutating func add(_ text: String) {
            var text = text
            text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
        }

        mutating func add(_ bytes: UnsafeRawBufferPointer) {
            add(UInt64(bytes.count))
            var index = 0
            while index + 8 <= bytes.count {
                add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
                index += 8
            }
            var rest: UInt64 = 0
            while index < bytes.count {
                rest = rest << 8 | UInt64(bytes[index])
                index += 1
            }
            add(rest)
        }
    }
}
