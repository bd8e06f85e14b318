import Foundation
import Primitives
import Synchronization

/// A small plant of a test's own: machines that publish seeded samples, and what a plain evaluation makes of them.
///
/// Each machine has a `temperature`, which crosses ``PlantConfiguration/highLimit`` now and then, and a `count`. A sample
/// counts as published once the broker has acknowledged it; the next one of the same tag is sent only then, so the order
/// of what was published is the order in which gateways hear it.
public final class PlantPublisher: Sendable {
    private struct Machine {
        var hot = false
        var temperature = 60.0
        var count = 0
        var time: Int64 = 0
        var evaluation = PlainEvaluation(high: PlantConfiguration.highLimit, deadband: PlantConfiguration.deadband)
    }

    private struct State {
        var random: SeededRandom
        var machines: [Machine]
        var last: [String: Double] = [:]
        var published = 0
        var failures: [String] = []
        var stopping = false
    }

    public let devices: [String]
    private let link: BrokerLink
    private let state: Mutex<State>
    private let running = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter flipChance: chance that one sample takes a machine to the other side of the limit.
    public init(port: Int, machines: Int = 8, seed: UInt64) async throws {
        devices = (0..<machines).map { "factory/line\($0 % 3 + 1)/machine\($0 + 1)" }
        link = try await BrokerLink(port: port, clientID: "plant-\(seed)-\(UUID().uuidString.prefix(6))")
        state = Mutex(State(random: SeededRandom(seed: seed), machines: Array(repeating: Machine(), count: machines)))
    }

    /// Every tag that it publishes.
    public var tags: [String] { devices.flatMap { [$0 + "/temperature", $0 + "/count"] } }

    /// Begins to publish, one round of all machines every `interval`, until ``stop()``.
    public func start(every interval: Duration = .milliseconds(40), flipChance: Double = 0.1) {
        state.withLock { $0.stopping = false }
        let task = Task {
            while !state.withLock({ $0.stopping }) {
                let next = ContinuousClock.now + interval
                await round(flipChance: flipChance)
                try? await Task.sleep(until: next)
            }
        }
        running.withLock { $0 = task }
    }

    /// One sample of each tag. Returns when the broker has them all.
    public func round(flipChance: Double = 0.1) async {
        let messages = state.withLock { state in
            devices.indices.flatMap { prepare($0, flipChance: flipChance, in: &state) }
        }
        await withTaskGroup(of: Void.self) { group in
            for message in messages {
                group.addTask {
                    do { try await self.link.publish(message.topic, message.payload) } catch {
                        self.state.withLock { $0.failures.append("\(message.topic): \(error)") }
                    }
                }
            }
        }
    }

    /// Stops after the round that is under way: a cancelled publication would leave open whether it was heard.
    public func stop() async {
        state.withLock { $0.stopping = true }
        let task = running.withLock { task in
            defer { task = nil }
            return task
        }
        await task?.value
    }

    public func close() async {
        await stop()
        await link.close()
    }

    // MARK: What it knows

    /// Last value of every tag.
    public var lastValues: [String: Double] { state.withLock { $0.last } }
    public var published: Int { state.withLock { $0.published } }
    /// What the broker did not take: none in a sound test.
    public var failures: [String] { state.withLock { $0.failures } }

    /// By tag, the changes that the alarm must have gone through.
    public var expectedChanges: [String: [PlainEvaluation.Change]] {
        state.withLock { state in
            var expected: [String: [PlainEvaluation.Change]] = [:]
            for (device, machine) in zip(devices, state.machines) where !machine.evaluation.changes.isEmpty {
                expected[device + "/temperature"] = machine.evaluation.changes
            }
            return expected
        }
    }

    private func prepare(_ index: Int, flipChance: Double, in state: inout State) -> [(topic: String, payload: String)]
    {
        var machine = state.machines[index]
        if Double.random(in: 0..<1, using: &state.random) < flipChance { machine.hot.toggle() }
        let tenths = Int.random(in: 0...150, using: &state.random)
        machine.temperature = (machine.hot ? 820.0 : 620.0) / 10 + Double(tenths) / 10
        machine.temperature = (machine.temperature * 10).rounded() / 10
        machine.count += 1
        // Strictly increasing, whatever the clock's resolution.
        machine.time = max(machine.time + 1, Int64(Date().timeIntervalSince1970 * 1000))
        machine.evaluation.add(machine.temperature)
        state.machines[index] = machine
        let device = devices[index]
        state.last[device + "/temperature"] = machine.temperature
        state.last[device + "/count"] = Double(machine.count)
        state.published += 2
        return [
            (device + "/temperature", "{\"v\":\(machine.temperature),\"ts\":\(machine.time)}"),
            (device + "/count", "{\"v\":\(machine.count),\"ts\":\(machine.time)}"),
        ]
    }
}
