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
    static let idleShare = 10

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

    private let file: DurableFile?
    /// Why there is no file although a folder is configured.
    private let obstacle: String?
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
        guard let folder else {
            file = nil
            obstacle = nil
            return
        }
        do {
            file = try DurableFile(folder: folder, name: "alarm-transitions.jsonl")
            obstacle = nil
        } catch {
            file = nil
            obstacle = "\(error); see to the folder and restart the gateway"
        }
    }

    /// The folder of one gateway below the configured one.
    static func folder(_ folder: String?, plant: String, gateway: String) -> String? {
        folder.map { "\($0)/\(plant)/\(gateway)" }
    }

    /// Takes up what an earlier life of this gateway has kept. Call it once the tree's records have been read.
    func resume() async {
        guard let file else { return }
        do {
            guard let bytes = try await blocking({ try file.contents(limit: AlarmSpool.sizeLimit) }) else { return }
            state.withLock { $0.isKept = true }
            let spool = try AlarmSpool(parsing: bytes)
            if spool.mistakes > 0 {
                // What can be read is used, and what cannot is kept for somebody to look at.
                await setAside(file, because: spool.firstMistake ?? "", lines: spool.mistakes)
            }
            let resumption = plant.resumeAlarms(spool)
            logger.notice(
                "alarm transitions that were kept on disk have been read",
                metadata: [
                    "toBeRecorded": "\(resumption.resumed)", "recordedBefore": "\(resumption.settled)",
                    "unconfigured": "\(resumption.unconfigured)", "withoutRoom": "\(resumption.overflowed)",
                ])
            // What was put aside is nowhere else now.
            if spool.mistakes > 0 { await keep(isUrgent: true) }
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
                "a part of what was kept on disk cannot be read, and was put aside",
                metadata: ["file": "\(aside)", "why": "\(reason)"]
                    .merging(lines.map { ["lines": "\($0)"] } ?? [:]) { $1 })
        } catch {
            logger.warning("what was kept on disk cannot be read", metadata: ["why": "\(reason)", "error": "\(error)"])
        }
    }

    func run() async throws {
        guard file != nil || obstacle != nil else {
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
        guard file != nil else { return false }
        let waiting = plant.waitingTransitions
        let now = clock.now()
        if state.withLock({ $0.isDone(waiting, at: now) }) { return false }
        turns.wake()
        return true
    }

    /// Brings the file up to what waits now, if that is due. Not to be called again before it has returned.
    func keep(isUrgent: Bool = false) async {
        guard let file else {
            if let obstacle { failures.failed(obstacle) }
            return
        }
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
                state.withLock { $0 = State() }
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
