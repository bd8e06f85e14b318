import CampaignOracle
import Foundation
import Synchronization
import TestFixtures

/// A subscriber of the campaign's own: hears alarm events, retained records and what gateways say of themselves. The broker
/// keeps its session, so that it misses nothing that a broker with a disk was given.
final class AlarmEars: Sendable {
    private struct State {
        var events: [SeenTransition] = []
        /// When each was heard.
        var times: [ContinuousClock.Instant] = []
        var notices: [String: [UInt8]] = [:]
        var unreadable: [String] = []
        var echo = ""
    }

    private final class Heard: Sendable { let state = Mutex(State()) }

    private let heard: Heard
    private let link: BrokerLink
    private let prefix: String
    private static let echoTopic = "campaign/echo"

    init(port: Int, plant: String) async throws {
        let heard = Heard()
        self.heard = heard
        let prefix = "linekeeper/\(plant)/"
        self.prefix = prefix
        link = try await BrokerLink(
            port: port, clientID: "campaign-ears",
            subscriptions: [prefix + "alarm-events", prefix + "gateways/#", Self.echoTopic],
            keepsSession: true, longestPause: .milliseconds(50)
        ) { message in
            if message.topic == Self.echoTopic {
                heard.state.withLock { $0.echo = message.text }
            } else if message.topic.hasPrefix(prefix + "gateways/") {
                heard.state.withLock { $0.notices[message.topic] = message.payload }
            } else if let event = AlarmMessage.read(message.payload) {
                heard.state.withLock {
                    $0.events.append(event)
                    $0.times.append(message.at)
                }
            } else {
                heard.state.withLock { $0.unreadable.append(message.text) }
            }
        }
    }

    var events: [SeenTransition] { heard.state.withLock { $0.events } }
    var unreadable: [String] { heard.state.withLock { $0.unreadable } }
    /// What gateways retain of themselves, by topic.
    var notices: [String: [UInt8]] { heard.state.withLock { $0.notices } }

    /// When the first event of a sample after that moment was heard.
    func firstEvent(sampledAfter time: Int64) -> ContinuousClock.Instant? {
        heard.state.withLock { state in
            state.events.firstIndex { $0.sampledAt > time && !$0.isOfGateway }.map { state.times[$0] }
        }
    }

    /// Waits until it hears what is published now: from here on it is not deaf.
    func waitUntilHearing(within deadline: Duration = .seconds(20)) async throws {
        let word = UUID().uuidString
        try await eventually("the campaign's subscriber hears again", within: deadline, every: .milliseconds(20)) {
            try? await link.publish(Self.echoTopic, word)
            return heard.state.withLock { $0.echo } == word
        }
    }

    func publish(_ topic: String, _ payload: [UInt8], retain: Bool) async throws {
        try await link.publish(topic, payload, retain: retain)
    }

    func close() async { await link.close() }

    /// What the broker retains of alarms now, as a newcomer hears it.
    static func retained(port: Int, plant: String) async throws -> [String: SeenTransition] {
        let heard = Mutexed<[String: SeenTransition]>([:])
        let done = Mutexed(false)
        let name = "campaign-newcomer-\(UUID().uuidString.prefix(6))"
        let link = try await BrokerLink(
            port: port, clientID: name, subscriptions: ["linekeeper/\(plant)/alarms/#", name]
        ) { message in
            if message.topic == name {
                done.set(true)
            } else if message.retained, let record = AlarmMessage.read(message.payload) {
                heard.change { $0[record.alarm] = record }
            }
        }
        // Retained messages come before what is published after the subscription.
        try await link.publish(name, "done")
        try? await eventually("the retained records", within: .seconds(5)) { done.value }
        await link.close()
        return heard.value
    }
}
