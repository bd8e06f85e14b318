import NIOCore

/// The log of a data directory: found, gone on with, and trimmed. Does one thing after the other; ``TreeStore`` puts it
/// on a thread.
struct TreeLog {
    struct Options: Sendable {
        /// The size of a segment. A larger batch gets a larger one.
        var segmentBytes = 16 << 20
        /// How much of the last segment is kept for the beginnings and ends of sessions when the disk is full.
        var reserveBytes: Int { min(1 << 20, segmentBytes / 8) }
    }

    let fileSystem: any StorageFileSystem
    let directory: String
    let options: Options
    let pool: SegmentPool
    private var appender: LogAppender?
    /// The end of what is durable; known as soon as the directory was read once.
    private(set) var durable: LogPosition?
    private var startZxid: Int64 = 0
    private(set) var secret: [UInt8] = []
    private(set) var segments: [UInt64] = []
    private var checkpointName: String?
    /// Log in bytes: since the newest checkpoint, and since the one being written began.
    private(set) var logBytes = 0
    private var bytesSinceBegin = 0
    /// Where a loss of power had cut a batch short, in words for the person who started the server.
    private(set) var tornTail: String?
    /// What the directory holds that is none of the server's.
    private(set) var foreignNames: [String] = []

    init(fileSystem: any StorageFileSystem, directory: String, options: Options) {
        self.fileSystem = fileSystem
        self.directory = directory
        self.options = options
        pool = SegmentPool(fileSystem: fileSystem, directory: directory, segmentSize: options.segmentBytes)
    }

    /// Reads the directory, and begins a new segment. Called again after something failed, when only what is known to be
    /// durable counts.
    mutating func open(wallMilliseconds: Int64) throws -> RecoveredState {
        appender = nil
        let recovery = TreeRecovery(fileSystem: fileSystem, directory: directory)
        var findings = try recovery.read(durable: durable)
        if durable == nil { try makeLast(findings) }
        tornTail = durable == nil ? findings.tornTail : nil
        foreignNames = durable == nil ? findings.foreignNames : []
        for name in findings.obsoleteNames { try fileSystem.remove(directory + "/" + name) }
        if durable == nil { try pool.adopt(findings.spares) }
        let start = try chooseStartZxid(findings, wallMilliseconds: wallMilliseconds)
        findings.state.startZxid = start
        if findings.state.secret.isEmpty {
            findings.state.secret = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        }
        startZxid = start
        secret = findings.state.secret
        durable = findings.end
        segments = findings.segments
        checkpointName = findings.checkpointName
        logBytes = findings.logBytes
        bytesSinceBegin = 0
        for sequence in findings.obsoleteSegments { try pool.recycle(segment: sequence, limit: spareLimit) }
        do {
            try beginSegment(atLeast: 0)
        } catch let error as StorageError where error.isOutOfSpace && pool.failure == error {
            try goOn(findings, because: error)
        }
        return findings.state
    }

    /// There is no room for a new segment: what is left of the last one must do for sessions until there is. What it holds
    /// beyond that is as on a disk that has filled up while the server ran.
    ///
    /// - Throws: `error` when there is no segment to go on in.
    private mutating func goOn(_ findings: TreeRecovery.Findings, because error: StorageError) throws {
        guard let header = findings.lastHeader, let position = findings.resumption,
            try fileSystem.open(directory + "/" + LogFormat.segmentName(header.sequence), .read).size() >= header.size
        else { throw error }
        // Its header says where the log goes on, which does not hold any more.
        for sequence in findings.abandonedSegments {
            try fileSystem.remove(directory + "/" + LogFormat.segmentName(sequence))
        }
        try fileSystem.synchronizeDirectory(directory)
        let appender = try LogAppender(goingOnIn: header, at: position, directory: directory, fileSystem: fileSystem)
        durable = appender.position
        self.appender = appender
    }

    /// What a killed process had written, and the names it had given, may so far be in the system's memory alone. Before
    /// anybody is told of it, or anything is removed because of it, it has to be on the disk.
    private func makeLast(_ findings: TreeRecovery.Findings) throws {
        if let last = findings.segments.last {
            let path = directory + "/" + LogFormat.segmentName(last)
            let file = try fileSystem.open(path, .writeSectors)
            if let start = findings.lastBatch { try rewrite(start..<findings.end.offset, of: file) }
            try file.synchronize()
        }
        try fileSystem.synchronizeDirectory(directory)
    }

    /// Writes once more what can be read there. What a synchronisation failed to bring to the disk counts as written from
    /// then on, although only the system's memory has it; that may be so for the last batch of a process that was killed
    /// just then, and for no other.
    private func rewrite(_ range: Range<Int>, of file: any StorageFile) throws {
        let source = try fileSystem.open(file.path, .read)
        let buffer = SectorBuffer(size: min(range.count, 256 << 10))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer.bytes[..<min(buffer.bytes.count, range.upperBound - offset)])
            guard try source.read(into: piece, at: offset) == piece.count else {
                throw StorageError(operation: "read", path: file.path, code: 0)
            }
            try file.write(UnsafeRawBufferPointer(piece), at: offset)
            offset += piece.count
        }
    }

    /// Greater than every zxid that was given out before, even if this directory was wiped or a backup or an old copy of
    /// it was put back: a client that has seen a greater one would be refused for ever. Hence the calendar: 7158 a millisecond since
    /// 2024, which makes the upper half, the epoch, last ten minutes, and keeps the number below 2^53 until 2063. Never ahead of
    /// the calendar without need: a directory that is emptied later has nothing but the calendar.
    private func chooseStartZxid(_ findings: TreeRecovery.Findings, wallMilliseconds: Int64) throws -> Int64 {
        let calendar = min(max(0, wallMilliseconds - Self.calendarBegin), 1 << 39) * Self.zxidsPerMillisecond
        var start = max(findings.state.lastZxid, findings.state.startZxid, calendar - 1) + 1
        let path = directory + "/epoch"
        do {
            let text = String(decoding: try fileSystem.open(path, .read).contents(limit: 32), as: UTF8.self)
            // The log is older than the last start.
            if let beside = Int64(text.prefix { $0.isNumber }), beside >= start {
                start = Self.nextEpoch(after: beside)
            }
        } catch let error as StorageError where error.isMissingFile {
        }
        do {
            try write(start, to: try fileSystem.open(path + ".new", .create))
            try fileSystem.rename(path + ".new", to: path)
            // Made to last together with the name of the new segment.
        } catch let error as StorageError where error.isOutOfSpace {
            try? fileSystem.remove(path + ".new")
            // One sector, so the number is the old one or the new one. Where not even that can be written, the calendar
            // must do until there is room.
            do {
                try write(start, to: try fileSystem.open(path, .writeSectors))
            } catch let error as StorageError where error.isOutOfSpace || error.isMissingFile {
            }
        }
        return start
    }

    private func write(_ start: Int64, to file: any StorageFile) throws {
        var text = "\(start)\n"
        try text.withUTF8 { try file.write(UnsafeRawBufferPointer($0), at: 0) }
        try file.synchronize()
    }

    static let calendarBegin: Int64 = 1_704_067_200_000
    static let zxidsPerMillisecond: Int64 = 7158

    private static func nextEpoch(after zxid: Int64) -> Int64 { (zxid >> 32 + 1) << 32 }

    private mutating func beginSegment(atLeast size: Int) throws {
        guard let durable else { preconditionFailure("the directory was not read") }
        let spare = try pool.take(atLeast: size + LogFormat.sectorSize)
        let header = SegmentHeader(
            sequence: durable.sequence + 1, salt: .random(), previousSequence: durable.sequence,
            previousEnd: durable.offset, previousZxid: durable.zxid, startZxid: startZxid, secret: secret)
        let buffer = appender?.reusableBuffer
        appender = nil
        let next: LogAppender
        do {
            next = try LogAppender(header, in: spare, directory: directory, fileSystem: fileSystem, buffer: buffer)
        } catch {
            // Nobody else knows of it, and each try would leave another one.
            try? fileSystem.remove(directory + "/" + spare.name)
            throw error
        }
        segments.append(header.sequence)
        self.durable = next.position
        appender = next
    }

    /// Whether a batch takes no more than one write and one synchronisation.
    func takesAtOnce(_ batch: StorageBatch) -> Bool {
        appender?.takesAtOnce(payload: batch.log.readableBytes) ?? false
    }

    /// Whether so much of the segment is used that the next one will be needed; not so for a start that hardly anything
    /// follows.
    var isNextSegmentExpected: Bool { durable.map { $0.offset >= pool.segmentSize / 8 } ?? false }

    /// Makes a batch last.
    ///
    /// - Throws: ``StorageError``. Nothing more can be stored then before ``open(wallMilliseconds:)``.
    mutating func append(_ batch: StorageBatch) throws {
        let size = LogFormat.size(payload: batch.log.readableBytes)
        if let appender, !appender.fits(payload: batch.log.readableBytes) { try beginSegment(atLeast: size) }
        // Taken out, so that it is gone if it fails.
        guard var appender = appender.take() else {
            throw StorageError(operation: "go on with", path: directory, code: 0)
        }
        try appender.append(batch.log, lastZxid: batch.lastZxid)
        durable = appender.position
        self.appender = appender
        logBytes += size
        bytesSinceBegin += size
    }

    /// Marks that the server ended in good order.
    mutating func close() {
        if var appender = appender.take(), appender.fits(payload: 0) {
            try? appender.append(ByteBuffer(), kind: .closing, lastZxid: appender.position.zxid)
        }
    }

    // MARK: Checkpoints

    /// Where in the log a checkpoint that begins now must be gone on from.
    mutating func checkpointBegins() -> LogPosition? {
        bytesSinceBegin = 0
        return durable
    }

    /// The checkpoint counts now: what it contains is not needed any more.
    mutating func checkpointSealed(as name: String, start: LogPosition) -> (segments: [UInt64], names: [String]) {
        let obsolete = segments.filter { $0 < start.sequence }
        segments.removeAll { $0 < start.sequence }
        logBytes = bytesSinceBegin
        let names = checkpointName.flatMap { $0 == name ? nil : [$0] } ?? []
        checkpointName = name
        return (obsolete, names)
    }

    /// As many files as one round of the log takes: the next round then finds all of them in place.
    var spareLimit: Int { max(2, min(segments.count, 256)) }

    // MARK: Room

    var report: StorageReport {
        var report = StorageReport(logBytes: logBytes, bytesSinceBegin: bytesSinceBegin, segments: segments.count)
        if let failure = pool.failure {
            report.allowance = (appender?.remaining ?? 0) - options.reserveBytes
            report.reserve = options.reserveBytes
            report.shortage =
                "\(failure). Writing needs \(pool.segmentSize) bytes more in \(directory); "
                + "make room, and it goes on by itself"
        }
        return report
    }
}
