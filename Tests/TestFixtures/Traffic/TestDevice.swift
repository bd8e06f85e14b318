import Foundation
import Synchronization

/// A device that counts the commands it is sent and answers them after a while.
public final class TestDevice: Sendable {
    /// One command as it arrived, a repetition included.
    public struct Arrival: Sendable {
        public let id: String
        public let topic: String
        public let epoch: Int64?
        public let retained: Bool
        public let at: ContinuousClock.Instant
    }

    private struct State {
        var arrivals: [Arrival] = []
        var unreadable: [String] = []
    }

    private final class Inbox: Sendable {
        let state = Mutex(State())
        let link = Mutex<BrokerLink?>(nil)
        let answerAfter: Mutex<Duration?>
        init(answerAfter: Duration?) { self.answerAfter = Mutex(answerAfter) }
    }

    private let inbox: Inbox
    private let link: BrokerLink

    /// Listens on `<device>/cmd/+` for every device that `filter` names and answers on `<device>/ack`.
    ///
    /// - Parameter answerAfter: nil: never answers.
    public init(port: Int, filter: String = "factory/+/+/cmd/+", answerAfter: Duration? = .zero) async throws {
        let inbox = Inbox(answerAfter: answerAfter)
        self.inbox = inbox
        link = try await BrokerLink(
            port: port, clientID: "device-\(UUID().uuidString.prefix(6))", subscriptions: [filter]
        ) { message in
            struct Command: Decodable {
                let id: String
                let epoch: Int64?
            }
            guard let command = try? JSONDecoder().decode(Command.self, from: Data(message.payload)) else {
                inbox.state.withLock { $0.unreadable.append(message.text) }
                return
            }
            inbox.state.withLock {
                $0.arrivals.append(
                    Arrival(
                        id: command.id, topic: message.topic, epoch: command.epoch, retained: message.retained,
                        at: message.at))
            }
            guard let delay = inbox.answerAfter.withLock({ $0 }), let link = inbox.link.withLock({ $0 }) else { return }
            let device = message.topic.components(separatedBy: "/cmd/")[0]
            // A loose task: an answer that the end of the test overtakes is of no interest.
            Task {
                try? await Task.sleep(for: delay)
                try? await link.publish(device + "/ack", "{\"id\":\"\(command.id)\",\"status\":\"ok\"}")
            }
        }
        let link = link
        inbox.link.withLock { $0 = link }
    }

    public var arrivals: [Arrival] { inbox.state.withLock { $0.arrivals } }
    /// Payloads without an id: none in a sound test.
    public var unreadable: [String] { inbox.state.withLock { $0.unreadable } }
    /// How often each id has arrived.
    public var counts: [String: Int] { Dictionary(arrivals.map { ($0.id, 1) }, uniquingKeysWith: +) }
    public func answer(after delay: Duration?) { inbox.answerAfter.withLock { $0 = delay } }
    public func close() async {
        inbox.link.withLock { $0 = nil }
        await link.close()
    }
}
