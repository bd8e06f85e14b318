import CMosquitto
import Glibc
import Logging
import Primitives
import Synchronization

/// Connects, serves the connection until it ends, waits, and connects again: the body of the connection's thread.
final class ConnectionLoop {
    private let core: ClientCore
    private var choice: BrokerChoice
    private var session: ConnectionSession
    /// Whether the next attempt asks the broker to retain the will and what is published.
    private var retains = true
    private var experiences: [MQTTBroker: Experience] = [:]
    /// When each reason was said; a broker that changes its reasons must not fill the log either.
    private var said: [Complaint: ContinuousClock.Instant] = [:]

    /// What attempts at one broker have shown.
    private struct Experience {
        /// Whether the next attempt is made by IPv4 alone.
        var onlyIPv4 = false
        /// Connections of MQTT 3.1.1 that were closed instead of being answered, since the last that was accepted.
        var silentRefusals = 0
    }

    private struct Complaint: Hashable {
        let broker: MQTTBroker
        let reason: MQTTDisconnection
    }

    init(core: ClientCore) {
        self.core = core
        choice = BrokerChoice(
            core.configuration.broker, core.configuration.alternatives, core.configuration.reconnect)
        session = ConnectionSession(core: core)
    }

    /// Returns when the client has been stopped, or when the one connection is over that it is to make.
    func run() {
        var repeated: BrokerChoice.Attempt?
        while true {
            if waitWhileSuspended() { break }
            let attempt = repeated ?? choice.next(beside: companion, now: .now)
            repeated = nil
            let broker = attempt.broker
            core.broker.withLock { $0 = broker }
            core.state.set(.connecting)
            let connection: Connection
            let reason: MQTTDisconnection
            var connectedFor: Duration?
            var wasReached = true
            do {
                connection = try Connection(core: core, session: session, attempt: attempt, retains: retains)
                reason = connection.serve(onlyIPv4: experiences[broker]?.onlyIPv4 ?? false)
                if let since = connection.connectedSince {
                    connectedFor = ContinuousClock.now - since
                    choice.accepted(broker, sessionPresent: connection.sessionPresent)
                }
                wasReached = connection.reachedBroker
                if !wasReached { experiences[broker, default: Experience()].onlyIPv4.toggle() }
                retains = !refusesToRetain(connection, broker, reason)
            } catch {
                reason = .protocolError(code: 0, text: "\(error)")
                retains = true
            }
            core.state.set(.disconnected(reason))
            if reason == .stopped { break }
            if !core.configuration.reconnects {
                // Nobody answered at the name's first address: no broker has refused, or has the will.
                guard !wasReached, experiences[broker]?.onlyIPv4 == true, reason != .suspended else { break }
                repeated = attempt
                continue
            }
            if reason == .suspended {
                choice.forgetWaits()
                continue
            }
            core.statistics.withLock { $0.disconnections &+= 1 }
            // Nothing is wrong but that: at once, without it.
            if !retains {
                repeated = attempt
                continue
            }
            let now = ContinuousClock.now
            choice.ended(
                broker, reason, connectedFor: connectedFor, random: Double.random(in: 0..<1), now: now)
            let notBefore = max(choice.next(beside: companion, now: now).notBefore ?? now, now)
            log(Complaint(broker: broker, reason: reason), retryIn: notBefore - now)
            if wait(until: notBefore) {
                core.state.set(.disconnected(.stopped))
                break
            }
        }
        core.inbox.finish()
        core.state.finish()
        core.subscriptionStatus.finish()
    }

    /// The broker where a client is that this one should meet.
    private var companion: MQTTBroker? { core.configuration.companions?.broker(beside: core) }

    /// Whether the broker may have refused us because of a will that it was to retain. MQTT 5 says so; a broker of 3.1.1 just
    /// closes the connection, twice. Then the next attempt does without, and after any connection it is asked for again.
    private func refusesToRetain(
        _ connection: Connection, _ broker: MQTTBroker, _ reason: MQTTDisconnection
    ) -> Bool {
        if connection.connectedSince != nil { experiences[broker]?.silentRefusals = 0 }
        guard retains, core.configuration.will?.retain == true, connection.connectedSince == nil else { return false }
        if reason == .refused(.retainNotSupported) { return true }
        guard core.configuration.protocolVersion == .v311, connection.reachedBroker else { return false }
        switch reason {
        case .network, .protocolError, .closedByBroker:
            // Once may be a broker that is just starting.
            experiences[broker, default: Experience()].silentRefusals += 1
            return experiences[broker]?.silentRefusals.isMultiple(of: 2) ?? false
        case .notStarted, .stopped, .suspended, .givenUp, .refused, .timedOut, .tls: return false
        }
    }

    /// Waits between two attempts, not longer than somebody lets it; true when the client is stopped meanwhile.
    private func wait(until end: ContinuousClock.Instant) -> Bool {
        while true {
            let requests = core.outbox.takeRequests()
            session.apply(requests.subscriptionChanges)
            if requests.stop { return true }
            if requests.connectNow {
                choice.startOver()
                return false
            }
            let left = end - ContinuousClock.now
            if left <= .zero || requests.isSuspended { return false }
            sleep(left.pollMilliseconds)
        }
    }

    /// Waits until a connection is wanted; true when the client is stopped meanwhile.
    private func waitWhileSuspended() -> Bool {
        while true {
            let requests = core.outbox.takeRequests()
            session.apply(requests.subscriptionChanges)
            if requests.stop {
                core.state.set(.disconnected(.stopped))
                return true
            }
            guard requests.isSuspended else { return false }
            core.state.set(.disconnected(.suspended))
            sleep(-1)
        }
    }

    /// Returns when somebody wants something, or after so many milliseconds; -1: never by time.
    private func sleep(_ milliseconds: Int32) {
        var descriptor = pollfd(fd: core.wake.descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&descriptor, 1, milliseconds) > 0 { core.wake.drain() }
    }

    /// Says why there is no connection: when the reason is a new one, and every half minute while it stays the same.
    private func log(_ complaint: Complaint, retryIn delay: Duration) {
        let now = ContinuousClock.now
        said = said.filter { now - $0.value < .seconds(30) }
        guard said[complaint] == nil, said.count < 16 else { return }
        said[complaint] = now
        core.mustSayConnected.withLock { $0 = true }
        core.logger.info(
            "no connection to the broker",
            metadata: [
                LogKey.broker: "\(complaint.broker)", LogKey.clientID: "\(core.configuration.clientID)",
                LogKey.reason: "\(complaint.reason)",
                LogKey.retryIn: "\(Duration.milliseconds(delay.wholeMilliseconds))",
            ])
    }
}

/// Keys of log metadata.
enum LogKey {
    static let broker = "mqtt.broker"
    static let clientID = "mqtt.client_id"
    static let reason = "reason"
    static let retryIn = "retry_in"
    static let filter = "mqtt.filter"
    static let sessionPresent = "mqtt.session_present"
}
