import NIOCore

/// A segment read back.
struct SegmentReader {
    /// How the part of a segment that nobody vouches for ends.
    enum Ending: Hashable {
        /// The server ended in good order.
        case closed
        /// Nothing was being written.
        case blank
        /// A batch was being written when the power was cut.
        case torn
    }

    /// How far a segment was read.
    struct Reach {
        var end: LogPosition
        var ending = Ending.blank
        /// Where the last batch begins, of those that were read.
        var lastBatch: Int?
    }

    private enum Find {
        case batch(BatchHeader, ByteBuffer)
        case blank
        case torn
        case damaged(String)
    }

    let path: String
    let header: SegmentHeader
    private let bytes: [UInt8]

    /// - Throws: ``RecoveryError`` when this is not the segment that its name says.
    init(path: String, sequence: UInt64, fileSystem: any StorageFileSystem) throws {
        self.path = path
        bytes = try fileSystem.open(path, .read).contents()
        header = try Self.header(Array(bytes.prefix(LogFormat.sectorSize)), path: path, sequence: sequence)
    }

    /// Only the header.
    static func header(path: String, sequence: UInt64, fileSystem: any StorageFileSystem) throws -> SegmentHeader {
        try header(
            try fileSystem.open(path, .read).contents(limit: LogFormat.sectorSize), path: path, sequence: sequence)
    }

    private static func header(_ sector: [UInt8], path: String, sequence: UInt64) throws -> SegmentHeader {
        let header: SegmentHeader
        do {
            header = try SegmentHeader(sector: sector)
        } catch let error as RecoveryError {
            throw RecoveryError.damage(path, 0, error.description)
        } catch let error as NewerFormatError {
            throw error.named(path)
        }
        guard header.sequence == sequence else {
            throw RecoveryError.damage(path, 0, "this is segment \(header.sequence) of the log under another's name")
        }
        return header
    }

    /// Hands out the batches from a place on.
    ///
    /// - Parameter end: Where the segment ends, if that is known; everything up to there must be intact. Otherwise the log
    ///   ends where nothing more was written, and only the very last batch may be torn.
    /// - Throws: ``RecoveryError`` for damage.
    func read(
        from start: LogPosition, to end: Int?, _ body: (BatchHeader, ByteBuffer) throws -> Void
    ) throws -> Reach {
        var position = start
        var ending = Ending.blank
        var lastBatch: Int?
        guard start.offset >= LogFormat.sectorSize, start.offset <= end ?? bytes.count, end ?? 0 <= bytes.count else {
            throw damage(
                bytes.count, "the file ends here, but the log goes on to byte \(max(start.offset, end ?? 0))", position)
        }
        reading: while position.offset < end ?? bytes.count - LogFormat.sectorSize + 1 {
            switch find(at: position.offset) {
            case .batch(let batch, let payload):
                let next = position.offset + LogFormat.size(payload: batch.length)
                guard batch.previousZxid == position.zxid, next <= end ?? .max else {
                    throw damage(
                        position.offset,
                        "a batch follows transaction \(hex(batch.previousZxid)), which is not the last one found",
                        position)
                }
                do {
                    try body(batch, payload)
                } catch let error as RecoveryError {
                    throw damage(position.offset, error.description, position)
                }
                lastBatch = position.offset
                position.offset = next
                position.zxid = batch.lastZxid
                if batch.kind == .closing, end == nil {
                    ending = .closed
                    break reading
                }
            case .damaged(let what): throw damage(position.offset, what, position)
            case .blank where end != nil:
                throw damage(position.offset, "a batch is missing", position)
            case .torn where end != nil:
                throw damage(position.offset, "a batch is damaged: its checksum does not fit", position)
            case .blank: break reading
            case .torn:
                ending = .torn
                break reading
            }
        }
        if end == nil, ending != .closed, let later = laterBatch(behind: position.offset) {
            throw damage(
                position.offset, "a batch is damaged or missing, and the log goes on at byte \(later)", position)
        }
        if end == nil, ending != .closed, bytes.count < header.size {
            throw RecoveryError.cutShort(path, bytes.count, madeWith: header.size, lastGood: position.zxid)
        }
        return Reach(end: position, ending: ending, lastBatch: lastBatch)
    }

    private func damage(_ offset: Int, _ what: String, _ position: LogPosition) -> RecoveryError {
        .damage(path, offset, what, lastGood: position.zxid)
    }

    private func find(at offset: Int) -> Find {
        bytes.withUnsafeBytes { bytes in
            let first = offset / LogFormat.sectorSize
            let isStamped = isStamped(first, bytes)
            guard let batch = batchHeader(at: first, bytes) else {
                return isStamped ? .damaged("the header of a batch is damaged") : .blank
            }
            let count = LogFormat.sectors(payload: batch.length)
            guard count <= (bytes.count - offset) / LogFormat.sectorSize else {
                return .damaged("the file ends in the middle of a batch")
            }
            var payload = ByteBuffer()
            payload.reserveCapacity(batch.length)
            var left = batch.length
            for index in 0..<count {
                let skipped = index == 0 ? LogFormat.batchHeaderSize : 0
                let start = offset + index * LogFormat.sectorSize + skipped
                let length = min(left, LogFormat.contentSize - skipped)
                payload.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
                left -= length
            }
            let checksum = payload.withUnsafeReadableBytes {
                Checksum.crc32c($0, startingWith: header.salt.seed)
            }
            if checksum == batch.checksum { return .batch(batch, payload) }
            // Every sector of it was written, so it was not cut short by a loss of power.
            return (first..<first + count).allSatisfy { self.isStamped($0, bytes) }
                ? .damaged("a batch is damaged: its checksum does not fit") : .torn
        }
    }

    private func isStamped(_ sector: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let stamp = bytes.loadUnaligned(
            fromByteOffset: sector * LogFormat.sectorSize + LogFormat.contentSize, as: UInt32.self)
        return UInt32(bigEndian: stamp) == header.salt.stamp(ofSector: sector)
    }

    private func batchHeader(at sector: Int, _ bytes: UnsafeRawBufferPointer) -> BatchHeader? {
        let start = sector * LogFormat.sectorSize
        return BatchHeader(
            UnsafeRawBufferPointer(rebasing: bytes[start..<start + LogFormat.batchHeaderSize]), salt: header.salt,
            sector: sector)
    }

    /// The first batch that stands behind what looks like the end of the log. There is none unless the log is damaged: a
    /// batch is written only when the one before is durable.
    private func laterBatch(behind offset: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            let first = offset / LogFormat.sectorSize + 1
            let end = bytes.count / LogFormat.sectorSize
            guard first < end else { return nil }
            return (first..<end).first { isStamped($0, bytes) && batchHeader(at: $0, bytes) != nil }
                .map { $0 * LogFormat.sectorSize }
        }
    }
}
