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
                leftStorage.elementsEqual(rightStorage)
            }
        }
        return fast.flatMap { $0 } ?? leftBytes.elementsEqual(rightBytes)
    }

    func hash(into hasher: inout Hasher) {
        let done: Void? = string.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if done == nil { for byte in string.utf8 { hasher.combine(byte) } }
    }
}
