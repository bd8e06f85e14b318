/// Text as its bytes: what names in the tree are compared by. Swift's own `==` treats texts as
/// equal that ZooKeeper distinguishes.
extension String {
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
        var copy = self
        return copy.withUTF8(body)
    }

    func hasSameBytes(as other: String) -> Bool {
        withBytes { left in other.withBytes { right in left.count == right.count && left.elementsEqual(right) } }
    }

    func precedesByBytes(_ other: String) -> Bool {
        withBytes { left in other.withBytes { right in left.lexicographicallyPrecedes(right) } }
    }

    func hashBytes(into hasher: inout Hasher) {
        withBytes { bytes in
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
            hasher.combine(bytes.count)
        }
    }
}
