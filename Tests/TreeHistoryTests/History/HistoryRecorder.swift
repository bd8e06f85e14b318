import Synchronization

/// Writes down who called what when, and what came of it, in groups of nodes that are used together.
final class HistoryRecorder: Sendable {
    typealias Operation = HistoryOperation<ZnodeModel.Input, ZnodeModel.Output>

    /// A call that has not ended yet.
    struct Call: Sendable {
        fileprivate let group: Int
        fileprivate let index: Int
    }

    private struct State {
        var clock = 0
        var operations: [[Operation]]
        /// Of which nobody knows yet whether they took effect, though whoever called has given up.
        var unsettled: [Call] = []
    }

    private let state: Mutex<State>

    init(groups: Int) {
        state = Mutex(State(operations: Array(repeating: [], count: groups)))
    }

    func began(_ input: ZnodeModel.Input, by client: Int, in group: Int) -> Call {
        state.withLock { state in
            state.clock += 1
            state.operations[group].append(
                Operation(
                    client: client, input: input, output: nil, invoked: state.clock, returned: Operation.never))
            return Call(group: group, index: state.operations[group].count - 1)
        }
    }

    func answered(_ call: Call, _ output: ZnodeModel.Output) {
        state.withLock { state in
            state.clock += 1
            state.operations[call.group][call.index].output = output
            state.operations[call.group][call.index].returned = state.clock
        }
    }

    /// Nobody will ever know from the answer whether it took effect.
    func gaveUp(_ call: Call) {
        state.withLock { $0.unsettled.append(call) }
    }

    /// The server is dead, and every connection to it: what was given up before has taken effect by now, or never will.
    func serverDied() {
        state.withLock { state in
            state.clock += 1
            for call in state.unsettled { state.operations[call.group][call.index].returned = state.clock }
            state.unsettled = []
        }
    }

    /// The history of a group. A read without an answer says nothing and is left out.
    func history(of group: Int) -> [Operation] {
        state.withLock { $0.operations[group] }.filter { $0.output != nil || !$0.input.isRead }
    }
}
