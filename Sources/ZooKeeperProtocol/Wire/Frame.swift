public import NIOCore

/// A frame: a 32-bit length and that many bytes, in both directions.
public enum Frame {
    /// The longest frame that ZooKeeper accepts unless told otherwise (`jute.maxbuffer`).
    public static let defaultMaximumLength = 0xFFFFF

    /// Takes the next complete frame off the front of what has been received.
    ///
    /// - Returns: The bytes of the frame without its length, sharing storage with `buffer`; `nil` when more must arrive.
    /// - Throws: ``WireFormatError`` for a negative or too great length; the connection is then beyond repair.
    public static func decode(
        from buffer: inout ByteBuffer, maximumLength: Int = defaultMaximumLength
    ) throws -> ByteBuffer? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: Int32.self) else { return nil }
        guard length >= 0, Int(length) <= maximumLength else { throw WireFormatError.length("frame", length) }
        guard buffer.readableBytes >= 4 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        return buffer.readSlice(length: Int(length))
    }

    /// Appends a frame whose content `body` writes.
    @inlinable
    public static func write<Failure>(
        into buffer: inout ByteBuffer, _ body: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        let start = buffer.writerIndex
        buffer.writeInteger(0, as: Int32.self)
        try body(&buffer)
        buffer.setInteger(Int32(clamping: buffer.writerIndex - start - 4), at: start)
    }
}
