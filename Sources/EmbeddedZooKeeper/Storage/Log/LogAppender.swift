import NIOCore

/// Writes batches into the segment in use: one write and one synchronisation each.
///
/// After anything has failed it is of no further use: what the failed write left is not known. A new one goes on in a new
/// segment, whose header states how far this one is good.
struct LogAppender {
    private(set) var header: SegmentHeader
    /// The end of what is durable.
    private(set) var position: LogPosition
    private let file: any StorageFile
    private let size: Int
    private var zeroedTo: Int
    private let buffer: SectorBuffer
    private let zeroStep: Int

    /// The largest piece that is written at once.
    private static let pieceSize = 256 << 10

    /// Begins a segment in a spare file.
    ///
    /// The header is durable before the file has its name, and the name before the first batch is written: a segment
    /// whose header cannot be read is therefore damaged, not unfinished.
    init(
        _ header: SegmentHeader, in spare: SpareSegment, directory: String, fileSystem: any StorageFileSystem,
        buffer: SectorBuffer? = nil
    ) throws {
        self.header = header
        self.header.size = spare.size
        file = spare.file
        size = spare.size
        zeroedTo = spare.zeroedTo
        zeroStep = max(
            LogFormat.sectorSize, min(512 << 10, spare.size / 16 / LogFormat.sectorSize * LogFormat.sectorSize))
        self.buffer = buffer ?? SectorBuffer(size: Self.pieceSize)
        position = LogPosition(
            sequence: header.sequence, offset: LogFormat.sectorSize, zxid: header.previousZxid)
        self.header.sector.withUnsafeReadableBytes { self.buffer.bytes.copyMemory(from: $0) }
        try file.write(UnsafeRawBufferPointer(self.buffer.bytes)[..<LogFormat.sectorSize].rebased, at: 0)
        if zeroedTo < LogFormat.sectorSize { zeroedTo = LogFormat.sectorSize }
        try writeZerosAhead()
        try file.synchronize()
        try fileSystem.rename(
            directory + "/" + spare.name, to: directory + "/" + LogFormat.segmentName(header.sequence))
        try fileSystem.synchronizeDirectory(directory)
    }

    /// Goes on in a segment of an earlier start, when there is no room for another.
    ///
    /// What stands behind its end is overwritten with zeros first: a batch that a power cut tore apart would look like
    /// damage behind the next ones.
    init(
        goingOnIn header: SegmentHeader, at position: LogPosition, directory: String, fileSystem: any StorageFileSystem
    )
        throws
    {
        self.header = header
        self.position = position
        file = try fileSystem.open(directory + "/" + LogFormat.segmentName(header.sequence), .writeSectors)
        size = try file.size() / LogFormat.sectorSize * LogFormat.sectorSize
        zeroedTo = position.offset
        buffer = SectorBuffer(size: Self.pieceSize)
        zeroStep = Self.pieceSize
        try writeZeros(to: size)
        try file.synchronize()
    }

    /// The buffer, for the appender of the next segment.
    var reusableBuffer: SectorBuffer { buffer }

    var remaining: Int { size - position.offset }

    func fits(payload: Int) -> Bool { LogFormat.size(payload: payload) <= remaining }

    /// Whether a batch is small, and neither a new segment nor zeros ahead of it are due.
    func takesAtOnce(payload: Int) -> Bool {
        let end = position.offset + LogFormat.size(payload: payload)
        return payload <= Self.smallPayload && end <= size
            && (zeroedTo >= size || end + LogFormat.sectorSize <= zeroedTo)
    }

    private static let smallPayload = 16 << 10

    /// Makes a batch last. The caller has made sure that it fits.
    mutating func append(_ payload: ByteBuffer, kind: BatchHeader.Kind = .records, lastZxid: Int64) throws {
        let batch = BatchHeader(
            kind: kind, length: payload.readableBytes,
            checksum: payload.withUnsafeReadableBytes { Checksum.crc32c($0, startingWith: header.salt.seed) },
            previousZxid: position.zxid, lastZxid: lastZxid)
        let end = position.offset + LogFormat.size(payload: payload.readableBytes)
        try payload.withUnsafeReadableBytes { try write(batch, $0) }
        if end > zeroedTo { zeroedTo = end }
        try writeZerosAhead(end: end)
        try file.synchronize()
        position.offset = end
        position.zxid = lastZxid
    }

    private func write(_ batch: BatchHeader, _ payload: UnsafeRawBufferPointer) throws {
        let sectors = LogFormat.sectors(payload: payload.count)
        let sectorsAtOnce = Self.pieceSize / LogFormat.sectorSize
        var first = 0
        while first < sectors {
            let count = min(sectorsAtOnce, sectors - first)
            for index in first..<first + count {
                let start = (index - first) * LogFormat.sectorSize
                fill(
                    UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[start..<start + LogFormat.sectorSize]),
                    index: index, batch, payload)
            }
            let piece = UnsafeRawBufferPointer(buffer.bytes)[..<(count * LogFormat.sectorSize)].rebased
            try file.write(piece, at: position.offset + first * LogFormat.sectorSize)
            first += count
        }
    }

    /// Makes one sector of a batch: the batch's header in front of the first one's content, the stamp behind each.
    private func fill(
        _ sector: UnsafeMutableRawBufferPointer, index: Int, _ batch: BatchHeader, _ payload: UnsafeRawBufferPointer
    ) {
        let sectorInFile = position.offset / LogFormat.sectorSize + index
        var content = UnsafeMutableRawBufferPointer(rebasing: sector[..<LogFormat.contentSize])
        var start = index * LogFormat.contentSize - LogFormat.batchHeaderSize
        if index == 0 {
            batch.write(into: content, salt: header.salt, sector: sectorInFile)
            content = UnsafeMutableRawBufferPointer(rebasing: content[LogFormat.batchHeaderSize...])
            start = 0
        }
        let count = min(content.count, payload.count - start)
        content.copyMemory(from: UnsafeRawBufferPointer(rebasing: payload[start..<start + count]))
        if count < content.count {
            UnsafeMutableRawBufferPointer(rebasing: content[count...]).initializeMemory(as: UInt8.self, repeating: 0)
        }
        sector.storeBytes(
            of: header.salt.stamp(ofSector: sectorInFile).bigEndian, toByteOffset: LogFormat.contentSize,
            as: UInt32.self)
    }

    /// On a file's first lap, writes zeros ahead of the batches, so that most synchronisations need not also store that
    /// blocks which had only been reserved are in use now. A file that is used again has no such blocks.
    private mutating func writeZerosAhead(end: Int = LogFormat.sectorSize) throws {
        guard zeroedTo < size, end + LogFormat.sectorSize > zeroedTo else { return }
        try writeZeros(to: min(size, zeroedTo + zeroStep))
    }

    private mutating func writeZeros(to target: Int) throws {
        buffer.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        while zeroedTo < target {
            let count = min(Self.pieceSize, target - zeroedTo)
            try file.write(UnsafeRawBufferPointer(buffer.bytes)[..<count].rebased, at: zeroedTo)
            zeroedTo += count
        }
    }
}

extension Slice where Base == UnsafeRawBufferPointer {
    var rebased: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self) }
}
