import JSON
import Logging
import MQTT
import OrderedCollections
import Plant
import ServiceLifecycle
import ZooKeeperRecipes

/// Publishes what the journal says has happened, while this gateway is the active alarm processor.
///
/// Only recorded transitions are announced, those of a dead predecessor as well. An entry is marked (``DeliveryMarker``) once
/// the broker has both messages; a gateway that dies in between leaves the entry unmarked and its successor publishes it
/// again with the same `eventId`, so that receivers can drop the repetition. What to publish, and when again, is decided by
/// ``/Plant/Announcements``; this carries it out.
struct Announcer: Service {
    /// Messages on their way at once.
    static let window = 128
    /// How often pauses are looked at.
    static let tick = Duration.milliseconds(100)

    private let board: AnnouncementBoard
    private let publisher: any MessagePublisher
    private let topics: AlarmTopics
    private let lease: @Sendable () -> Lease?
    private let clock: GatewayClock
    private let logger: Logger
    private let failures: FailureLog

    init(
        board: AnnouncementBoard, publisher: any MessagePublisher, topics: AlarmTopics,
        lease: @escaping @Sendable () -> Lease?, health: FailureBoard, clock: GatewayClock, logger: Logger
    ) {
        self.board = board
        self.publisher = publisher
        self.topics = topics
        self.lease = lease
        self.clock = clock
        self.logger = logger
        failures = health.log(
            .announcements, began: "alarm announcements do not reach the broker",
            ended: "alarm announcements reach the broker again")
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.followConnection() }
                group.addTask { await self.keepTime() }
                group.addTask { await self.publishAll() }
                await group.waitForAll()
            }
        }
    }

    private func followConnection() async {
        for await state in publisher.connectionUpdates() {
            if state.isConnected { board.connected() } else { board.disconnected() }
        }
    }

    private func keepTime() async {
        while !Task.isCancelled {
            try? await clock.sleep(Self.tick)
            reportObstacle()
            board.wake()
        }
    }

    private func reportObstacle() {
        guard lease() != nil else { return failures.withdrawn() }
        switch board.obstacle {
        case nil: failures.succeeded()
        case (.refusals, let reason)?: failures.failed(reason ?? "the broker refuses them")
        case (.noConnection, _)?: failures.failed("\(publisher.connectionState)")
        }
    }

    // MARK: Publishing

    private func publishAll() async {
        await withDiscardingTaskGroup { group in
            for await _ in board.turns.turns {
                guard let lease = lease() else { continue }
                for publication in board.next(limit: Self.window) {
                    group.addTask { await publish(publication, under: lease) }
                }
            }
        }
    }

    private func publish(_ publication: Announcements.Publication, under lease: Lease) async {
        do {
            // A lease that has been lost meanwhile has no deadline, and nothing may leave under it.
            guard let deadline = lease.deadline else { throw LeaseLost(path: lease.path, reason: .deadlinePassed) }
            switch publication.content {
            case .record(let record):
                _ = try await publisher.publish(
                    topic: topics.record(of: record.path), payload: record.serialized(), qos: .atLeastOnce,
                    retain: true,
                    properties: MQTTProperties(), notAfter: deadline)
            case .removal(let record):
                _ = try await publisher.publish(
                    topic: topics.record(of: record.path), payload: [], qos: .atLeastOnce, retain: true,
                    properties: MQTTProperties(), notAfter: deadline)
            case .event(_, let transition):
                _ = try await publisher.publish(
                    topic: topics.events, payload: Self.event(transition), qos: .atLeastOnce, retain: false,
                    properties: MQTTProperties(), notAfter: deadline)
            }
            board.ended(publication, .acknowledged)
        } catch {
            let outcome = (error as? MQTTError)?.outcome ?? .failed
            if outcome == .failed {
                board.ended(publication, .failed)
            } else {
                logger.debug(
                    "an announcement was refused", metadata: ["alarm": "\(publication.alarm)", "error": "\(error)"])
                board.ended(publication, outcome, refusal: "\(error)")
            }
        }
    }

    /// The record after a transition, with the transition and its time.
    private static func event(_ transition: ProposedTransition) -> [UInt8] {
        guard case .object(var event) = transition.record.json else { return [] }
        event["transition"] = .string(transition.transition.rawValue)
        event["at"] = .integer(transition.at)
        return JSONValue.object(event).serialized()
    }
}

extension MQTTError {
    /// What became of an announcement that ended so.
    var outcome: Announcements.Outcome {
        switch self {
        case .refused(let code): .refused(concernsTopic: code != .packetTooLarge && code != .payloadFormatInvalid)
        case .invalidTopic, .payloadTooLarge, .invalidProperty, .library: .refused(concernsTopic: false)
        case .notConnected, .connectionLost, .deadlinePassed, .tooManyPublishes, .invalidFilter, .invalidConfiguration,
            .alreadyRunning, .timedOut:
            .failed
        }
    }
}
