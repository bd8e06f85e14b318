import Foundation
import Synchronization

/// Hears everything on `linekeeper/<plant>/alarm-events` and keeps it.
public final class AlarmEventRecorder: Sendable {
    /// One announced transition.
    public struct Event: Sendable {
        public let record: AlarmNode
        public let transition: String
        public let at: ContinuousClock.Instant

        /// What a receiver drops a repetition by.
        public var key: String { record.eventId + " " + transition + " " + record.state }
    }

    private let heard: Heard
    private let link: BrokerLink

    public init(port: Int, plant: String = "test") async throws {
        let heard = Heard()
        self.heard = heard
        link = try await BrokerLink(
            port: port, clientID: "alarm-events-\(UUID().uuidString.prefix(6))",
            subscriptions: ["linekeeper/\(plant)/alarm-events"], keepsSession: true
        ) { message in
            struct Transition: Decodable { let transition: String }
            let decoder = JSONDecoder()
            let data = Data(message.payload)
            do {
                heard.append(
                    Event(
                        record: try decoder.decode(AlarmNode.self, from: data),
                        transition: try decoder.decode(Transition.self, from: data).transition, at: message.at))
            } catch {
                heard.mistake("\(message.text): \(error)")
            }
        }
    }

    /// The plant's.
    public var events: [Event] { allEvents.filter { !$0.record.isOfGateway } }
    /// Those about gateways as well.
    public var allEvents: [Event] { heard.state.withLock { $0.events } }
    /// Messages that are no alarm events: none in a sound test.
    public var unreadable: [String] { heard.state.withLock { $0.unreadable } }
    public func close() async { await link.close() }
}

extension [AlarmEventRecorder.Event] {
    /// As a receiver takes them: what a new processor announces once more, because its predecessor had no time to record that it
    /// was announced, is dropped.
    public var withoutRepetitions: Self {
        var seen: Set<String> = []
        return filter { seen.insert($0.key).inserted }
    }
}

/// Where the closure of a link and its owner meet.
private final class Heard: Sendable {
    struct State {
        var events: [AlarmEventRecorder.Event] = []
        var unreadable: [String] = []
    }
    let state = Mutex(State())
    func append(_ event: AlarmEventRecorder.Event) { state.withLock { $0.events.append(event) } }
    func mistake(_ text: String) { state.withLock { $0.unreadable.append(text) } }
}
