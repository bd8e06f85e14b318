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
    /// - Throws: ``RecoveryError`` in a form that fits behind a file's name; ``NewerFormatError``.
    static func fields(of sector: [UInt8], magic: UInt64, version: UInt32, kind: String) throws -> ByteBuffer {
        var buffer = ByteBuffer(bytes: sector)
        guard buffer.readInteger(as: UInt64.self) == magic, let found = buffer.readInteger(as: UInt32.self) else {
            throw RecoveryError("this is not \(kind)")
        }
        guard sector.count == LogFormat.sectorSize else {
            throw RecoveryError("the file is cut short: it ends within its header")
        }
        let expected = sector.withUnsafeBytes {
            Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0.prefix(LogFormat.contentSize)))
        }
        // Before the version: a flipped bit there is damage, and no newer program.
        guard buffer.getInteger(at: LogFormat.contentSize, as: UInt32.self) == expected else { throw damaged }
        guard found == version else { throw NewerFormatError(found: found, known: version) }
        return buffer
    }

    static let damaged = RecoveryError("the header is damaged: its checksum does not fit")
}

/// An intact file that another version of the program has written. Nothing is lost, and nothing needs to be restored.
struct NewerFormatError: Error {
    let found: UInt32
    let known: UInt32

    func named(_ path: String) -> RecoveryError {
        RecoveryError(
            "\(path) has format \(found), and this program knows format \(known). It is undamaged: use the version of the "
                + "program that wrote it.")
    }
}
