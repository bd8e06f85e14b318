import NIOCore

/// What is made to last at once.
struct StorageBatch: Sendable {
    let number: UInt64
    /// The newest transaction in ``log``.
    let lastZxid: Int64
    /// The records.
    let log: ByteBuffer
}

/// A step of a checkpoint.
enum CheckpointStep: Sendable {
    /// What follows was in memory when this was done, or became so later.
    case begin(CheckpointPace)
    case nodes(ByteBuffer)
    case sessions(ByteBuffer)
    /// Everything up to the seal's ``CheckpointSeal/endZxid`` is durable in the log.
    case seal(CheckpointSeal)
    case abandon
}

/// How the log stands.
struct StorageReport: Sendable {
    /// How much log there is that the newest checkpoint does not contain.
    var logBytes = 0
    /// How much of it was written since the checkpoint began that is being written.
    var bytesSinceBegin = 0
    var segments = 0
    /// What the batches that are not stored yet may hold together, when the disk has no room for another segment.
    var allowance = Int.max
    /// What is kept beyond that for sessions.
    var reserve = 0
    /// Why there is no room, and for what.
    var shortage: String?
}

/// Where batches are made to last. A protocol so that tests can put a failing disk in its place.
protocol TreeStorage: Sendable {
    /// Reads everything and begins a new segment.
    ///
    /// - Throws: ``RecoveryError`` when what is stored cannot be believed.
    func recover() throws -> RecoveredState

    /// As ``recover()``, without waiting; `completion` is called on any thread.
    func recoverAsync(_ completion: @escaping @Sendable (Result<RecoveredState, any Error>) -> Void)

    /// Stores a batch; `completion` is called on any thread once it would survive a loss of power, or with what failed.
    func store(_ batch: StorageBatch, completion: @escaping @Sendable ((any Error)?) -> Void)

    /// Stores a batch before it returns, if that is likely to take less time than waking another thread and being woken
    /// by it would add.
    ///
    /// - Returns: Whether it was stored; false: nothing was done.
    /// - Throws: What failed, as ``store(_:completion:)`` tells it.
    func storeAtOnce(_ batch: StorageBatch) throws -> Bool

    /// Does a step of a checkpoint, beside the batches.
    func checkpoint(_ step: CheckpointStep, completion: @escaping @Sendable ((any Error)?) -> Void)

    /// Never waits.
    func report() -> StorageReport

    /// Called about once a second: tries again to make room.
    func tend()

    /// Ends, in good order if everything is stored; nothing may be stored afterwards.
    func close()
}

extension TreeStorage {
    func storeAtOnce(_ batch: StorageBatch) throws -> Bool { false }
}
