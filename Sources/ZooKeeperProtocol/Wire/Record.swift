public import NIOCore

/// A jute record: its fields stand one after the other in declared order, without tags or padding.
///
/// Every record can be written and read, because the client and the server share them.
public protocol Record: Sendable {
    /// Reads the record and moves the reader index behind it.
    ///
    /// - Throws: ``WireFormatError`` when the bytes are not such a record. The reader index is then unspecified.
    init(from buffer: inout ByteBuffer) throws

    /// Appends the record.
    func write(into buffer: inout ByteBuffer)
}
