import NIOCore

/// Reads a data directory: the newest checkpoint, and the log from where it began.
struct TreeRecovery {
    let fileSystem: any StorageFileSystem
    let directory: String

    /// What was found, beside the state.
    struct Findings: Sendable {
        var state = RecoveredState()
        /// The end of the log.
        var end = LogPosition(sequence: 0, offset: 0, zxid: 0)
        /// Where in the log the checkpoint says to go on from.
        var checkpointStart: LogPosition?
        var checkpointName: String?
        /// The segments that make up the log.
        var segments: [UInt64] = []
        /// Names that are of no more use.
        var obsoleteSegments: [UInt64] = []
        var obsoleteNames: [String] = []
        var spares: [String] = []
        /// Names that are none of the server's.
        var foreignNames: [String] = []
        /// How much log was read.
        var logBytes = 0
        /// Where a batch was cut short by a loss of power, in words.
        var tornTail: String?
        /// The header of the last segment, and where its last batch begins, unless nothing of it was read.
        var lastHeader: SegmentHeader?
        var lastBatch: Int?
        /// Segments behind ``end``: begun, and given up because something failed.
        var abandonedSegments: [UInt64] = []
        /// Where to go on in the last segment: a mark that the server ended in good order is overwritten.
        var resumption: LogPosition?
    }

    /// - Parameter durable: How far the log is good, when that is known from having written it.
    /// - Throws: ``RecoveryError`` when what is stored cannot be believed; ``StorageError`` when it cannot be read.
    func read(durable: LogPosition? = nil) throws -> Findings {
        let names = try fileSystem.names(in: directory)
        let checkpoints = names.compactMap { LogFormat.number(in: $0, after: "checkpoint-") }.sorted()
        var segments = names.compactMap { LogFormat.number(in: $0, after: "log-") }.sorted()
        if names.contains("tree.sqlite"), checkpoints.isEmpty, segments.isEmpty {
            throw RecoveryError(
                "\(directory) holds a tree in the SQLite format of an earlier version (tree.sqlite), which this version "
                    + "does not read. Serve it with that version and copy its nodes over, or name another directory.")
        }
        if names.contains(CheckpointFormat.temporaryName), checkpoints.isEmpty, segments.isEmpty {
            throw RecoveryError(
                "\(directory) holds a restore that was interrupted. Run linekeeper tree restore again, with --replace.")
        }
        var findings = Findings()
        findings.spares = names.filter { $0.hasPrefix("spare-") }
        findings.foreignNames = names.filter { !Self.isOurs($0) && !TreeBackup.isAside($0) }.sorted()
        findings.obsoleteNames = names.filter { $0 == CheckpointFormat.temporaryName }
        var seal: CheckpointSeal?
        var position = LogPosition(sequence: 0, offset: LogFormat.sectorSize, zxid: 0)
        if let newest = checkpoints.last {
            let name = LogFormat.checkpointName(Int64(bitPattern: newest))
            let reader = try CheckpointReader(path: directory + "/" + name, fileSystem: fileSystem)
            seal = try reader.read(into: &findings.state)
            position = reader.header.start
            findings.checkpointStart = position
            findings.checkpointName = name
            findings.obsoleteNames += checkpoints.dropLast().map { LogFormat.checkpointName(Int64(bitPattern: $0)) }
        }
        findings.obsoleteSegments = segments.filter { $0 < position.sequence }
        findings.abandonedSegments = segments.filter { $0 > durable?.sequence ?? .max }
        segments.removeAll { $0 < position.sequence || $0 > durable?.sequence ?? .max }
        findings.segments = segments
        let headers = try segments.map {
            try SegmentReader.header(path: path($0), sequence: $0, fileSystem: fileSystem)
        }
        try checkChain(segments, headers, from: position, checkpoint: findings.checkpointName)
        for (index, sequence) in segments.enumerated() {
            let segment = try SegmentReader(path: path(sequence), sequence: sequence, fileSystem: fileSystem)
            if index > 0 || position.sequence == 0 {
                position = LogPosition(sequence: sequence, offset: LogFormat.sectorSize, zxid: position.zxid)
            }
            guard
                index == 0 && findings.checkpointStart?.sequence == sequence
                    || segment.header.previousZxid == position.zxid
            else {
                throw RecoveryError.damage(
                    path(sequence), 0,
                    "it continues after transaction \(hex(segment.header.previousZxid)), which is not the last one of "
                        + "the segment before", lastGood: position.zxid)
            }
            let isLast = index == segments.count - 1
            let stated = isLast ? durable?.offset : headers[index + 1].previousEnd
            let start = position.offset
            let reach = try segment.read(from: position, to: stated) { batch, payload in
                try findings.state.replay(payload, from: batch.previousZxid, through: batch.lastZxid)
            }
            findings.logBytes += reach.end.offset - start
            if reach.ending == .torn {
                findings.tornTail = "\(path(sequence)), byte \(reach.end.offset)"
            }
            position = reach.end
            if isLast {
                findings.lastHeader = segment.header
                findings.lastBatch = reach.lastBatch
                findings.resumption = reach.end
                if reach.ending == .closed, let mark = reach.lastBatch { findings.resumption?.offset = mark }
            }
            findings.state.startZxid = max(findings.state.startZxid, segment.header.startZxid)
            findings.state.secret = segment.header.secret
        }
        if let seal, position.zxid < seal.endZxid {
            throw RecoveryError(
                "the log of \(directory) ends at transaction \(hex(position.zxid)), but the checkpoint was taken up to "
                    + "\(hex(seal.endZxid)): segments are missing. " + RecoveryError.advice)
        }
        findings.end = position
        findings.state.lastZxid = position.zxid
        return findings
    }

    /// Each segment must be there and follow the one before.
    private func checkChain(
        _ segments: [UInt64], _ headers: [SegmentHeader], from start: LogPosition, checkpoint: String?
    ) throws {
        guard let first = headers.first else {
            guard start.sequence == 0 else { throw missing(start.sequence, "the checkpoint \(checkpoint ?? "")") }
            return
        }
        if start.sequence > 0 {
            guard segments.first == start.sequence else {
                throw missing(start.sequence, "the checkpoint \(checkpoint ?? "")")
            }
        } else if first.previousSequence != 0 {
            throw missing(first.previousSequence, LogFormat.segmentName(first.sequence))
        }
        for (index, header) in headers.enumerated().dropFirst()
        where header.previousSequence != segments[index - 1] {
            throw missing(header.previousSequence, LogFormat.segmentName(segments[index]))
        }
    }

    private func missing(_ sequence: UInt64, _ successor: String) -> RecoveryError {
        RecoveryError(
            "\(directory)/\(LogFormat.segmentName(sequence)) is missing: \(successor) continues from it. "
                + RecoveryError.advice)
    }

    private static func isOurs(_ name: String) -> Bool {
        // The last is every file system's at its root.
        ["lock", "epoch", "epoch.new", CheckpointFormat.temporaryName, CheckpointFormat.spareName, "lost+found"]
            .contains(name)
            || ["log-", "spare-", "checkpoint-"].contains { LogFormat.number(in: name, after: $0) != nil }
    }

    private func path(_ sequence: UInt64) -> String { directory + "/" + LogFormat.segmentName(sequence) }
}
