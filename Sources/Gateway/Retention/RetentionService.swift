import Logging
import Plant
import PlantConfiguration
import Primitives
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Has the active alarm processor trim what must not grow without end: finished commands, the journal, answered
/// requests; and make roots again that have gone.
struct RetentionService: Service {
    static let interval = Duration.seconds(60)
    /// How often it is looked whether the journal or the commands have outgrown their bounds before the interval is over:
    /// asks nobody. So often that what can be written meanwhile stays far from the journal's maximum.
    static let look = Duration.milliseconds(250)
    /// How soon a failed attempt, and one that the growth called for, is repeated.
    static let pause = Duration.seconds(1)

    private let trimmer: HistoryTrimmer
    private let client: ZooKeeperClient
    private let lease: @Sendable () -> Lease?
    private let capacity: Int
    private let counts: @Sendable () -> [Int]
    private let clock: GatewayClock
    private let logger: Logger
    private let outsiders: OutsiderLog
    private let failures: FailureLog

    /// - Parameters:
    ///   - capacity: how many entries the journal keeps, and how many finished commands are kept.
    ///   - counts: how many entries and commands there are now, as far as this gateway has seen.
    init(
        trimmer: HistoryTrimmer, client: ZooKeeperClient, capacity: Int, counts: @escaping @Sendable () -> [Int],
        lease: @escaping @Sendable () -> Lease?, health: FailureBoard, clock: GatewayClock, logger: Logger
    ) {
        self.trimmer = trimmer
        self.client = client
        self.lease = lease
        self.capacity = capacity
        self.counts = counts
        self.clock = clock
        self.logger = logger
        outsiders = OutsiderLog(logger, clock: clock)
        failures = health.log(
            .trimming, began: "journal, commands and requests cannot be trimmed",
            ended: "journal, commands and requests are trimmed again")
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var last = clock.now()
            var hasFailed = false
            // What is owed, or open, may keep one above its capacity: then only further growth counts.
            var levels = counts().map { _ in capacity }
            var mustLevel = false
            while !Task.isCancelled {
                try? await clock.sleep(Self.look)
                guard !Task.isCancelled, let lease = lease() else {
                    failures.withdrawn()
                    continue
                }
                let counts = counts()
                let elapsed = clock.now() - last
                if mustLevel, elapsed >= Self.pause {
                    // By now the watch has told of what is gone.
                    levels = counts.map { max(capacity, $0) }
                    mustLevel = false
                }
                let isOverfull = zip(counts, levels).contains { $0 > $1 + capacity / 4 }
                guard ((hasFailed || isOverfull) && elapsed >= Self.pause) || elapsed >= Self.interval else { continue }
                hasFailed = !(await trim(lease))
                last = clock.now()
                mustLevel = true
            }
        }
    }

    private func trim(_ lease: Lease) async -> Bool {
        do {
            try await TreeSeed(client: client, outsiders: outsiders, logger: logger).makeRoots()
            _ = try await trimmer.step(lease: lease)
            failures.succeeded()
            return true
        } catch {
            logger.debug("trimming waits", metadata: ["error": "\(error)"])
            failures.failed("\(error)")
            return false
        }
    }
}

extension HistoryRetention {
    init(_ limits: GatewayLimits) {
        self.init()
        count = limits.historyEntries
        age = limits.historyAge.wholeMilliseconds
    }
}
