package import Logging
package import MQTT
package import Plant
import Synchronization

/// The simulated plant with its connections: the shell around `PlantModel`, which owns clock and network.
///
/// The first devices have a connection and a last will each; the others share one. The device that drops out loses its
/// connection the way a real one does, without a good-bye, so that its will is the broker's word and not ours.
package final class SimulatedPlant: Sendable {
    private struct Connection: Sendable {
        let client: MQTTClient
        let devices: [String]
    }

    /// What it has done so far.
    package struct Counts: Sendable {
        package var sent = 0
        package var failed = 0
        package var commands = 0
        /// Why a message was lost: the first refusal of the broker, else the first failure.
        package private(set) var error: MQTTError?

        mutating func add(_ result: PublishRound.Result) {
            sent += result.sent
            failed += result.failed
            guard let new = result.error else { return }
            // A connection comes back by itself; a refusal stays until a person does something.
            switch (error, new) {
            case (nil, _): error = new
            case (.refused?, _): break
            case (_?, .refused): error = new
            case (_?, _): break
            }
        }
    }

    /// Between two rounds of publishing.
    private static let tick = Duration.milliseconds(50)

    private let model: Mutex<PlantModel>
    private let settings: MQTTClient.Configuration
    private let logger: Logger
    private let now: @Sendable () -> Milliseconds
    private let say: @Sendable (String) -> Void
    private let counted = Mutex(Counts())
    private let isStopping = Mutex(false)

    /// - Parameters:
    ///   - settings: how to reach the broker; each connection has a client id that begins with the one in it.
    ///   - logger: for what the connections have to say.
    ///   - now: the wall clock.
    ///   - say: called with each event that a person may want to see, in a line.
    package init(
        model: PlantModel, settings: MQTTClient.Configuration, logger: Logger,
        now: @escaping @Sendable () -> Milliseconds, say: @escaping @Sendable (String) -> Void
    ) {
        self.model = Mutex(model)
        self.settings = settings
        self.logger = logger
        self.now = now
        self.say = say
    }

    package var counts: Counts { counted.withLock { $0 } }

    /// Ends ``run(until:)`` soon.
    package func stop() { isStopping.withLock { $0 = true } }

    /// Publishes until `end` or ``stop()``; then every device says that it goes.
    package func run(until end: ContinuousClock.Instant?) async throws {
        let (paths, dropout) = model.withLock { model in (model.devices.map(\.path), model.dropout) }
        let own = min(paths.count, PlantModel.devicesWithOwnConnection)
        var connections = paths.prefix(own).indices.filter { $0 != dropout }.map { connection(devices: [paths[$0]]) }
        if paths.count > own { connections.append(connection(devices: Array(paths.dropFirst(own)))) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for connection in connections {
                group.addTask { try await connection.client.run() }
                group.addTask { await self.announce(connection) }
                group.addTask { await self.obey(connection) }
            }
            for connection in connections {
                try await connection.client.waitForBroker(timeout: .seconds(5))
            }
            if let dropout { group.addTask { await self.comeAndGo(paths[dropout]) } }
            await publish(by: connections, until: end)
            stop()
            for connection in connections { await announce(connection, online: false) }
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }

    // MARK: Connections

    private func connection(devices: [String]) -> Connection {
        var settings = settings
        settings.clientID += "-" + (devices.first ?? "").map { $0 == "/" ? "-" : $0 }
        if let device = devices.first, devices.count == 1 {
            let will = PlantModel.presence(of: device, online: false)
            settings.will = MQTTWill(topic: will.topic, payload: will.payload, qos: .atLeastOnce, retain: will.retain)
        }
        // A command that was published while the device was away is not kept for it: it comes with a deadline of its own.
        let subscriptions = devices.map { MQTTSubscription(filter: $0 + "/cmd/+", qos: .atLeastOnce) }
        return Connection(
            client: MQTTClient(configuration: settings, subscriptions: subscriptions, logger: logger),
            devices: devices)
    }

    /// Says that the devices are there, on each new connection.
    private func announce(_ connection: Connection) async {
        for await state in connection.client.connectionUpdates() where state.isConnected {
            await announce(connection, online: true)
        }
    }

    private func announce(_ connection: Connection, online: Bool) async {
        let messages = connection.devices.map { PlantModel.presence(of: $0, online: online) }
        let result = await PublishRound.send(messages, qos: .atLeastOnce, connection.client)
        counted.withLock { $0.add(result) }
    }

    /// Carries out what comes in, and answers.
    private func obey(_ connection: Connection) async {
        for await batch in connection.client.batches {
            // Before the answer: what leaves on a connection waits behind acknowledgements that are held back.
            connection.client.acknowledge(through: batch.number)
            for entry in batch.entries where !entry.retain {
                let topic = String(decoding: batch.topic(entry), as: UTF8.self)
                let payload = Array(batch.payload(entry))
                let answer = model.withLock { $0.commandReceived(topic: topic, payload: payload, now: now()) }
                counted.withLock { $0.commands += 1 }
                guard let answer else { continue }
                say(
                    "\(topic) \(String(decoding: payload, as: UTF8.self)) → \(String(decoding: answer.payload, as: UTF8.self))"
                )
                let result = await PublishRound.send([answer], qos: .atLeastOnce, connection.client)
                counted.withLock { $0.add(result) }
            }
        }
    }

    // MARK: Publishing

    private func publish(by connections: [Connection], until end: ContinuousClock.Instant?) async {
        var clients: [String: MQTTClient] = [:]
        for connection in connections {
            for device in connection.devices { clients[device] = connection.client }
        }
        while !Task.isCancelled, !isStopping.withLock({ $0 }), end.map({ ContinuousClock.now < $0 }) ?? true {
            let started = ContinuousClock.now
            let messages = model.withLock { $0.advance(to: now()) }
            let dropoutClient = dropoutClient.withLock { $0 }
            let byDevice = Dictionary(grouping: messages) {
                $0.topic[..<($0.topic.lastIndex(of: "/") ?? $0.topic.endIndex)]
            }
            await withTaskGroup(of: PublishRound.Result.self) { group in
                for (device, messages) in byDevice {
                    guard let client = clients[String(device)] ?? dropoutClient else { continue }
                    group.addTask { await PublishRound.send(messages, qos: .atLeastOnce, client) }
                }
                for await result in group { counted.withLock { $0.add(result) } }
            }
            let rest = Self.tick - (ContinuousClock.now - started)
            if rest > .zero { try? await Task.sleep(for: rest) }
        }
    }

    // MARK: The device that drops out

    private let dropoutClient = Mutex<MQTTClient?>(nil)

    /// One life of the device after the other: connected while the model says so, cut off when it does not.
    private func comeAndGo(_ path: String) async {
        while !Task.isCancelled, !isStopping.withLock({ $0 }) {
            guard !model.withLock({ $0.isDropoutOffline }) else {
                try? await Task.sleep(for: .milliseconds(100))
                continue
            }
            let life = connection(devices: [path])
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await life.client.run() }
                group.addTask { await self.announce(life) }
                group.addTask { await self.obey(life) }
                dropoutClient.withLock { $0 = life.client }
                while !Task.isCancelled, !isStopping.withLock({ $0 }), !model.withLock({ $0.isDropoutOffline }) {
                    try? await Task.sleep(for: .milliseconds(100))
                }
                dropoutClient.withLock { $0 = nil }
                if isStopping.withLock({ $0 }) || Task.isCancelled {
                    await announce(life, online: false)
                } else {
                    say("\(path) loses its connection")
                    await cutOff(life)
                }
                group.cancelAll()
            }
            if !isStopping.withLock({ $0 }), !Task.isCancelled {
                while model.withLock({ $0.isDropoutOffline }), !isStopping.withLock({ $0 }) {
                    try? await Task.sleep(for: .milliseconds(100))
                }
                say("\(path) is back")
            }
        }
    }

    /// Ends a device's connection without its good-bye: another client takes its id over, for a moment, and the broker
    /// closes the first one and publishes its will.
    private func cutOff(_ life: Connection) async {
        var settings = settings
        settings.clientID += "-" + (life.devices.first ?? "").map { $0 == "/" ? "-" : $0 }
        try? await MQTTClient.connected(settings, logger: logger) { _ in
            // The one that was cut off stays away while this one holds its id.
            try? await life.client.waitUntilDisconnected(timeout: .seconds(2))
        }
    }
}
