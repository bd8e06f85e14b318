import NIOCore

/// The layout of the log.
///
/// A log is a sequence of segments, files of a fixed size that are used again once a checkpoint has made them obsolete. A
/// segment begins with a sector that holds a ``SegmentHeader``; batches follow, each beginning with a new sector and
/// written once, in one piece: no sector that holds something durable is ever written again.
///
/// The last four bytes of each sector of a batch are its ``LogSalt/stamp(ofSector:)``. A disk writes a sector whole or not
/// at all, so the stamp tells whether a sector was written in this use of the file. That tells a batch which a power cut
/// tore apart (some of its sectors were not written; nobody was told of it; it is dropped) from one that was damaged
/// later (all were written; somebody may have been told; the server does not start on it).
enum LogFormat {
    static let version: UInt32 = 1
    static let sectorSize = 512
    /// What a sector holds beside its stamp.
    static let contentSize = 508
    static let batchHeaderSize = 40

    /// The sectors of a batch.
    static func sectors(payload: Int) -> Int {
        (batchHeaderSize + payload + contentSize - 1) / contentSize
    }

    static func size(payload: Int) -> Int { sectors(payload: payload) * sectorSize }

    static func segmentName(_ sequence: UInt64) -> String { "log-" + fixedHex(sequence) }

    static func checkpointName(_ zxid: Int64) -> String { "checkpoint-" + fixedHex(UInt64(bitPattern: zxid)) }

    /// The number in a name such as `log-00000000000000a0`.
    static func number(in name: String, after prefix: String) -> UInt64? {
        guard name.hasPrefix(prefix) else { return nil }
        let digits = name.dropFirst(prefix.count)
        return digits.utf8.count == 16 ? UInt64(digits, radix: 16) : nil
    }

    static func fixedHex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// A random number for each use of a file. Checksums and stamps begin with it, so that neither what an earlier use has left
/// nor what a client writes into a node can look like a batch.
struct LogSalt: Hashable, Sendable {
    let value: UInt64

    static func random() -> LogSalt { LogSalt(value: .random(in: .min ... .max)) }

    var seed: UInt32 { UInt32(truncatingIfNeeded: value ^ (value >> 32)) }

    func stamp(ofSector index: Int) -> UInt32 {
        var mixed = value &+ UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        // Never 0: a sector that was never written is full of zeros.
        return UInt32(truncatingIfNeeded: mixed ^ (mixed >> 31)) | 1
    }
}

/// The first sector of a segment.
struct SegmentHeader: Hashable, Sendable {
    private static let magic: UInt64 = 0x4C4B_4C4F_4753_4547  // LKLOGSEG

    var sequence: UInt64
    var salt: LogSalt
    /// The segment before; 0 for the first.
    var previousSequence: UInt64
    /// Where that segment ends. What may stand behind was never acknowledged.
    var previousEnd: Int
    /// The newest transaction before this segment.
    var previousZxid: Int64
    /// The zxid that the start which made this segment began with.
    var startZxid: Int64
    /// What session passwords are derived from.
    var secret: [UInt8]
    /// The size that the file was made with, before it had its name: a shorter one was cut short later. 0 where an earlier
    /// version has not stated it.
    var size = 0

    /// The whole sector.
    var sector: ByteBuffer {
        HeaderSector.write(magic: Self.magic, version: LogFormat.version) { buffer in
            buffer.writeMultipleIntegers(sequence, salt.value, previousSequence)
            buffer.writeMultipleIntegers(Int64(previousEnd), previousZxid, startZxid, UInt8(clamping: secret.count))
            buffer.writeBytes(secret)
            buffer.writeInteger(Int64(size))
        }
    }

    /// Reads a header.
    ///
    /// - Throws: ``RecoveryError`` in a form that fits behind a file's name.
    init(sector: [UInt8]) throws {
        var fields = try HeaderSector.fields(
            of: sector, magic: Self.magic, version: LogFormat.version, kind: "a segment of a log")
        guard let (sequence, salt, previousSequence) = fields.readMultipleIntegers(as: (UInt64, UInt64, UInt64).self),
            let (previousEnd, previousZxid, startZxid, secretCount) = fields.readMultipleIntegers(
                as: (Int64, Int64, Int64, UInt8).self),
            let secret = fields.readBytes(length: Int(secretCount)), let size = fields.readInteger(as: Int64.self),
            previousEnd >= 0, size >= 0
        else { throw HeaderSector.damaged }
        self.sequence = sequence
        self.salt = LogSalt(value: salt)
        self.previousSequence = previousSequence
        self.previousEnd = Int(previousEnd)
        self.previousZxid = previousZxid
        self.startZxid = startZxid
        self.secret = secret
        self.size = Int(size)
    }

    init(
        sequence: UInt64, salt: LogSalt, previousSequence: UInt64, previousEnd: Int, previousZxid: Int64,
        startZxid: Int64, secret: [UInt8]
    ) {
        self.sequence = sequence
        self.salt = salt
        self.previousSequence = previousSequence
        self.previousEnd = previousEnd
        self.previousZxid = previousZxid
        self.startZxid = startZxid
        self.secret = secret
    }
}

/// What stands at the beginning of a batch.
struct BatchHeader: Hashable, Sendable {
    enum Kind: UInt32 {
        case records = 1
        /// The server ended in good order: nothing follows in this segment.
        case closing = 2
    }

    private static let magic: UInt32 = 0x4C4B_6231  // LKb1

    var kind: Kind
    var length: Int
    var checksum: UInt32
    /// The newest transaction before the batch, and the newest in it.
    var previousZxid: Int64
    var lastZxid: Int64

    /// - Parameter sector: The number of the batch's first sector in its file; a batch elsewhere than where it was written
    ///   is none.
    func write(into bytes: UnsafeMutableRawBufferPointer, salt: LogSalt, sector: Int) {
        bytes.storeBytes(of: Self.magic.bigEndian, toByteOffset: 0, as: UInt32.self)
        bytes.storeBytes(of: kind.rawValue.bigEndian, toByteOffset: 4, as: UInt32.self)
        bytes.storeBytes(of: UInt32(clamping: length).bigEndian, toByteOffset: 8, as: UInt32.self)
        bytes.storeBytes(of: checksum.bigEndian, toByteOffset: 12, as: UInt32.self)
        bytes.storeBytes(of: previousZxid.bigEndian, toByteOffset: 16, as: Int64.self)
        bytes.storeBytes(of: lastZxid.bigEndian, toByteOffset: 24, as: Int64.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: sector).bigEndian, toByteOffset: 32, as: UInt32.self)
        let checksum = Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[0..<36]), startingWith: salt.seed)
        bytes.storeBytes(of: checksum.bigEndian, toByteOffset: 36, as: UInt32.self)
    }

    init(kind: Kind, length: Int, checksum: UInt32, previousZxid: Int64, lastZxid: Int64) {
        self.kind = kind
        self.length = length
        self.checksum = checksum
        self.previousZxid = previousZxid
        self.lastZxid = lastZxid
    }

    /// - Returns: `nil` when there is no header, or a damaged one.
    init?(_ bytes: UnsafeRawBufferPointer, salt: LogSalt, sector: Int) {
        guard bytes.count >= LogFormat.batchHeaderSize else { return nil }
        func integer<Integer: FixedWidthInteger>(_ offset: Int, _: Integer.Type) -> Integer {
            Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Integer.self))
        }
        guard integer(0, UInt32.self) == Self.magic, let kind = Kind(rawValue: integer(4, UInt32.self)),
            integer(32, UInt32.self) == UInt32(truncatingIfNeeded: sector),
            integer(36, UInt32.self)
                == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[0..<36]), startingWith: salt.seed)
        else { return nil }
        self.kind = kind
        length = Int(integer(8, UInt32.self))
        checksum = integer(12, UInt32.self)
        previousZxid = integer(16, Int64.self)
        lastZxid = integer(24, Int64.self)
    }
}

/// A place in the log.
struct LogPosition: Hashable, Sendable {
    var sequence: UInt64
    var offset: Int
    /// The newest transaction before it.
    var zxid: Int64
}
