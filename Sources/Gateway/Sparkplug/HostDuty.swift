import Logging
import MQTT
import Plant
import SparkplugB
import ZooKeeperRecipes

/// What ``SparkplugHost`` does in its one task: gives ``HostState`` what has happened, and carries out what it asks for.
struct HostDuty {
    private enum Obstacle: Error, CustomStringConvertible {
        case noLease
        case nobodyListens
        case noConnection
        case tooSlow(String)

        var description: String {
            switch self {
            case .noLease: "another gateway becomes the active one"
            case .nobodyListens: "this gateway does not hear and speak at one broker"
            case .noConnection: "the connection is gone"
            case .tooSlow(let what): "\(what) took too long"
            }
        }
    }

    private let service: SparkplugHost
    private var host: HostState
    private var connection: HostConnection?
    /// Under which the host is active here.
    private var lease: Lease?
    private var connections: UInt64 = 0
    private var watch = ForeignHostWatch()
    /// Why there is no connection.
    private var obstacle: String?
    private var answeredAt: ContinuousClock.Instant?
    private var readAt: ContinuousClock.Instant?
    private var leavesBy: ContinuousClock.Instant?
    /// Since when nobody listens to edge nodes here.
    private var deafSince: ContinuousClock.Instant?

    private var wall: Int64 { service.clock.wall() }

    init(_ service: SparkplugHost, _ host: HostState) {
        self.service = service
        self.host = host
    }

    /// Deals with everything that has happened; false when it has stopped.
    mutating func turn(isStopping: Bool) async -> Bool {
        // Taken before the lease is looked at: as long as that is valid no other gateway has been elected, so nothing of this is a
        // successor's.
        let heard = takeMessages()
        await followLease(isStopping: isStopping)
        await followHearing()
        await followConnection()
        await answer(heard)
        if mayProceed { await perform(host.deadlineReached(at: wall)) }
        report()
        return isStopping ? await leave() : true
    }

    /// Ends what is left, without a goodbye: this gateway dies, and edge nodes are to know.
    mutating func end() async {
        await connection?.abandon()
        connection = nil
        service.connecting.withdrawn()
        service.foreign.withdrawn()
    }

    // MARK: What has happened

    private mutating func takeMessages() -> [HostConnection.Message] {
        if let answeredAt, service.clock.now() - answeredAt < SparkplugHost.answerSpacing { return [] }
        return connection?.takeMessages() ?? []
    }

    private mutating func followLease(isStopping: Bool) async {
        let current = service.hands.lease()
        if let lease, current?.token != lease.token {
            self.lease = nil
            await perform(host.handedOver(at: wall))
        }
        guard lease == nil, let current, !isStopping, host.phase != .idle || service.hands.place() != nil else {
            return
        }
        let now = service.clock.now()
        if let readAt, now - readAt < SparkplugHost.readSpacing { return }
        readAt = now
        do {
            let timestamps = service.timestamps
            let last = try await within(SparkplugHost.patience, "reading the last timestamp") {
                try await timestamps.last()
            }
            lease = current
            await perform(host.activated(last: last, at: wall))
        } catch {
            service.connecting.failed("\(TreeLayout.sparkplug): \(error)")
        }
    }

    /// Edge nodes are not to publish for somebody who does not listen. Once this gateway listens again the host is activated again.
    private mutating func followHearing() async {
        guard service.hands.place() == nil else {
            deafSince = nil
            return
        }
        let now = service.clock.now()
        let since = deafSince ?? now
        deafSince = since
        guard lease != nil, now - since > service.deafLimit else { return }
        lease = nil
        await perform(host.stopped(at: wall))
    }

    private mutating func followConnection() async {
        guard let connection else { return }
        switch connection.state {
        case .connecting: break
        case .ended(let reason):
            self.connection = nil
            obstacle = reason
            host.connectionLost(at: wall)
        case .connected:
            if host.phase == .connecting {
                connections += 1
                await perform(host.connected(at: wall))
            } else if let place = service.hands.place(), place != connection.broker {
                await perform(host.brokerChanged(at: wall))
            }
        }
    }

    private mutating func answer(_ messages: [HostConnection.Message]) async {
        let effects = host.received(messages, at: wall)
        guard !effects.isEmpty else { return }
        answeredAt = service.clock.now()
        await perform(effects)
    }

    /// Whether what is due may be done: nothing is connected while nobody listens.
    private var mayProceed: Bool {
        if case .handingOver = host.phase { true } else { service.hands.place() != nil }
    }

    private mutating func report() {
        service.count(connections: connections, heard: host.counters)
        let said = watch.look(host.counters, now: service.clock.now())
        guard service.hands.lease() != nil else {
            service.connecting.withdrawn()
            return service.foreign.withdrawn()
        }
        if case .idle = host.phase, service.hands.place() == nil {
            service.connecting.failed("\(Obstacle.nobodyListens)")
        }
        if case .waiting = host.phase, mayProceed { service.connecting.failed(obstacle ?? "no connection") }
        if let said { service.foreign.failed(said) } else { service.foreign.succeeded() }
    }

    // MARK: Stopping

    /// False when there is nothing left to do.
    private mutating func leave() async -> Bool {
        if case .handingOver = host.phase {
            let now = service.clock.now()
            let limit = leavesBy ?? now + SparkplugHost.farewellLimit
            leavesBy = limit
            if now < limit { return true }
        }
        await perform(host.stopped(at: wall))
        return false
    }

    // MARK: What is to be done

    /// In this order. After a failure the rest is left, and the connection with it, unless the lease was lost: then it is handed over.
    ///
    /// A goodbye is said as far as it can be said in ``SparkplugHost/farewellTime``; what it could not say, the will says.
    private mutating func perform(_ effects: [HostEffect]) async {
        guard !effects.isEmpty else { return }
        let wasConnected = connection?.state == .connected
        let end = host.phase == .idle ? service.clock.now() + SparkplugHost.farewellTime : nil
        for effect in effects {
            do { try await carryOut(effect, until: end) } catch {
                if host.phase == .idle {
                    if case .publish = effect {
                        await connection?.abandon()
                        connection = nil
                        return say("the Sparkplug host is offline")
                    }
                    continue
                }
                obstacle = "\(error)"
                if let lease, service.hands.lease()?.token != lease.token {
                    self.lease = nil
                    if host.phase == .connecting, wasConnected {
                        // What was said over this connection does not hold any more, and only the broker is left to say so.
                        await connection?.abandon()
                        connection = nil
                    }
                    return await perform(host.handedOver(at: wall))
                }
                service.connecting.failed("\(error)")
                await connection?.abandon()
                connection = nil
                return host.connectionLost(at: wall)
            }
        }
        guard let last = effects.last else { return }
        switch last {
        case .publish:
            if effects.first == .subscribe(host.topic) { say("the Sparkplug host is online") }
        case .disconnect:
            if wasConnected {
                say(effects.count == 1 ? "the Sparkplug host is handed over" : "the Sparkplug host is offline")
            }
        case .keepTimestamp, .connect, .subscribe: break
        }
    }

    private func say(_ message: Logger.Message) {
        service.logger.notice(
            message, metadata: ["host": "\(service.definition.hostID)", "timestamp": "\(host.timestamp)"])
    }

    /// - Parameter end: of a goodbye.
    private mutating func carryOut(_ effect: HostEffect, until end: ContinuousClock.Instant?) async throws {
        func patience(_ most: Duration) -> Duration {
            guard let end else { return most }
            return max(.zero, min(most, end - service.clock.now()))
        }
        switch effect {
        case .keepTimestamp(let timestamp):
            guard let lease = service.hands.lease() else { throw Obstacle.noLease }
            let timestamps = service.timestamps
            let most = end == nil ? SparkplugHost.patience : SparkplugHost.farewellPatience
            try await within(patience(most), "keeping the timestamp") {
                try await timestamps.keep(timestamp, under: lease)
            }
        case .connect(let will):
            guard let place = service.hands.place() ?? connection?.broker else { throw Obstacle.nobodyListens }
            await connection?.close()
            // What had come by then, too: it says what the next connection has to beat.
            _ = host.received(connection?.takeMessages() ?? [], at: wall)
            connection = nil
            let configuration = try service.hands.configuration(
                place,
                MQTTWill(
                    topic: will.topic, payload: will.payload, qos: .atLeastOnce, retain: HostMessage.isRetained))
            connection = HostConnection(
                configuration, topic: host.topic, changed: service.turns, logger: service.logger)
        case .subscribe:
            // The connection has asked for it as the first thing.
            guard let connection else { throw Obstacle.noConnection }
            try await within(SparkplugHost.patience, "subscribing") { try await connection.waitUntilSubscribed() }
        case .publish(let message):
            guard let connection else { throw Obstacle.noConnection }
            let most = patience(SparkplugHost.patience)
            var notAfter = service.clock.now() + most
            switch host.phase {
            case .waiting, .connecting, .online:
                guard let deadline = service.hands.lease()?.deadline else { throw Obstacle.noLease }
                notAfter = min(notAfter, deadline)
            case .handingOver, .idle: break
            }
            let deadline = notAfter
            try await within(most, "publishing") { try await connection.publish(message, notAfter: deadline) }
            if host.phase == .online {
                obstacle = nil
                service.connecting.succeeded()
            }
        case .disconnect:
            await connection?.close()
            connection = nil
        }
    }

    private func within<Result: Sendable>(
        _ time: Duration, _ what: String, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let clock = service.clock
        return try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await clock.sleep(time)
                throw Obstacle.tooSlow(what)
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}
