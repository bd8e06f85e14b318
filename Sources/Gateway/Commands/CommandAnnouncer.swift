import DequeModule
import JSON
import Logging
import MQTT
import Plant
import Synchronization
import ZooKeeperRecipes

/// Publishes each change of a command's state on `linekeeper/<plant>/commands/<id>`, in order, QoS 1, not retained.
///
/// For those who asked over MQTT. It follows the commit and may be lost when the gateway dies in between: what counts is the
/// record in the tree. A gateway that is no longer the owner is silent, because the next one may have gone further.
final class CommandAnnouncer: Sendable {
    /// How long an announcement is worth keeping while the broker cannot be reached.
    static let lifetime = Duration.seconds(60)
    static let retryPause = Duration.milliseconds(100)
    /// Nobody has been waiting for an answer for so long: then it is no problem any more that the broker refused the last one.
    static let idleTime = Duration.seconds(300)

    /// State changes that wait to be announced. The oldest is dropped and counted: the tree has them all.
    static let capacity = 10_000

    private struct Item: Sendable {
        var topic: String
        var payload: [UInt8]
        var properties: MQTTProperties
        /// nil for what does not need ownership: the answer to a request that is no command.
        var lease: Lease?
        var expires: ContinuousClock.Instant
    }

    private struct State {
        var items: Deque<Item> = []
        var isPublishing = false
        /// When the broker last refused one, unless it has taken one since.
        var refusedAt: ContinuousClock.Instant?
        var announced: UInt64 = 0
        var dropped: UInt64 = 0
    }

    private let publisher: any MessagePublisher
    private let topics: CommandTopics
    private let limit: Int
    private let clock: GatewayClock
    private let failures: FailureLog
    private let state = Mutex(State())
    private let turns = Wake()

    init(
        publisher: any MessagePublisher, topics: CommandTopics, limit: Int = CommandAnnouncer.capacity,
        health: FailureBoard, clock: GatewayClock
    ) {
        self.publisher = publisher
        self.topics = topics
        self.limit = limit
        self.clock = clock
        failures = health.log(
            .answers, began: "the broker refuses what becomes of commands; those who asked hear nothing",
            ended: "the broker takes what becomes of commands again")
    }

    var announced: UInt64 { state.withLock { $0.announced } }
    var dropped: UInt64 { state.withLock { $0.dropped } }
    var isIdle: Bool { state.withLock { $0.items.isEmpty && !$0.isPublishing } }

    /// Announces a record that has been committed under that lease.
    func announce(_ record: CommandRecord, lease: Lease) {
        enqueue(
            topics.state(of: record.id), record.serialized(), MQTTProperties(correlationData: Array(record.id.utf8)),
            lease)
    }

    /// Answers a requester directly.
    func answer(_ json: JSONValue, on topic: String, correlation: [UInt8]?) {
        enqueue(topic, json.serialized(), MQTTProperties(correlationData: correlation), nil)
    }

    private func enqueue(_ topic: String, _ payload: [UInt8], _ properties: MQTTProperties, _ lease: Lease?) {
        state.withLock { state in
            if state.items.count >= limit {
                state.items.removeFirst()
                state.dropped &+= 1
            }
            state.items.append(
                Item(
                    topic: topic, payload: payload, properties: properties, lease: lease,
                    expires: clock.now() + Self.lifetime))
        }
        turns.wake()
    }

    func run() async {
        for await _ in turns.turns {
            while !Task.isCancelled, let item = take() {
                let isDone = await publish(item)
                state.withLock { state in
                    state.isPublishing = false
                    if !isDone { state.items.prepend(item) }
                }
                if !isDone { try? await clock.sleep(Self.retryPause) }
            }
        }
    }

    /// Ends the problem when there has been nothing to answer for long; call it now and then.
    func withdrawIfIdle() {
        let now = clock.now()
        let isOver = state.withLock { state in
            guard let refusedAt = state.refusedAt, now - refusedAt >= Self.idleTime, state.items.isEmpty,
                !state.isPublishing
            else { return false }
            state.refusedAt = nil
            return true
        }
        if isOver { failures.withdrawn() }
    }

    private func take() -> Item? {
        state.withLock { state in
            while let item = state.items.popFirst() {
                let now = clock.now()
                if item.expires > now, item.lease?.isValid(at: now) != false {
                    state.isPublishing = true
                    return item
                }
                state.dropped &+= 1
            }
            return nil
        }
    }

    /// False when it should be tried again.
    private func publish(_ item: Item) async -> Bool {
        var notAfter = item.expires
        if let lease = item.lease {
            // Lost since it was taken from the queue: the next owner speaks now.
            guard let deadline = lease.deadline else {
                state.withLock { $0.dropped &+= 1 }
                return true
            }
            notAfter = min(notAfter, deadline)
        }
        do {
            _ = try await publisher.publish(
                topic: item.topic, payload: item.payload, qos: .atLeastOnce, retain: false, properties: item.properties,
                notAfter: notAfter)
            state.withLock { state in
                state.announced &+= 1
                state.refusedAt = nil
            }
            failures.succeeded()
            return true
        } catch {
            switch error {
            case MQTTError.notConnected, MQTTError.connectionLost, MQTTError.tooManyPublishes, MQTTError.timedOut:
                return false
            default:
                let now = clock.now()
                state.withLock { state in
                    state.dropped &+= 1
                    state.refusedAt = now
                }
                failures.failed("\(item.topic): \(error)")
                return true
            }
        }
    }
}
