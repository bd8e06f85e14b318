import JSON
import OrderedCollections
import Plant
import Synchronization

/// Answers to what was asked over MQTT.
///
/// What counts is the tree; an answer follows it and may be lost when the gateway dies in between. Asking again under the
/// same id is harmless, and is answered again.
final class RequestReplies: Sendable {
    private let announcer: CommandAnnouncer
    private let topics: RequestTopics
    private let commandTopics: CommandTopics
    private let allowed: ReplyTopics
    private let outsiders: OutsiderLog
    private let clock: GatewayClock
    private let refusedTopics = Mutex<UInt64>(0)

    /// - Parameter allowed: where answers may go, beside the gateways' own topics.
    init(
        announcer: CommandAnnouncer, plant: String, allowed: ReplyTopics, outsiders: OutsiderLog, clock: GatewayClock
    ) {
        self.announcer = announcer
        topics = RequestTopics(plant: plant)
        commandTopics = CommandTopics(plant: plant)
        self.allowed = allowed
        self.outsiders = outsiders
        self.clock = clock
    }

    /// Topics on which a requester wanted its answer, and on which none may go.
    var refused: UInt64 { refusedTopics.withLock { $0 } }

    /// A request has been answered in the tree.
    func answered(_ open: RequestDesk.Open, with answer: RequestAnswer) {
        guard open.place.door == .mqtt else { return }
        if open.request.isOfEarlierForm {
            // It asked for a command, whose states are announced; only that there is none has to be said.
            guard answer.result == .refused else { return }
            return rejected(
                id: open.place.id, detail: answer.reason ?? "", to: open.request.reply, earlierForm: true,
                principal: open.place.principal)
        }
        send(
            open.request.message(answer: answer), to: open.request.reply, of: open.place.principal,
            else: topics.answer(to: open.place.principal, id: open.place.id), id: open.place.id)
    }

    /// A message that became no request.
    func rejected(id: String?, detail: String, to reply: Request.Reply?, earlierForm: Bool, principal: String) {
        var members: OrderedDictionary<String, JSONValue> = [:]
        members["id"] = id.map(JSONValue.string)
        if earlierForm {
            members["state"] = .string(CommandState.rejected.rawValue)
            members["reason"] = .string(CommandReason.invalid.rawValue)
            members["detail"] = .string(detail)
            members["at"] = .integer(clock.wall())
        } else {
            members["answer"] = [
                "result": .string(RequestAnswer.Result.refused.rawValue), "reason": .string(detail),
                "at": .integer(clock.wall()),
            ]
        }
        send(
            .object(members), to: reply, of: earlierForm ? nil : principal, else: own(id: id, principal, earlierForm),
            id: id)
    }

    /// Not a refusal, which would say that it will not be carried out: another gateway may have taken it.
    func unreachable(_ request: Request, gateway: String, because cause: String?) {
        let detail =
            "gateway \(gateway) cannot \(cause.map { "write into the tree (\($0))" } ?? "reach the tree"); unless another one has taken it, this is not accepted. Asking again under the same id is safe."
        send(
            [
                "id": .string(request.id), "error": "tree-unreachable", "detail": .string(detail),
                "gateway": .string(gateway), "at": .integer(clock.wall()),
            ], to: request.reply, of: request.isOfEarlierForm ? nil : request.by,
            else: own(id: request.id, request.by, request.isOfEarlierForm), id: request.id)
    }

    private func own(id: String?, _ principal: String, _ earlierForm: Bool) -> String? {
        id.map { earlierForm ? commandTopics.state(of: $0) : topics.answer(to: principal, id: $0) }
    }

    /// - Parameter principal: whose topics may have it; nil: nobody's, because a claimed name has none.
    private func send(
        _ message: JSONValue, to reply: Request.Reply?, of principal: String?, else own: String?, id: String?
    ) {
        if let topic = reply?.topic {
            let isOwn = principal.map { topics.isAnswer(topic, to: $0) } ?? false
            if isOwn || commandTopics.isOurs(topic) || allowed.allows(topic) {
                return announcer.answer(message, on: topic, correlation: reply?.correlation)
            }
            refusedTopics.withLock { $0 &+= 1 }
            outsiders.warning(
                "an answer was wanted on a topic where none may go: only below linekeeper/<plant>/commands/, linekeeper/<plant>/requests/<principal>/ and mqtt.replyPrefix, and nowhere that a route, command or answer matches",
                ["topic": topic, "request": id ?? ""])
        }
        if let own { announcer.answer(message, on: own, correlation: reply?.correlation) }
    }
}
