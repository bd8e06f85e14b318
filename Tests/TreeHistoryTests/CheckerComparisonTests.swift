import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

/// That the checker decides as the definition does, on thousands of small histories, right ones and spoiled ones.
@Suite struct CheckerComparisonTests {
    typealias Operation = HistoryOperation<ZnodeModel.Input, ZnodeModel.Output>

    @Test(arguments: [1, 2]) func itDecidesAsTheDefinition(nodes: Int) {
        let model = ZnodeModel(count: nodes)
        let checker = LinearizabilityChecker(model: model)
        var random = SeededRandom(seed: UInt64(nodes))
        var verdicts = [true: 0, false: 0]
        for number in 0..<6_000 {
            var history = SmallHistory.make(nodes: nodes, using: &random)
            if number % 3 != 0 { SmallHistory.spoil(&history, using: &random) }
            let expected = Definition.isLinearizable(history, model)
            verdicts[expected, default: 0] += 1
            guard checker.check(history).isLinearizable != expected else { continue }
            Issue.record("history \(number): the definition says \(expected)\n\(history.map { "\($0)" })")
            return
        }
        print("linearizable: \(verdicts[true] ?? 0), not: \(verdicts[false] ?? 0)")
        #expect(verdicts.values.allSatisfy { $0 > 500 })
    }

    /// Histories that were not spoiled come from a real order; so all of them must be accepted, large ones as well.
    @Test func whatAServerDidIsLinearizable() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<20 {
            let history = SmallHistory.make(nodes: 2, clients: 6, calls: 400, unansweredOneIn: 20, using: &random)
            let verdict = LinearizabilityChecker(model: ZnodeModel(count: 2)).check(history)
            if case .violated(let violation) = verdict { Issue.record("\(violation)") }
            #expect(verdict.isLinearizable)
        }
    }
}

/// Linearizability by its definition: tries every order and every choice of unanswered operations.
private enum Definition {
    typealias Operation = CheckerComparisonTests.Operation

    static func isLinearizable(_ history: [Operation], _ model: ZnodeModel) -> Bool {
        let unanswered = history.indices.filter { history[$0].output == nil }
        for choice in 0..<(1 << unanswered.count) {
            let left = Set(unanswered.enumerated().filter { choice & 1 << $0.offset == 0 }.map(\.element))
            let chosen = history.indices.filter { !left.contains($0) }.map { history[$0] }
            if hasOrder(chosen, model, model.initialState) { return true }
        }
        return false
    }

    private static func hasOrder(_ rest: [Operation], _ model: ZnodeModel, _ state: ZnodeModel.State) -> Bool {
        if rest.isEmpty { return true }
        for (index, next) in rest.enumerated() {
            var others = rest
            others.remove(at: index)
            if others.contains(where: { $0.returned < next.invoked }) { continue }
            let following =
                if let output = next.output {
                    model.state(after: next.input, answeredBy: output, in: state)
                } else {
                    // Chosen to have run: if it changes nothing, it ran all the same.
                    model.state(afterUnanswered: next.input, in: state) ?? state
                }
            if let following, hasOrder(others, model, following) { return true }
        }
        return false
    }
}

/// Histories of a simulated server.
private enum SmallHistory {
    typealias Operation = CheckerComparisonTests.Operation

    static func make(
        nodes: Int, clients: Int = 3, calls: Int? = nil, unansweredOneIn: Int = 5, using random: inout SeededRandom
    ) -> [Operation] {
        let calls = calls ?? Int.random(in: 2...6, using: &random)
        var clock = Array(repeating: 0, count: clients)
        var planned: [(operation: Operation, moment: Int)] = []
        for number in 0..<calls {
            let client = Int.random(in: 0..<clients, using: &random)
            let invoked = clock[client] + Int.random(in: 1...4, using: &random)
            let returned = invoked + Int.random(in: 1...8, using: &random)
            clock[client] = returned
            let input = input(number, nodes, using: &random)
            planned.append(
                (
                    Operation(client: client, input: input, output: nil, invoked: invoked, returned: returned),
                    Int.random(in: invoked...returned, using: &random)
                ))
        }
        // At equal moments the order of calls decides, so that each moment lies between call and return in this order, too.
        planned.sort { ($0.moment, $0.operation.invoked) < ($1.moment, $1.operation.invoked) }
        var server = SimulatedServer(nodes: nodes)
        for index in planned.indices {
            let isUnanswered =
                !planned[index].operation.input.isRead && Int.random(in: 0..<unansweredOneIn, using: &random) == 0
            if isUnanswered, Bool.random(using: &random) {
                planned[index].operation.returned = Operation.never
                continue
            }
            let output = server.answer(planned[index].operation.input)
            if !isUnanswered {
                planned[index].operation.output = output
            } else if Bool.random(using: &random) {
                planned[index].operation.returned = Operation.never
            }
        }
        return planned.map(\.operation)
    }

    private static func input(_ number: Int, _ nodes: Int, using random: inout SeededRandom) -> ZnodeModel.Input {
        let slot = Int.random(in: 0..<nodes, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .exists(slot)
        case 1, 2: return .get(slot)
        case 3: return .getAll
        case 4: return .transaction([change(number, slot, using: &random), change(number, nodes - 1, using: &random)])
        default: return .change(change(number, slot, using: &random))
        }
    }

    private static func change(_ number: Int, _ slot: Int, using random: inout SeededRandom) -> ZnodeModel.Change {
        let version: Int32 = Bool.random(using: &random) ? -1 : Int32.random(in: 0...2, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1, 2: return .create(slot, value: number)
        case 3: return .delete(slot, version: version)
        case 4: return .check(slot, version: version)
        default: return .set(slot, value: number, version: version)
        }
    }

    /// Makes one answer wrong, or moves it; sometimes the history is linearizable all the same.
    static func spoil(_ history: inout [Operation], using random: inout SeededRandom) {
        guard let index = history.indices.filter({ history[$0].output != nil }).randomElement(using: &random) else {
            return
        }
        switch (Int.random(in: 0..<3, using: &random), history[index].output) {
        case (0, _):
            // As if it had been called and answered at another time.
            let shift = Int.random(in: -8...8, using: &random)
            history[index].invoked += shift
            history[index].returned += shift
        case (_, .nodes(var seen)):
            seen[0] = spoiled(seen[0], using: &random)
            history[index].output = .nodes(seen)
        case (_, .changed(var seen)):
            let place = Int.random(in: 0..<seen.count, using: &random)
            seen[place] = spoiled(seen[place], using: &random)
            history[index].output = .changed(seen)
        case (_, .refused(let place, let code)):
            history[index].output = .refused(place, code == .noNode ? .badVersion : .noNode)
        case (_, nil): break
        }
    }

    private static func spoiled(_ seen: ZnodeModel.Seen?, using random: inout SeededRandom) -> ZnodeModel.Seen? {
        guard var seen else { return ZnodeModel.Seen(value: 0, version: 0, created: 1, modified: 1) }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return nil
        case 1: seen.version += 1
        case 2: seen.modified += 1
        case 3: seen.created -= 1
        default: seen.value = seen.value.map { $0 == 0 ? 1 : 0 } ?? 1
        }
        return seen
    }
}

/// What a tree does, written down a second time and in another way than the model.
private struct SimulatedServer {
    private var nodes: [ZnodeModel.Seen?]
    private var zxid: Int64 = 0

    init(nodes: Int) { self.nodes = Array(repeating: nil, count: nodes) }

    mutating func answer(_ input: ZnodeModel.Input) -> ZnodeModel.Output {
        switch input {
        case .get(let slot): return .nodes([nodes[slot]])
        case .exists(let slot): return .nodes([nodes[slot].map(withoutValue)])
        case .getAll: return .nodes(nodes)
        case .change(let change): return carryOut([change])
        case .transaction(let changes): return carryOut(changes)
        }
    }

    private func withoutValue(_ seen: ZnodeModel.Seen) -> ZnodeModel.Seen {
        var seen = seen
        seen.value = nil
        return seen
    }

    private mutating func carryOut(_ changes: [ZnodeModel.Change]) -> ZnodeModel.Output {
        let before = nodes
        zxid += Int64(3)
        var results: [ZnodeModel.Seen?] = []
        for (index, change) in changes.enumerated() {
            var code: ErrorCode?
            var result: ZnodeModel.Seen?
            switch change {
            case .create(let slot, let value):
                if nodes[slot] != nil { code = .nodeExists }
                nodes[slot] = ZnodeModel.Seen(value: value, version: 0, created: zxid, modified: zxid)
                result = nodes[slot].map(withoutValue)
            case .set(let slot, let value, let version):
                code = refusal(slot, version)
                nodes[slot]?.value = value
                nodes[slot]?.version += 1
                nodes[slot]?.modified = zxid
                result = nodes[slot].map(withoutValue)
            case .delete(let slot, let version):
                code = refusal(slot, version)
                nodes[slot] = nil
            case .check(let slot, let version):
                code = refusal(slot, version)
            }
            if let code {
                nodes = before
                return .refused(index, code)
            }
            results.append(result)
        }
        return .changed(results)
    }

    private func refusal(_ slot: Int, _ version: Int32) -> ErrorCode? {
        guard let node = nodes[slot] else { return .noNode }
        return version == -1 || version == node.version ? nil : .badVersion
    }
}
