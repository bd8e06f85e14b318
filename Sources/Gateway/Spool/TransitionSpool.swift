import Logging
import NIOPosix
import Plant
import Primitives
import ServiceLifecycle
import Synchronization

/// Keeps on this gateway's disk what its alarms have computed and the tree cannot take, so that a restart during an outage of the
/// tree loses none of it.
///
/// Nothing is written while everything is recorded at once. What waits while the tree is away, while nothing is recorded for
/// ``standstill``, or longer than ``patience``, is written as a whole, at once after each change and the more seldom the longer a
/// write takes; the file goes when nothing waits any more. While the tree is away, the broker keeps a message until the file has
/// what the alarms made of it, unless a write has to wait. After a restart it is read once the tree's own records have been (``AlarmBook/resume(_:at:)``), and what is still to be
/// recorded is, in its order, by the active alarm processor that this gateway is or becomes. How much there can be is bounded by
/// what may wait in memory (``AlarmBook/Limits/pendingTotal``).
///
/// A gateway without a folder for its state keeps nothing on its disk.
final class TransitionSpool: Service {
    /// How often it looks whether something has changed, beside being told.
    static let look = Duration.milliseconds(100)
    /// A tree that seems to be there and has recorded nothing for so long may be away already: what waits is to be on the disk
    /// within the half second for which the broker still has its messages.
    static let standstill = Duration.milliseconds(250)
    /// What waits for so long although the tree records other things may wait for longer.
    static let patience = Duration.seconds(2)
    /// Writing takes at most one part in so many of the time.
    static let idleShare = 4
    /// Before a file that cannot be used is tried again.
    static let attemptPause = Duration.seconds(1)

    private struct State {
        /// Since when something has been waiting.
        var waitingSince: ContinuousClock.Instant?
        /// Since when something has been waiting and nothing was recorded.
        var stillSince: ContinuousClock.Instant?
        /// How many transitions had been recorded then.
        var recorded = 0
        /// Whether there is a file, as far as is known.
        var isKept = false
        /// What the file holds.
        var revision: UInt64?
        var notBefore: ContinuousClock.Instant?
        /// nil before it could be used.
        var file: DurableFile?
        /// When it is tried again.
        var nextAttempt: ContinuousClock.Instant?

        /// Whether what waits is on the disk, or cannot be yet.
        func isDone(_ waiting: PlantState.WaitingTransitions, at now: ContinuousClock.Instant) -> Bool {
            waiting.count == 0 || isKept && revision == waiting.revision || now < notBefore ?? now
        }

        /// Whether the file is to be written, or removed, now.
        mutating func isDue(
            _ waiting: PlantState.WaitingTransitions, isAway: Bool, isUrgent: Bool, at now: ContinuousClock.Instant
        ) -> Bool {
            guard waiting.count > 0 else {
                (waitingSince, stillSince) = (nil, nil)
                return isKept
            }
            if recorded != waiting.recorded { stillSince = nil }
            recorded = waiting.recorded
            let (since, still) = (waitingSince ?? now, stillSince ?? now)
            (waitingSince, stillSince) = (since, still)
            if isUrgent { return revision != waiting.revision || !isKept }
            return !isDone(waiting, at: now)
                && (isAway || isKept || now - still > TransitionSpool.standstill
                    || now - since > TransitionSpool.patience)
        }
    }

    private let folder: String?
    private let plant: PlantState
    private let isTreeAway: @Sendable () -> Bool
    private let kept: @Sendable (_ batch: UInt64) -> Void
    private let turns = Wake()
    private let failures: FailureLog
    private let clock: GatewayClock
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - folder: for this gateway's state; nil: nothing is kept.
    ///   - kept: told, while the tree is away, up to which batch the broker may forget what it has delivered.
    init(
        folder: String?, plant: PlantState, isTreeAway: @escaping @Sendable () -> Bool,
        kept: @escaping @Sendable (_ batch: UInt64) -> Void = { _ in }, health: FailureBoard,
        clock: GatewayClock, logger: Logger
    ) {
        self.plant = plant
        self.isTreeAway = isTreeAway
        self.kept = kept
        self.clock = clock
        self.logger = logger
        failures = health.log(
            .spool,
            began:
                "alarm transitions that wait for the tree cannot be kept on this gateway's disk; a restart would lose them",
            ended: "alarm transitions that wait for the tree are kept on this gateway's disk again")
        self.folder = folder
    }

    /// The folder of one gateway below the configured one.
    static func folder(_ folder: String?, plant: String, gateway: String) -> String? {
        folder.map { "\($0)/\(plant)/\(gateway)" }
    }

    /// Opens the file, for this process alone, unless it was tried a moment ago: a former process of this gateway may still be
    /// about to end.
    private func open() async {
        let now = clock.now()
        guard let folder, state.withLock({ $0.file == nil && now >= $0.nextAttempt ?? now }) else { return }
        do {
            let file = try await blocking { try DurableFile(folder: folder, name: "alarm-transitions.jsonl") }
            state.withLock { $0.file = file }
            await takeUp(file)
        } catch {
            state.withLock { $0.nextAttempt = now + Self.attemptPause }
            failures.failed("\(error)")
        }
    }

    /// Takes up what an earlier life of this gateway has kept. Call it once the tree's records have been read.
    func resume() async { await open() }

    private func takeUp(_ file: DurableFile) async {
        do {
            guard let bytes = try await blocking({ try file.contents(limit: AlarmSpool.sizeLimit) }) else { return }
            state.withLock { $0.isKept = true }
            let spool = try AlarmSpool(parsing: bytes)
            let resumption = plant.resumeAlarms(spool)
            // What can be read is used, and what cannot, or has no alarm, is kept for somebody to look at.
            let isWhole = spool.mistakes == 0 && resumption.unconfigured == 0
            if spool.mistakes > 0 {
                await setAside(file, because: spool.firstMistake ?? "", lines: spool.mistakes)
            } else if !isWhole {
                let alarms = resumption.unknownAlarms.map { "\($0)" }.joined(separator: ", ")
                await setAside(file, because: "alarms are not configured: \(alarms)", lines: resumption.unconfigured)
            }
            logger.notice(
                "alarm transitions that were kept on disk have been read",
                metadata: [
                    "toBeRecorded": "\(resumption.resumed)", "recordedBefore": "\(resumption.settled)",
                    "unconfigured": "\(resumption.unconfigured)", "withoutRoom": "\(resumption.overflowed)",
                ])
            // What was put aside is nowhere else now.
            if !isWhole { await keep(isUrgent: true) }
        } catch is CancellationError {
            return
        } catch {
            // The next write would replace it.
            await setAside(file, because: "\(error)")
        }
    }

    private func setAside(_ file: DurableFile, because reason: String, lines: Int? = nil) async {
        do {
            let aside = try await blocking { try file.setAside() }
            state.withLock { $0.isKept = false }
            logger.warning(
                "a part of what was kept on disk cannot be used, and all of it was put aside for somebody to look at",
                metadata: ["file": "\(aside)", "why": "\(reason)"]
                    .merging(lines.map { ["lines": "\($0)"] } ?? [:]) { $1 })
        } catch {
            // Nothing replaces it before somebody has seen to it.
            state.withLock { state in
                state.file = nil
                state.nextAttempt = clock.now() + Self.attemptPause
            }
            failures.failed("\(file.path) can neither be used (\(reason)) nor put aside: \(error)")
        }
    }

    func run() async throws {
        guard folder != nil else {
            logger.notice(
                "alarm transitions that wait for the tree are not kept on disk, because no folder is configured (state in linekeeper.yaml)"
            )
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !Task.isCancelled {
                        try? await self.clock.sleep(Self.look)
                        self.turns.wake()
                    }
                }
                group.addTask {
                    for await _ in self.turns.turns { await self.keep() }
                }
                await group.waitForAll()
            }
        }
        // What could not be recorded before the end.
        await keep(isUrgent: true)
    }

    /// Begins to write what has just come, if that is due. True when it is, so that the broker should keep it until it is
    /// told otherwise: asked while the tree is away.
    func takesUp() -> Bool {
        let waiting = plant.waitingTransitions
        let now = clock.now()
        if state.withLock({ $0.file == nil || $0.isDone(waiting, at: now) }) { return false }
        turns.wake()
        return true
    }

    /// Brings the file up to what waits now, if that is due. Not to be called again before it has returned.
    func keep(isUrgent: Bool = false) async {
        await open()
        guard let file = state.withLock({ $0.file }) else { return }
        let waiting = plant.waitingTransitions
        let now = clock.now()
        let isAway = isTreeAway()
        if state.withLock({ $0.isDue(waiting, isAway: isAway, isUrgent: isUrgent, at: now) }) {
            await bringUp(file, to: waiting)
            let end = clock.now()
            state.withLock { $0.notBefore = end + (end - now) * Self.idleShare }
        }
        // Where the disk does not take it, nothing else does, and the stream must not stop.
        if isAway { kept(waiting.batch) }
    }

    private func bringUp(_ file: DurableFile, to waiting: PlantState.WaitingTransitions) async {
        do {
            if waiting.count == 0 {
                try await blocking { try file.remove() }
                state.withLock { $0 = State(file: file) }
                logger.notice("all alarm transitions that were kept on disk are recorded")
            } else {
                let spool = plant.alarmSpool
                try await blocking { try file.replace(with: spool.serialized()) }
                let wasKept = state.withLock { state in
                    defer {
                        state.isKept = true
                        state.revision = waiting.revision
                    }
                    return state.isKept
                }
                if !wasKept {
                    logger.notice(
                        "alarm transitions that cannot be recorded are kept on disk",
                        metadata: ["file": "\(file.path)", "transitions": "\(spool.count)"])
                }
            }
            failures.succeeded()
        } catch {
            failures.failed("\(error)")
        }
    }

    /// Runs what waits for the disk on a thread that may wait.
    private func blocking<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(work)
    }
}
