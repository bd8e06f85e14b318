import NIOCore

/// The first sector of a segment, a checkpoint or a backup: what it is, the version of its format, its fields, zeros, and a
/// checksum over all of that.
enum HeaderSector {
    static func write(magic: UInt64, version: UInt32, _ writeFields: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(LogFormat.sectorSize)
        buffer.writeMultipleIntegers(magic, version)
        writeFields(&buffer)
        buffer.writeRepeatingByte(0, count: LogFormat.contentSize - buffer.readableBytes)
        buffer.writeInteger(buffer.withUnsafeReadableBytes { Checksum.crc32c($0) })
        return buffer
    }

    /// The fields of a sector whose checksum fits.
    ///
    /// - Parameter kind: What it should be, for whoever named another file.
    /// - Throws: ``RecoveryError`` in a form that fits behind a file's name.
    static func fields(of sector: [UInt8], magic: UInt64, version: UInt32, kind: String) throws -> ByteBuffer {
        var buffer = ByteBuffer(bytes: sector)
        guard sector.count == LogFormat.sectorSize, buffer.readInteger(as: UInt64.self) == magic,
            let found = buffer.readInteger(as: UInt32.self)
        else { throw RecoveryError("this is not \(kind)") }
        guard found == version else {
            throw RecoveryError("it has format \(found), this program knows \(version): use the newer program")
        }
        let expected = sector.withUnsafeBytes {
            Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0.prefix(LogFormat.contentSize)))
        }
        guard buffer.getInteger(at: LogFormat.contentSize, as: UInt32.self) == expected else { throw damaged }
        return buffer
    }

    static let damaged = RecoveryError("the header is damaged: its checksum does not fit")
}
