import Foundation
import Primitives
import SparkplugB
import TestFixtures
import Testing

/// An edge node, a network that loses, delays, reorders and repeats, and the session of a host.
@Suite("Session: simulated edge node and network")
struct SimulationTests {
    private static let isLong = ProcessInfo.processInfo.environment["LINEKEEPER_LONG"] == "1"

    struct Network: CustomTestStringConvertible, Sendable {
        let loss: Int
        let repetition: Int
        /// Longest delay in milliseconds.
        let delay: Int64
        /// Whether NBIRTHs are lost like other messages.
        let losesBirths: Bool

        var testDescription: String {
            "loss \(loss) %\(losesBirths ? ", also of births" : ""), repetition \(repetition) %, delay \(delay) ms"
        }
    }

    private struct World {
        let network: Network
        var edge = SimulatedEdge(devices: 3)
        var session: EdgeNodeSession
        var random: SeededRandom
        var now: Int64 = 0
        var isCalm = false
        var inFlight: [(at: Int64, order: Int, message: SimulatedEdge.Message)] = []
        var sent = 0
        /// The live values of the session's tags.
        var values: [SparkplugTagID: UInt32] = [:]
        var requests = 0
        var violations: [String] = []
        /// Samples that are told for another metric. It happens when a birth is lost, or on its way, together with the death before
        /// it, and what follows has by chance the number that was next: nothing in the protocol shows then that aliases mean
        /// other metrics now.
        var misattributions = 0

        mutating func send(_ messages: [SimulatedEdge.Message]) {
            for message in messages {
                let mayBeLost = !isCalm && (network.losesBirths || message.type != .nodeBirth)
                guard !mayBeLost || !random.chance(network.loss) else { continue }
                for _ in 0..<(!isCalm && random.chance(network.repetition) ? 2 : 1) {
                    let delay = isCalm ? 0 : Int64.random(in: 0...network.delay, using: &random)
                    inFlight.append((now + delay, sent, message))
                    sent += 1
                }
            }
            inFlight.sort { ($0.at, $0.order) < ($1.at, $1.order) }
        }

        /// Until then messages arrive, and deadlines are reached.
        mutating func run(until end: Int64) {
            while true {
                let deadline = session.deadline ?? .max
                let arrival = inFlight.first?.at ?? .max
                guard min(deadline, arrival) <= end else { break }
                now = max(now, min(deadline, arrival))
                var events: ContiguousArray<EdgeNodeEvent> = []
                if arrival <= deadline {
                    let message = inFlight.removeFirst().message
                    let device = Array(message.device.utf8)
                    session.received(message.type, device: device.span, message.payload.span, at: now, into: &events)
                } else {
                    session.advance(to: now, into: &events)
                }
                for event in events { take(event) }
            }
            now = max(now, end)
        }

        private mutating func take(_ event: EdgeNodeEvent) {
            switch event {
            case .sample(let sample):
                guard case .integer(let integer)? = sample.value else {
                    violations.append("a sample without a value")
                    return
                }
                let value = UInt32(truncatingIfNeeded: integer)
                defer { values[sample.tag] = value }
                guard !sample.flags.contains(.unproven) else { return }
                let (device, name) = session.tag(sample.tag)
                let deviceName = session.device(device).name
                let number = Int(deviceName.dropFirst()) ?? 0
                let identity = UInt32(number * SimulatedEdge.metricsPerDevice) + (UInt32(name.dropFirst()) ?? 0)
                if value % SimulatedEdge.identities != identity {
                    misattributions += 1
                } else if let last = values[sample.tag], last % SimulatedEdge.identities == identity, value < last {
                    violations.append("\(deviceName) \(name) at \(now): \(value) behind \(last)")
                }
            case .rebirthNeeded:
                requests += 1
                session.rebirthSent(at: now)
                if isCalm || !random.chance(network.loss) { send(edge.rebirth(at: now)) }
            case .tagStale, .stateChanged, .birthsOver: break
            case .refused, .unreadable: violations.append("\(event)")
            }
        }
    }

    @Test(
        """
        after the network has calmed down, the session knows what the edge node knows; nothing is told out of order or for \
        another metric; requests are bounded
        """,
        arguments: [
            Network(loss: 0, repetition: 0, delay: 0, losesBirths: false),
            Network(loss: 0, repetition: 10, delay: 900, losesBirths: false),
            Network(loss: 2, repetition: 5, delay: 900, losesBirths: false),
            Network(loss: 20, repetition: 20, delay: 1500, losesBirths: false),
            Network(loss: 20, repetition: 20, delay: 1500, losesBirths: true),
        ])
    func simulation(_ network: Network) {
        let worlds = Self.isLong ? 400 : 12
        var misattributions = 0
        for seed in UInt64(0)..<UInt64(worlds) {
            var world = World(
                network: network, session: EdgeNodeSession(seed: seed, asksFirst: true),
                random: SeededRandom(seed: seed)
            )
            world.send(world.edge.reconnect(at: 0, &world.random))
            for _ in 0..<1500 { step(&world) }
            let duration = world.now
            world.isCalm = true
            settle(&world)
            let context = "seed \(seed), \(network.testDescription)"
            #expect(network.losesBirths || world.violations.isEmpty, "\(context): \(world.violations.prefix(3))")
            compare(world, context)
            #expect(world.requests <= 2 + Int(duration / 30_000), "\(context): \(world.requests) in \(duration) ms")
            if network.loss == 0, network.delay == 0 { #expect(world.requests == 0, "\(context)") }
            misattributions += world.misattributions
        }
        // Each world has some 3000 samples and some 15 births.
        if !network.losesBirths { #expect(misattributions <= worlds / 10, "\(network.testDescription)") }
    }

    private func step(_ world: inout World) {
        world.run(until: world.now + Int64.random(in: 0...200, using: &world.random))
        let device = Int.random(in: 0...3, using: &world.random)
        switch Int.random(in: 0..<200, using: &world.random) {
        case 0: world.send(world.edge.reconnect(at: world.now, &world.random))
        case 1: world.send(world.edge.rebirth(at: world.now))
        case 2...5 where device > 0: world.send(world.edge.toggle(device, at: world.now))
        default: world.send(world.edge.change(device, at: world.now, &world.random))
        }
    }

    /// The edge node goes on publishing, in a network without faults, until nothing is wanted any more.
    private func settle(_ world: inout World) {
        let end = world.now + 2 * 3_600_000
        while world.now < end {
            world.run(until: world.now + 10_000)
            world.send(world.edge.change(0, at: world.now, &world.random))
        }
        world.run(until: world.now + 60_000)
    }

    private func compare(_ world: World, _ context: String) {
        #expect(world.session.state == .online, "\(context)")
        var known: [String: UInt32] = [:]
        for number in 0..<UInt32(world.session.tagCount) {
            let tag = SparkplugTagID(rawValue: number)
            let (device, name) = world.session.tag(tag)
            known["\(world.session.device(device).name)/\(name)"] = world.values[tag]
        }
        let states = (0..<UInt32(world.session.deviceCount)).map {
            world.session.device(SparkplugDeviceID(rawValue: $0))
        }
        for device in world.edge.devices {
            let isOnline = states.contains { $0.name == device.name && $0.state == .online }
            #expect(isOnline == device.isOnline, "\(context): \(device.name)")
            guard device.isOnline else { continue }
            for (metric, value) in device.values.enumerated() {
                #expect(known["\(device.name)/m\(metric)"] == value, "\(context): \(device.name)/m\(metric)")
            }
        }
    }
}
