import NIOCore

/// Checkpoints: the whole state, written beside the changes that go on.
///
/// A step looks at a bounded number of nodes, so no turn takes long whatever the tree's size. What changes while the
/// checkpoint goes on may be in it or not; the log, which is replayed over it, has all of that (see ``LogWriter``).
extension Engine {
    /// How far a checkpoint has got.
    struct Capture {
        var nextSlot = 0
        /// Nodes made later are in the log.
        let endSlot: Int
        var nodes = 0
        var sessionsLeft: ArraySlice<Int64>?
        var sessions = 0
        /// The seal, and the batch that must be durable before it counts.
        var seal: (CheckpointSeal, batch: UInt64)?
    }

    var isCheckpointing: Bool { capture != nil }

    /// About what a checkpoint takes on disk.
    var checkpointSize: Int { tree.approximateDataSize + tree.nodes.count * 80 + sessions.count * 12 }

    /// After the storage has begun one.
    func beginCheckpoint() {
        capture = Capture(endSlot: tree.slotCount)
    }

    /// The checkpoint is complete, or is given up.
    func endCheckpoint() {
        capture = nil
    }

    /// What is to be written next; `nil` while there is nothing, or while the log is not yet durable up to where the
    /// checkpoint ends.
    func nextCheckpointStep() -> CheckpointStep? {
        guard var capture else { return nil }
        defer { self.capture = capture }
        if let (seal, batch) = capture.seal {
            guard durableBatch >= batch else { return nil }
            return .seal(seal)
        }
        if capture.nextSlot < capture.endSlot { return .nodes(nodeBlock(&capture)) }
        let left = capture.sessionsLeft ?? ArraySlice(sessions.keys)
        let block = sessionBlock(left.prefix(settings.checkpointStepNodes), &capture)
        capture.sessionsLeft = left.dropFirst(settings.checkpointStepNodes)
        if capture.sessionsLeft?.isEmpty == true {
            let seal = CheckpointSeal(
                nodes: capture.nodes, sessions: capture.sessions, endZxid: lastLoggedZxid, startZxid: startZxid,
                maximumSessionID: nextSessionID &- 1)
            capture.seal = (seal, batch: gate)
        }
        return .sessions(block)
    }

    private func nodeBlock(_ capture: inout Capture) -> ByteBuffer {
        var block = ByteBuffer()
        block.reserveCapacity(settings.checkpointStepBytes)
        let end = min(capture.endSlot, capture.nextSlot + settings.checkpointStepNodes)
        while capture.nextSlot < end, block.readableBytes < settings.checkpointStepBytes {
            if let node = tree.node(inSlot: capture.nextSlot) {
                NodeRecord.write(node.path, node.state, into: &block)
                capture.nodes += 1
            }
            capture.nextSlot += 1
        }
        return block
    }

    private func sessionBlock(_ ids: ArraySlice<Int64>, _ capture: inout Capture) -> ByteBuffer {
        var block = ByteBuffer()
        for id in ids {
            guard let session = sessions[id] else { continue }
            block.writeMultipleIntegers(id, session.timeoutMilliseconds)
            capture.sessions += 1
        }
        return block
    }
}
