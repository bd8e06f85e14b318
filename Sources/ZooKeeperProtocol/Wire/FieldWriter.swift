import NIOCore

/// Writes the fields of a record into room that was made for all of them at once.
///
/// A `ByteBuffer` makes sure of its room and of its storage at each field, which costs more than the field: for a
/// transaction of a hundred small changes most of the time that it takes to write.
struct FieldWriter {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    fileprivate init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
        let end = count + MemoryLayout<Integer>.size
        precondition(end <= room.count, "a record is longer than was reckoned")
        room.storeBytes(of: value.bigEndian, toByteOffset: count, as: Integer.self)
        count = end
    }

    mutating func string(_ string: String) {
        let copied: Void? = string.utf8.withContiguousStorageIfAvailable { append(UnsafeRawBufferPointer($0)) }
        if copied == nil { Array(string.utf8).withUnsafeBytes { append($0) } }
    }

    mutating func bytes(_ bytes: [UInt8]?) {
        guard let bytes else { return integer(Int32(-1)) }
        bytes.withUnsafeBytes { append($0) }
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        integer(Int32(clamping: bytes.count))
        let end = count + bytes.count
        precondition(end <= room.count, "a record is longer than was reckoned")
        UnsafeMutableRawBufferPointer(rebasing: room[count..<end]).copyMemory(from: bytes)
        count = end
    }
}

extension ByteBuffer {
    /// Appends a record of at most `size` bytes.
    mutating func writeFields(atMost size: Int, _ body: (inout FieldWriter) -> Void) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            var writer = FieldWriter(room)
            body(&writer)
            return writer.count
        }
    }
}
