/// Decides whether a history is linearizable: whether each operation can be given a moment between its call and its
/// return so that, one after the other at these moments, all answers are those of the model.
///
/// The search of Wing and Gong, with Lowe's memory of where it has been: it lifts an operation that may come next (called
/// before the first return that is left) and whose answer fits the state, and goes back when none does; a set of
/// operations with the state that they led to is never entered twice. An operation without an answer may be lifted as if it
/// had taken effect, or, at its latest moment, as if it never had.
///
/// To be used on the operations of one key (or one group of keys that are used together) at a time: a history is
/// linearizable if those of its keys are.
struct LinearizabilityChecker<Model: SequentialModel>: Sendable {
    typealias Operation = HistoryOperation<Model.Input, Model.Output>

    enum Verdict: Sendable {
        case linearizable
        case violated(Violation)
        /// The search was given up.
        case undecided(steps: Int)

        var isLinearizable: Bool {
            if case .linearizable = self { true } else { false }
        }
    }

    /// Why a history is not linearizable.
    struct Violation: Sendable, CustomStringConvertible {
        /// The smallest part from the beginning that is not linearizable; ends with the answer that nothing explains.
        var prefix: [Operation]
        /// As many operations as could be put in an order, and the state that they lead to.
        var explained: [Operation]
        var state: Model.State
        var description: String { describe(last: 16) }
    }

    let model: Model
    /// After how many steps the search is given up.
    var stepLimit = 5_000_000
    /// How many events ahead an unanswered operation is held against before it is taken to have had an effect.
    var foresight = 64

    func check(_ history: [Operation]) -> Verdict {
        let history = history.sorted { $0.invoked < $1.invoked }
        switch search(history) {
        case .found: return .linearizable
        case .exhausted(let steps): return .undecided(steps: steps)
        case .impossible: return .violated(violation(in: history))
        }
    }

    // MARK: The smallest violation

    /// What was known at `moment`: calls without answers, where the answer came later.
    private func prefix(of history: [Operation], until moment: Int) -> [Operation] {
        history.compactMap { operation in
            guard operation.invoked <= moment else { return nil }
            guard operation.output != nil, operation.returned > moment else { return operation }
            var open = operation
            open.output = nil
            open.returned = Operation.never
            return open
        }
    }

    /// Every part from the beginning of a linearizable history is linearizable; so halving finds the smallest that is not.
    private func violation(in history: [Operation]) -> Violation {
        let moments = history.filter { $0.output != nil }.map(\.returned).sorted()
        var low = 0
        var high = moments.count - 1
        while low < high {
            let middle = (low + high) / 2
            if case .impossible = search(prefix(of: history, until: moments[middle])) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        let smallest = prefix(of: history, until: moments[low])
        guard case .impossible(let order, let state) = search(smallest, remembersDeepest: true) else {
            return Violation(prefix: history, explained: [], state: model.initialState)
        }
        return Violation(prefix: smallest, explained: order.map { smallest[$0] }, state: state)
    }

    // MARK: The search

    private enum Outcome {
        case found
        case impossible(deepest: [Int], state: Model.State)
        case exhausted(steps: Int)
    }

    private struct Configuration: Hashable {
        var linearised: OperationSet
        var state: Model.State
    }

    /// A decision that can be taken back.
    private struct Decision {
        var place: Int
        var before: Model.State
        /// Whether the operation was taken never to have had an effect.
        var isSkip: Bool
        var triedUnanswered: Bool
    }

    private func search(_ history: [Operation], remembersDeepest: Bool = false) -> Outcome {
        var events = EventList(history.map { ($0.invoked, $0.returned) })
        var callPlace: [Int: Int] = [:]
        var place = events.first
        while place != EventList.head {
            if events.isCall(place) { callPlace[events.operation(at: place)] = place }
            place = events.after(place)
        }
        var current = Configuration(linearised: OperationSet(), state: model.initialState)
        var visited: Set<Configuration> = []
        var decisions: [Decision] = []
        var deepest: (decisions: Int, order: [Int], state: Model.State) = (0, [], model.initialState)
        var steps = 0
        // Answered operations are tried first: most unanswered ones never took effect.
        var triesUnanswered = false
        place = events.first

        /// Enters a configuration, unless the search was there before.
        func enter(_ place: Int, _ number: Int, _ state: Model.State, isSkip: Bool) -> Bool {
            var following = Configuration(linearised: current.linearised, state: state)
            following.linearised.insert(number)
            guard visited.insert(following).inserted else { return false }
            decisions.append(
                Decision(place: place, before: current.state, isSkip: isSkip, triedUnanswered: triesUnanswered))
            current = following
            events.lift(place)
            return true
        }

        /// Whether an answer that is still to come cannot come any more.
        func isRefuted(_ state: Model.State) -> Bool {
            var place = events.first
            for _ in 0..<foresight {
                if place == EventList.head { return false }
                let operation = history[events.operation(at: place)]
                if let output = operation.output, events.isCall(place),
                    model.excludes(output, to: operation.input, from: state)
                {
                    return true
                }
                place = events.after(place)
            }
            return false
        }

        while !events.isEmpty {
            steps += 1
            if steps > stepLimit { return .exhausted(steps: steps) }
            let number = events.operation(at: place)
            let operation = history[number]
            if events.isCall(place) {
                var following: Model.State?
                if let output = operation.output {
                    if !triesUnanswered {
                        following = model.state(after: operation.input, answeredBy: output, in: current.state)
                    }
                } else if triesUnanswered {
                    following = model.state(afterUnanswered: operation.input, in: current.state)
                    if let state = following, isRefuted(state) { following = nil }
                }
                if let following, enter(place, number, following, isSkip: false) {
                    if remembersDeepest, decisions.count > deepest.decisions {
                        let order = decisions.filter { !$0.isSkip }.map { events.operation(at: $0.place) }
                        deepest = (decisions.count, order, current.state)
                    }
                    triesUnanswered = false
                    place = events.first
                } else {
                    place = events.after(place)
                }
                continue
            }
            // The first return that is left: what comes next was called before it.
            if !triesUnanswered {
                if operation.output == nil, let call = callPlace[number],
                    enter(call, number, current.state, isSkip: true)
                {
                    place = events.first
                    continue
                }
                let isHopeless =
                    operation.output.map { model.excludes($0, to: operation.input, from: current.state) } ?? false
                if !isHopeless {
                    triesUnanswered = true
                    place = events.first
                    continue
                }
            }
            guard let decision = decisions.popLast() else {
                return .impossible(deepest: deepest.order, state: deepest.state)
            }
            events.putBack(decision.place)
            current.linearised.remove(events.operation(at: decision.place))
            current.state = decision.before
            triesUnanswered = decision.isSkip ? true : decision.triedUnanswered
            place = decision.isSkip ? events.first : events.after(decision.place)
        }
        return .found
    }
}
