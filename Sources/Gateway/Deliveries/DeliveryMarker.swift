import Logging
import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Writes into the journal what the channels have delivered or given up, while this gateway is the active alarm processor.
///
/// A mark is written over the version of the entry that it was made from and over no other: when somebody has written the
/// entry meanwhile, it is read again, and what was settled there and here goes into one mark. A gateway that dies before
/// its marks are written leaves the entries owed, and its successor delivers them again.
struct DeliveryMarker: Service {
    /// Entries marked in one transaction.
    static let batch = 128
    /// After a failure.
    static let pause = Duration.milliseconds(100)

    private let client: ZooKeeperClient
    private let board: DeliveryBoard
    private let lease: @Sendable () -> Lease?
    private let writing: @Sendable (_ write: () async throws -> Void) async throws -> Void
    private let counters: GatewayCounters
    private let clock: GatewayClock
    private let logger: Logger
    private let failures: FailureLog

    /// - Parameter writing: does a write to the journal; see ``Journal/writing(_:)``.
    init(
        client: ZooKeeperClient, board: DeliveryBoard, lease: @escaping @Sendable () -> Lease?,
        writing: @escaping @Sendable (_ write: () async throws -> Void) async throws -> Void = { try await $0() },
        counters: GatewayCounters, health: FailureBoard, clock: GatewayClock, logger: Logger
    ) {
        self.client = client
        self.board = board
        self.lease = lease
        self.writing = writing
        self.counters = counters
        self.clock = clock
        self.logger = logger
        failures = health.log(
            .marks, began: "announced alarms cannot be marked in the journal",
            ended: "announced alarms are marked in the journal again")
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in board.marks.turns {
                while await markSome() {}
            }
        }
    }

    /// One transaction; false when there is nothing (more) to do for now.
    private func markSome() async -> Bool {
        let marks = board.marks(limit: Self.batch)
        guard let lease = lease(), !marks.isEmpty else {
            failures.withdrawn()
            return false
        }
        do {
            do {
                try await writing {
                    _ = try await lease.guarded(
                        marks.map { mark in
                            .setData(
                                path: TreeLayout.journalEntry(mark.sequence), data: mark.entry.serialized(),
                                version: mark.version)
                        })
                    board.marked(marks)
                }
            } catch let error as ZooKeeperError {
                guard let index = error.transactionIndex, marks.indices.contains(index),
                    try await lookAgain(at: marks[index], after: error)
                else { throw error }
                return true
            }
            note(marks)
            failures.succeeded()
            return true
        } catch {
            if !(error is CancellationError) {
                if !(error is LeaseLost) { failures.failed("\(error)") }
                try? await clock.sleep(Self.pause)
                if !Task.isCancelled { board.marks.wake() }
            }
            return false
        }
    }

    /// The tree has refused a mark. True when that is dealt with, and the others may be tried again.
    private func lookAgain(at mark: DeliveryLedger.Mark, after error: ZooKeeperError) async throws -> Bool {
        guard error.code == .badVersion || error.code == .noNode else { return false }
        do {
            let node = try await client.getData(TreeLayout.journalEntry(mark.sequence))
            let version = node.stat.version
            guard version != mark.version else { return false }
            if let entry = try? JournalEntry(parsing: node.data ?? []), let transition = try? entry.alarmTransition() {
                board.entryRead(mark.sequence, entry, transition, version: version, age: 0)
            } else {
                board.entryOverwritten(mark.sequence, version: version)
            }
        } catch let error as ZooKeeperError where error.code == .noNode {
            // Trimmed meanwhile: there is nothing to be marked.
            board.entryRemoved(mark.sequence)
        }
        return true
    }

    /// Counts what MQTT has delivered, and says what was given up.
    private func note(_ marks: [DeliveryLedger.Mark]) {
        var givenUp: [Channel: (count: Int, first: Int64, why: Delivery.Reason)] = [:]
        for mark in marks {
            for channel in mark.settled {
                switch mark.entry.deliveries[channel] {
                case .delivered: if channel == .mqtt { counters.announced.add() }
                case .givenUp(let why): givenUp[channel, default: (0, mark.sequence, why)].count += 1
                case .owed, nil: break
                }
            }
        }
        for (channel, entries) in givenUp {
            logger.error(
                "alarm events were given up: they were not delivered in time",
                metadata: [
                    "channel": "\(channel)", "entries": "\(entries.count)",
                    "first": "\(TreeLayout.journalEntry(entries.first))", "why": "\(entries.why)",
                ])
        }
    }
}
