/// What a history is held against: an object that carries out one operation after the other.
protocol SequentialModel: Sendable {
    associatedtype State: Hashable & Sendable
    associatedtype Input: Sendable & CustomStringConvertible
    associatedtype Output: Sendable & CustomStringConvertible

    var initialState: State { get }

    /// The state after `input` was answered by `output`; nil when `state` cannot give this answer.
    func state(after input: Input, answeredBy output: Output, in state: State) -> State?

    /// The state after `input` took effect without anybody seeing the answer; nil when it changes nothing in `state`.
    func state(afterUnanswered input: Input, in state: State) -> State?

    /// Whether neither `state` nor any that can follow it gives this answer. False when that is not known; knowing saves
    /// the search from trying all unanswered operations in vain.
    func excludes(_ output: Output, to input: Input, from state: State) -> Bool
}

/// One call of a client, from its beginning to its end.
struct HistoryOperation<Input: Sendable, Output: Sendable>: Sendable {
    /// That nothing bounds.
    static var never: Int { Int.max }

    var client: Int
    var input: Input
    /// The answer; nil when its outcome is unknown: it took effect once, or never.
    var output: Output?
    /// When it was called, on a clock that orders all calls and answers.
    var invoked: Int
    /// When it was answered. Without an answer: the latest moment at which it can have taken effect, or ``never``.
    var returned: Int
}

extension HistoryOperation: CustomStringConvertible {
    var description: String {
        let end = returned == Self.never ? "∞" : "\(returned)"
        return "[\(invoked)…\(end)] client \(client): \(input) → \(output.map { "\($0)" } ?? "unknown")"
    }
}
