#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A path as a key: equal when the bytes are equal.
///
/// Swift's strings are equal when they are canonically equivalent; two spellings of “é” would be one node then, which
/// for ZooKeeper are two.
struct PathKey: Hashable, Sendable {
    let string: String

    init(_ string: String) {
        self.string = string
    }

    static let root = PathKey("/")

    static func == (left: PathKey, right: PathKey) -> Bool {
        let leftBytes = left.string.utf8
        let rightBytes = right.string.utf8
        guard leftBytes.count == rightBytes.count else { return false }
        let fast = leftBytes.withContiguousStorageIfAvailable { leftStorage in
            rightBytes.withContiguousStorageIfAvailable { rightStorage in
                // Not `elementsEqual`, which compares byte by byte.
                Self.haveEqualBytes(leftStorage, rightStorage)
            }
        }
        return fast.flatMap { $0 } ?? leftBytes.elementsEqual(rightBytes)
    }

    private static func haveEqualBytes(
        _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else { return left.isEmpty }
        return memcmp(leftStart, rightStart, left.count) == 0
    }

    func hash(into hasher: inout Hasher) {
        let done: Void? = string.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if done == nil { for byte in string.utf8 { hasher.combine(byte) } }
    }
}
