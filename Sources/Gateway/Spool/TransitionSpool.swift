import Logging
import NIOPosix
import Plant
import Primitives
import ServiceLifecycle
import Synchronization

/// Keeps on this gateway's disk what its alarms have computed and the tree cannot take, so that a restart during an outage of the
/// tree loses none of it.
///
/// Nothing is written while everything is recorded at once. What waits while the tree is away, or longer than ``patience``,
/// is written as a whole, soon after each change and the more seldom the longer a write takes; the file goes when nothing
/// waits any more. After a restart it is read once the tree's own records have been (``AlarmBook/resume(_:at:)``), and what is still to be
/// recorded is, in its order, by the active alarm processor that this gateway is or becomes. How much there can be is bounded by
/// what may wait in memory (``AlarmBook/Limits/pendingTotal``).
///
/// A gateway without a folder for its state keeps nothing on its disk.
final class TransitionSpool: Service {
    /// How often it looks whether something has changed: at most so much is lost when the process is killed. What came within
    /// the last half second the broker still has, because it has not been acknowledged.
    static let look = Duration.milliseconds(250)
    /// What waits for so long although the tree is there may wait for longer.
    static let patience = Duration.seconds(2)
    /// Writing takes at most one part in so many of the time.
    static let idleShare = 10

    private struct State {
        /// Since when something has been waiting.
        var waitingSince: ContinuousClock.Instant?
        /// Whether there is a file, as far as is known.
        var isKept = false
        /// What the file holds.
        var revision: UInt64?
        var notBefore: ContinuousClock.Instant?
    }

    private let file: DurableFile?
    private let plant: PlantState
    private let isTreeAway: @Sendable () -> Bool
    private let failures: FailureLog
    private let clock: GatewayClock
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter folder: for this gateway's state; nil: nothing is kept.
    init(
        folder: String?, plant: PlantState, isTreeAway: @escaping @Sendable () -> Bool, health: FailureBoard,
        clock: GatewayClock, logger: Logger
    ) {
        self.plant = plant
        self.isTreeAway = isTreeAway
        self.clock = clock
        self.logger = logger
        failures = health.log(
            .spool,
            began:
                "alarm transitions that wait for the tree cannot be kept on this gateway's disk; a restart would lose them",
            ended: "alarm transitions that wait for the tree are kept on this gateway's disk again")
        guard let folder else {
            file = nil
            return
        }
        do {
            file = try DurableFile(folder: folder, name: "alarm-transitions.jsonl")
        } catch {
            file = nil
            logger.warning(
                "alarm transitions that wait for the tree will not be kept on disk; see to the folder and restart the gateway",
                metadata: ["folder": "\(folder)", "error": "\(error)"])
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
            let spool: AlarmSpool
            do { spool = try AlarmSpool(parsing: bytes) } catch {
                return await setAside(file, because: "\(error)")
            }
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
        } catch {
            logger.warning("alarm transitions that were kept on disk cannot be read", metadata: ["error": "\(error)"])
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
        guard file != nil else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await self.clock.sleep(Self.look)
                if !Task.isCancelled { await self.keep() }
            }
        }
        // What could not be recorded before the end.
        await keep(isLast: true)
    }

    /// Brings the file up to what waits now, if that is due.
    func keep(isLast: Bool = false) async {
        guard let file else { return }
        let (count, revision) = plant.waitingTransitions
        let now = clock.now()
        let isAway = isTreeAway()
        let isDue: Bool = state.withLock { state in
            guard count > 0 else {
                state.waitingSince = nil
                return state.isKept
            }
            let since = state.waitingSince ?? now
            state.waitingSince = since
            guard revision != state.revision || !state.isKept else { return false }
            if isLast { return true }
            return (isAway || state.isKept || now - since > Self.patience) && now >= state.notBefore ?? now
        }
        guard isDue else { return }
        do {
            if count == 0 {
                try await blocking { try file.remove() }
                state.withLock { $0 = State() }
                logger.notice("all alarm transitions that were kept on disk are recorded")
            } else {
                let spool = plant.alarmSpool
                try await blocking { try file.replace(with: spool.serialized()) }
                let wasKept = state.withLock { state in
                    defer {
                        state.isKept = true
                        state.revision = revision
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
        let end = clock.now()
        state.withLock { $0.notBefore = end + (end - now) * Self.idleShare }
    }

    /// Runs what waits for the disk on a thread that may wait.
    private func blocking<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(work)
    }
}
