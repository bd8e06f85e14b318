import OrderedCollections
import Plant

/// What a well-behaved device does with commands before it obeys: it refuses what comes too late or from a deposed
/// gateway, and never carries the same command out twice.
struct CommandInbox: Sendable {
    enum Outcome: Sendable, Equatable {
        case ok
        case error(String)
    }

    enum Verdict: Sendable, Equatable {
        /// Carry it out, then report to ``finished(id:outcome:)``.
        case execute
        /// Answer this and do nothing.
        case answer(Outcome, note: String)
    }

    /// Ids that are remembered; the oldest are forgotten first.
    static let memory = 512

    private var answers: OrderedDictionary<String, Outcome> = [:]
    private var newestEpoch: Int64 = .min

    init() {}

    mutating func received(id: String, deadline: Milliseconds?, epoch: Int64?, now: Milliseconds) -> Verdict {
        if let epoch {
            guard epoch >= newestEpoch else {
                return .answer(.error("older epoch"), note: "epoch \(epoch), but \(newestEpoch) was seen")
            }
            newestEpoch = epoch
        }
        if let earlier = answers[id] { return .answer(earlier, note: "duplicate: carried out before") }
        if let deadline, now > deadline {
            return .answer(.error("expired"), note: "\(now &- deadline) ms after its deadline")
        }
        return .execute
    }

    mutating func finished(id: String, outcome: Outcome) {
        answers[id] = outcome
        if answers.count > Self.memory { answers.removeFirst() }
    }
}
