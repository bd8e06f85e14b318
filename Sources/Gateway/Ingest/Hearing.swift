import MQTT
import Plant
import ServiceLifecycle
import Synchronization

/// Sends the echoes that prove what has been heard; ``HearingProof`` decides when.
///
/// They leave on the publishing connection, where they do not wait behind acknowledgements, and come back on the listening
/// one, behind everything that the broker has kept for it.
struct Hearing<Source: MessageSource>: Service {
    let source: Source
    let publisher: any MessagePublisher
    let topic: String
    /// The broker keeps the connection and delivers nothing. `time`: 1 for the first departure since the last echo, then 2, …
    let hung: @Sendable (_ why: String, _ time: Int) -> Void
    /// Whether the broker is silent: it has owed an echo for longer than ``HearingProof/Times/hungAfter``, and has not
    /// brought one back since. At each change, for one reader.
    let silence: AsyncStream<Bool>
    let clock: GatewayClock
    /// Whether the two connections are at different brokers.
    private let areApart: @Sendable () -> Bool
    private let state: State
    private let echoes: AsyncStream<HearingProof.Echo>
    private let echoSink: AsyncStream<HearingProof.Echo>.Continuation
    private let silenceSink: AsyncStream<Bool>.Continuation

    /// The present connection; times by the wall clock without leaps.
    private struct Connection {
        /// When the broker had granted the subscriptions.
        var subscribedAt: Milliseconds?
        /// When the first echo had come back.
        var provedAt: Milliseconds?
    }

    /// In a class, for the copies of this value.
    private final class State: Sendable {
        let proof: Mutex<HearingProof>
        let connection = Mutex(Connection())

        init(_ times: HearingProof.Times, brokers: Int) {
            proof = Mutex(HearingProof(times: times, brokers: brokers))
        }
    }

    /// - Parameters:
    ///   - brokers: how many there are to go to, with the present one.
    ///   - areApart: whether the two connections are at different brokers.
    init(
        source: Source, publisher: any MessagePublisher, topic: String, times: HearingProof.Times = .init(),
        brokers: Int = 1, areApart: @escaping @Sendable () -> Bool = { false },
        hung: @escaping @Sendable (_ why: String, _ time: Int) -> Void,
        clock: GatewayClock
    ) {
        self.source = source
        self.publisher = publisher
        self.topic = topic
        self.hung = hung
        self.clock = clock
        self.areApart = areApart
        state = State(times, brokers: brokers)
        // One echo is under way at a time; a newer one proves more.
        (echoes, echoSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (silence, silenceSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Where a gateway's echoes go.
    static func topic(plant: String, gateway: String) -> String {
        GatewayNotice.topic(plant: plant, gateway: gateway) + "/echo"
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.followSubscriptions() }
                group.addTask { await self.followPublisher() }
                group.addTask { await self.publish() }
                await group.waitForAll()
            }
        }
    }

    /// Sends an echo when it is time to. Never waits.
    func turn(isWanted: Bool) {
        let now = clock.now()
        let sight = clock.look()
        // By the clock without leaps: it may be set before the echo is back.
        let wall = sight.wall.subtractingClamped(sight.total)
        let (canPublish, areApart) = (publisher.connectionState.isConnected, areApart())
        let (echo, time) = state.proof.withLock { proof in
            let wasSilent = proof.isSilent
            let echo = proof.ask(
                isWanted: isWanted, canPublish: canPublish, number: .random(in: .min ... .max), wall: wall, at: now)
            if proof.isSilent, !wasSilent { silenceSink.yield(true) }
            return (echo, proof.givesUp(canPublish: canPublish, areApart: areApart, at: now))
        }
        if let echo { echoSink.yield(echo) }
        if let time { hung("the broker has not brought back an echo", time) }
    }

    /// Messages have come by the listening connection.
    func delivered(areRetained: Bool) {
        let now = clock.now()
        state.proof.withLock { $0.delivered(areRetained: areRetained, at: now) }
    }

    /// Whether the broker is silent; see ``silence``.
    var isSilent: Bool { state.proof.withLock { $0.isSilent } }

    /// An echo has been read. Returns what it proves; nil for one that proves nothing.
    func echoReceived(_ payload: [UInt8]) -> Milliseconds? {
        let now = clock.now()
        let proved = state.proof.withLock { proof in
            let wasSilent = proof.isSilent
            let proved = proof.echoReceived(payload, at: now)
            if wasSilent, !proof.isSilent { silenceSink.yield(false) }
            return proved
        }
        let sight = clock.look()
        if proved != nil {
            state.connection.withLock { connection in
                if connection.provedAt == nil { connection.provedAt = sight.wall.subtractingClamped(sight.total) }
            }
        }
        return proved?.addingClamped(sight.total)
    }

    /// Since when what comes was published while this gateway listened: what the broker had kept for it came before. nil while
    /// that is not known.
    var heardSince: Milliseconds? {
        let sight = clock.look()
        let connection = state.connection.withLock { $0 }
        guard let subscribedAt = connection.subscribedAt else { return nil }
        // A broker that brings no echo back has delivered by then what it had.
        let presumed = subscribedAt.addingClamped(TopicClock.longestWait)
        let proved = connection.provedAt ?? (sight.wall.subtractingClamped(sight.total) >= presumed ? presumed : nil)
        return proved?.addingClamped(sight.total)
    }

    private func followSubscriptions() async {
        for await status in source.subscriptionUpdates() {
            let now = clock.now()
            let sight = clock.look()
            state.connection.withLock { connection in
                if !status.isComplete {
                    connection = Connection()
                } else if connection.subscribedAt == nil {
                    connection.subscribedAt = sight.wall.subtractingClamped(sight.total)
                }
            }
            state.proof.withLock { proof in
                if status.isComplete {
                    proof.subscribed()
                } else if status.connected {
                    proof.subscribing(at: now)
                } else {
                    proof.disconnected()
                }
            }
        }
    }

    private func followPublisher() async {
        for await connection in publisher.connectionUpdates() {
            switch connection {
            case .disconnected(.network), .disconnected(.closedByBroker):
                let now = clock.now()
                state.proof.withLock { $0.publisherLost(at: now) }
            case .disconnected, .connecting, .connected: break
            }
        }
    }

    private func publish() async {
        for await echo in echoes {
            do {
                _ = try await publisher.publish(
                    topic: topic, payload: echo.payload, qos: .atLeastOnce, retain: false,
                    properties: MQTTProperties(), notAfter: nil)
            } catch {
                let now = clock.now()
                state.proof.withLock { proof in
                    switch error {
                    case MQTTError.refused: proof.echoRefused(at: now)
                    case MQTTError.notConnected, MQTTError.connectionLost: proof.echoUnsent(echo, at: now)
                    // What does not get through is asked for again.
                    default: break
                    }
                }
            }
        }
    }
}
