public import Logging
public import ServiceLifecycle
import Synchronization

/// A connection to an MQTT broker that comes back by itself.
///
/// ``run()`` keeps it: one thread reads, writes and reconnects, and every subscription is made again each time. Incoming
/// messages are taken from ``batches``, outgoing ones go by ``publish(topic:payload:qos:retain:properties:notAfter:)-(String,_,_,_,_,_)``.
/// All calls may come from any task; none blocks.
///
/// Acknowledgements of incoming messages wait until ``acknowledge(through:)`` says that a batch has been taken over, so a
/// process that dies loses nothing that the broker had delivered above QoS 0. Everything else that leaves on the same
/// connection waits with them, at most for `acknowledgeHoldLimit`: a program that must publish promptly while it receives
/// uses a second client for that.
public final class MQTTClient: Service, Sendable {
    private let core: ClientCore

    /// - Parameter subscriptions: what to hear; made again after each reconnect. See ``subscribe(_:)`` for later ones.
    public init(configuration: Configuration, subscriptions: [MQTTSubscription] = [], logger: Logger) {
        core = ClientCore(configuration: configuration, subscriptions: subscriptions, logger: logger)
    }

    /// Connects and stays connected until the task is cancelled or the service group shuts down gracefully; with
    /// ``Configuration/reconnects`` false until the first connection is over, or could not be made.
    ///
    /// Then it waits, for `drainLimit` at most, for publishes under way and for the consumer's last acknowledgement, says
    /// goodbye to the broker, so that the will is not published, and returns.
    ///
    /// - Throws: ``MQTTError/invalidConfiguration(_:)``, ``MQTTError/alreadyRunning``, and ``MQTTError/library(code:text:)`` when
    ///   the process may open no descriptor or thread for it. A broker that cannot be reached
    ///   or refuses is not thrown: it is tried again, and ``connectionState`` says why.
    public func run() async throws {
        guard core.start() else { throw MQTTError.alreadyRunning }
        do {
            if let failure = core.wake.failure { throw failure }
            try core.configuration.validate()
            for subscription in core.subscriptions where !subscription.isValid {
                throw MQTTError.invalidFilter(subscription.filter)
            }
        } catch {
            core.inbox.finish()
            core.state.finish()
            core.subscriptionStatus.finish()
            throw error
        }
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let thread = try ConnectionThread(core: core, ended: { end.finish() })
        await withTaskCancellationOrGracefulShutdownHandler {
            // Not cancelled with the task: the thread ends by itself soon after the handler below has told it to.
            await Task.detached { for await _ in ended {} }.value
        } onCancelOrGracefulShutdown: {
            self.core.outbox.stop()
        }
        thread.join()
    }

    // MARK: The connection

    /// What the connection is doing now.
    public var connectionState: MQTTConnectionState { core.state.value }

    /// The broker of the present connection or attempt; while there is none, of the latest one.
    public var broker: MQTTBroker { core.broker.withLock { $0 } }

    /// Whether the broker retains messages, as far as the latest connection showed. To one that does not, messages are
    /// published as others, and the will is not retained, either: a message is better than none.
    public var brokerRetainsMessages: Bool { core.retainsMessages.withLock { $0 } }

    /// The present state first, then each change. Ends with ``run()``.
    public func connectionUpdates() -> AsyncStream<MQTTConnectionState> { core.state.updates() }

    /// What the broker has said to the subscriptions.
    public var subscriptionStatus: MQTTSubscriptionStatus { core.subscriptionStatus.value }

    /// The present status first, then each change. Ends with ``run()``.
    public func subscriptionUpdates() -> AsyncStream<MQTTSubscriptionStatus> { core.subscriptionStatus.updates() }

    /// Returns when the broker has accepted us.
    ///
    /// - Throws: ``MQTTError/timedOut(_:)`` with the reason why there is no connection, and `CancellationError`.
    public func waitUntilConnected(timeout: Duration? = nil) async throws {
        try await wait(timeout, for: connectionUpdates(), until: \.isConnected) {
            MQTTError.timedOut("the connection to \(self.core.configuration.brokersInWords) (\(self.connectionState))")
        }
    }

    /// Returns when the broker has answered every subscription, be it with a refusal; see ``subscriptionStatus``.
    ///
    /// - Throws: ``MQTTError/timedOut(_:)`` with the reason why there is no connection, and `CancellationError`.
    public func waitUntilSubscribed(timeout: Duration? = nil) async throws {
        try await wait(timeout, for: subscriptionUpdates(), until: \.isComplete) {
            MQTTError.timedOut("subscribing at \(self.core.configuration.brokersInWords) (\(self.connectionState))")
        }
    }

    /// Returns when a value holds; throws `failure` when the time is over or the values end before.
    func wait<Value: Sendable>(
        _ timeout: Duration?, for updates: AsyncStream<Value>, until holds: @escaping @Sendable (Value) -> Bool,
        failure: @escaping @Sendable () -> any Error
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await value in updates where holds(value) { return }
                try Task.checkCancellation()
                throw failure()
            }
            if let timeout {
                group.addTask {
                    try await Task.sleep(for: timeout)
                    throw failure()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Ends a wait between two attempts to connect: the next one begins at once. Does nothing when there is a connection,
    /// or an attempt is under way.
    public func reconnectNow() { core.outbox.connectNow() }

    /// Gives the present connection up and makes another. For a program that knows that this one is of no use, such as one
    /// whose broker does not deliver any more.
    ///
    /// Unless goodbye is said, the broker is not told: it takes this for a loss and publishes the will, and what waits for its
    /// acknowledgement fails with ``MQTTError/connectionLost``. Does nothing when there is no connection.
    ///
    /// - Parameters:
    ///   - why: goes into ``connectionState`` and the log.
    ///   - sayingGoodbye: as at the end of ``run()``: what is under way is waited for, for `drainLimit` at most, and the will is
    ///     not published.
    public func reconnect(because why: String, sayingGoodbye: Bool = false) {
        core.outbox.giveUpConnection(.init(why: why, saysGoodbye: sayingGoodbye))
    }

    /// Wants no connection until ``resume()``: says goodbye to the broker as at the end of ``run()``, so that the will is not
    /// published, and stays away. ``connectionState`` is then ``MQTTDisconnection/suspended``.
    public func suspend() { core.outbox.setSuspended(true) }

    /// Wants a connection (again), at once.
    public func resume() { core.outbox.setSuspended(false) }

    // MARK: Receiving

    /// Incoming messages, everything that has arrived since the batch before. For one consumer.
    ///
    /// When the consumer does not keep up, messages are collected in the next batch. When that reaches `inboxMessageLimit` or
    /// `inboxByteLimit`, reading stops for `inboxFullPause`, so that the network and the broker hold messages back; after
    /// that, and until the consumer takes the batch, half of a full inbox is thrown away each time, counted in
    /// ``MQTTStatistics/droppedInboxFull`` and, by topic, in ``shedTopics``: messages of the topics that fill it, and of each the
    /// oldest, because of a stream of values the newest is worth most. Topics that send little lose nothing.
    public var batches: MQTTBatchSequence {
        MQTTBatchSequence(
            inbox: core.inbox, outbox: core.outbox, acknowledgement: core.configuration.acknowledgement)
    }

    /// Says that all batches up to this one have been taken over: the broker may forget them.
    public func acknowledge(through batchNumber: UInt64) { core.outbox.acknowledge(through: batchNumber) }

    /// Subscribes now, when there is a connection, and on every later one.
    ///
    /// - Throws: ``MQTTError/invalidFilter(_:)``. The broker's answer is in ``subscriptionStatus``.
    public func subscribe(_ subscription: MQTTSubscription) throws {
        guard subscription.isValid else { throw MQTTError.invalidFilter(subscription.filter) }
        core.outbox.change(.add(subscription))
    }

    /// Ends a subscription, now and for later connections.
    public func unsubscribe(_ filter: String) throws {
        guard MQTTSubscription(filter: filter).isValid else { throw MQTTError.invalidFilter(filter) }
        core.outbox.change(.remove(filter: filter))
    }

    // MARK: Publishing

    /// Publishes and returns when the broker has acknowledged (QoS 1 and 2) or the message is written (QoS 0).
    ///
    /// Never queued for later: without a connection it throws at once. When `maxInFlightPublishes` are under way it waits
    /// for its turn. Cancelling ends the wait; a message that has left is not called back.
    ///
    /// - Parameters:
    ///   - properties: left out on MQTT 3.1.1, which has none.
    ///   - notAfter: checked when the message is handed to the library to be written: past it, nothing is sent.
    /// - Throws: ``MQTTError/notConnected``, ``MQTTError/deadlinePassed``, ``MQTTError/tooManyPublishes(limit:)``,
    ///   ``MQTTError/invalidTopic(_:)``, ``MQTTError/payloadTooLarge(_:)``: nothing was sent.
    ///   ``MQTTError/refused(_:)``: the broker said no. ``MQTTError/connectionLost``: nobody knows.
    @discardableResult
    public func publish(
        topic: [UInt8], payload: [UInt8], qos: MQTTQoS = .atLeastOnce, retain: Bool = false,
        properties: MQTTProperties = MQTTProperties(), notAfter: ContinuousClock.Instant? = nil
    ) async throws -> MQTTPublishResult {
        try Task.checkCancellation()
        guard isPublishTopic(topic) else { throw MQTTError.invalidTopic(String(decoding: topic, as: UTF8.self)) }
        guard payload.count <= 268_435_455 - 65_535 else { throw MQTTError.payloadTooLarge(payload.count) }
        if let notAfter, ContinuousClock.now > notAfter { throw MQTTError.deadlinePassed }
        let slot = PublishSlot(
            topic: topic, payload: payload, qos: qos, retain: retain, properties: properties, notAfter: notAfter)
        try core.outbox.publish(slot)
        return try await slot.outcome()
    }

    /// The same with a topic as text.
    @discardableResult
    public func publish(
        topic: String, payload: [UInt8], qos: MQTTQoS = .atLeastOnce, retain: Bool = false,
        properties: MQTTProperties = MQTTProperties(), notAfter: ContinuousClock.Instant? = nil
    ) async throws -> MQTTPublishResult {
        try await publish(
            topic: Array(topic.utf8), payload: payload, qos: qos, retain: retain, properties: properties,
            notAfter: notAfter)
    }

    /// The topics of which most messages were shed so far, at most 32, those that lost most first. They are as they came; of a
    /// long one its beginning.
    public var shedTopics: [(topic: String, messages: UInt64)] {
        core.shedTopics.withLock { $0.largest }.map { (String(decoding: $0.topic, as: UTF8.self), $0.messages) }
    }

    /// What has been counted so far.
    public var statistics: MQTTStatistics { core.statistics.withLock { $0 } }
}
