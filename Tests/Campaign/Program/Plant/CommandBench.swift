import CampaignOracle
import Foundation
import Primitives
import Synchronization
import TestFixtures

/// Asks for commands over MQTT and plays the devices that carry them out, counting.
final class CommandBench: Sendable {
    private final class Counts: Sendable {
        let executions = Mutex<[String: Int]>([:])
        let link = Mutex<BrokerLink?>(nil)
        let answerAfter = Mutex(0...200)
        /// Commands of which a gateway has said something.
        let answered = Mutex<Set<String>>([])
    }

    private let plant: String
    private let counts: Counts
    private let device: BrokerLink
    private let asker: BrokerLink
    private let cases = Mutex<[String: CommandCase]>([:])
    /// Commands with a record.
    private let accepted = Mutex<Set<String>>([])
    private let running = Mutex<[Task<Void, Never>]>([])
    private let isAsking = Mutex(true)

    /// Part of an id that makes the device say no.
    private static let failing = "-no-"

    init(port: Int, plant: String) async throws {
        self.plant = plant
        let counts = Counts()
        self.counts = counts
        // No session that the broker keeps: it would deliver again what a device has had.
        device = try await BrokerLink(
            port: port, clientID: "campaign-devices", subscriptions: ["factory/+/+/cmd/+"],
            longestPause: .milliseconds(50)
        ) { message in
            struct Command: Decodable { let id: String }
            guard let command = try? JSONDecoder().decode(Command.self, from: Data(message.payload)) else { return }
            counts.executions.withLock { $0[command.id, default: 0] += 1 }
            guard let link = counts.link.withLock({ $0 }) else { return }
            let path = message.topic.components(separatedBy: "/cmd/")[0]
            let status = command.id.contains(Self.failing) ? "error" : "ok"
            // A loose task: an answer that the end of the round overtakes is of no interest.
            Task {
                try? await Task.sleep(for: .milliseconds(Int.random(in: counts.answerAfter.withLock { $0 })))
                for _ in 0..<50 {
                    let answer = "{\"id\":\"\(command.id)\",\"status\":\"\(status)\"}"
                    if (try? await link.publish(path + "/ack", answer)) != nil { return }
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
        }
        asker = try await BrokerLink(
            port: port, clientID: "campaign-operator", subscriptions: ["linekeeper/\(plant)/commands/+"],
            longestPause: .milliseconds(50)
        ) { message in
            guard let id = message.topic.split(separator: "/").last.map(String.init), id != "request" else { return }
            counts.answered.withLock { _ = $0.insert(id) }
        }
        let device = device
        counts.link.withLock { $0 = device }
    }

    /// Asks for one command every `interval` until ``stop()``.
    func start(every interval: Duration, _ random: SeededRandom) {
        var random = random
        let task = Task {
            var number = 0
            while !Task.isCancelled, isAsking.withLock({ $0 }) {
                number += 1
                let path = CampaignPlant.device(Int.random(in: 0..<CampaignPlant.devices, using: &random))
                ask(number, path, atMostOnce: Bool.random(using: &random), fails: number % 7 == 0)
                try? await Task.sleep(for: interval)
            }
        }
        running.withLock { $0.append(task) }
    }

    /// How long devices take, in milliseconds.
    func answer(after range: ClosedRange<Int>) { counts.answerAfter.withLock { $0 = range } }

    func stop() { isAsking.withLock { $0 = false } }

    /// What is known of each, with the records that `reader` finds.
    func results(_ reader: TreeReader) async throws -> [CommandCase] {
        let executions = counts.executions.withLock { $0 }
        var results: [CommandCase] = []
        for (id, command) in cases.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            var result = command
            result.executions = executions[id] ?? 0
            result.state = try await reader.command(id)?.state
            if result.state != nil { accepted.withLock { _ = $0.insert(id) } }
            results.append(result)
        }
        return results
    }

    /// Asks again under the same id until there is a record: who asks over MQTT does not know whether any gateway heard it.
    /// Seldom once a gateway has answered, or the gateways would take it for somebody who asks too often.
    private func ask(_ number: Int, _ path: String, atMostOnce: Bool, fails: Bool) {
        let id = "\(atMostOnce ? "once" : "set")\(fails ? Self.failing : "-")\(number)"
        cases.withLock { $0[id] = CommandCase(id: id, isAtMostOnce: atMostOnce, deviceSucceeds: !fails) }
        let order =
            "\"device\":\"\(path)\",\"command\":\"\(atMostOnce ? "stroke" : "setSpeed")\","
            + (atMostOnce ? "" : "\"parameters\":{\"rpm\":\(100 + number)},") + "\"timeout\":5000"
        let now = WallTime.now()
        // By turns in the form of this version and in that of earlier ones.
        let (topic, request) =
            number.isMultiple(of: 2)
            ? ("requests/campaign", "{\"id\":\"\(id)\",\"kind\":\"command\",\"at\":\(now),\"body\":{\(order)}}")
            : ("commands/request", "{\"id\":\"\(id)\",\(order),\"by\":\"campaign\",\"requestedAt\":\(now)}")
        let task = Task {
            while !Task.isCancelled, !accepted.withLock({ $0.contains(id) }) {
                try? await asker.publish("linekeeper/\(plant)/\(topic)", request)
                let isAnswered = counts.answered.withLock { $0.contains(id) }
                try? await Task.sleep(for: isAnswered ? .seconds(10) : .milliseconds(700))
            }
        }
        running.withLock { $0.append(task) }
    }

    func close() async {
        stop()
        counts.link.withLock { $0 = nil }
        for task in running.withLock({ $0 }) { task.cancel() }
        await device.close()
        await asker.close()
    }
}
