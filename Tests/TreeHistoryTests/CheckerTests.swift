import Testing
import ZooKeeperProtocol

/// That the checker finds what is wrong, and nothing else: histories made by hand.
@Suite struct CheckerTests {
    typealias Model = ZnodeModel
    typealias Operation = HistoryOperation<Model.Input, Model.Output>

    private func verdict(_ history: [Operation], nodes: Int = 1) -> LinearizabilityChecker<Model>.Verdict {
        LinearizabilityChecker(model: Model(count: nodes)).check(history)
    }

    private func call(
        _ client: Int, _ invoked: Int, _ returned: Int, _ input: Model.Input, _ output: Model.Output?
    ) -> Operation {
        Operation(client: client, input: input, output: output, invoked: invoked, returned: returned)
    }

    private func seen(_ value: Int?, _ version: Int32, _ created: Int64, _ modified: Int64) -> Model.Seen {
        Model.Seen(value: value, version: version, created: created, modified: modified)
    }

    /// Node 0 is made with value 1 by zxid 10, in the moments 0 to 1.
    private var made: Operation {
        call(0, 0, 1, .change(.create(0, value: 1)), .changed([seen(nil, 0, 10, 10)]))
    }

    @Test func theEmptyHistoryIsLinearizable() {
        #expect(verdict([]).isLinearizable)
    }

    @Test func aReadBesideAWriteMaySeeEither() {
        let write = call(0, 2, 9, .change(.set(0, value: 2, version: -1)), .changed([seen(nil, 1, 10, 11)]))
        #expect(verdict([made, write, call(1, 3, 4, .get(0), .nodes([seen(1, 0, 10, 10)]))]).isLinearizable)
        #expect(verdict([made, write, call(1, 3, 4, .get(0), .nodes([seen(2, 1, 10, 11)]))]).isLinearizable)
    }

    @Test func aStaleReadIsFound() {
        let write = call(0, 2, 3, .change(.set(0, value: 2, version: -1)), .changed([seen(nil, 1, 10, 11)]))
        #expect(!verdict([made, write, call(1, 4, 5, .get(0), .nodes([seen(1, 0, 10, 10)]))]).isLinearizable)
    }

    @Test func aReadThatGoesBackBesideAWriteIsFound() {
        let write = call(0, 2, 9, .change(.set(0, value: 2, version: -1)), .changed([seen(nil, 1, 10, 11)]))
        let new = call(1, 3, 4, .get(0), .nodes([seen(2, 1, 10, 11)]))
        let old = call(2, 5, 6, .get(0), .nodes([seen(1, 0, 10, 10)]))
        #expect(!verdict([made, write, new, old]).isLinearizable)
    }

    @Test func aReadOfTheFutureIsFound() {
        let read = call(1, 2, 3, .get(0), .nodes([seen(2, 1, 10, 11)]))
        let write = call(0, 4, 5, .change(.set(0, value: 2, version: -1)), .changed([seen(nil, 1, 10, 11)]))
        #expect(!verdict([made, read, write]).isLinearizable)
    }

    @Test func aLostUpdateIsFound() {
        let history = [
            made, call(1, 2, 5, .change(.set(0, value: 2, version: 0)), .changed([seen(nil, 1, 10, 11)])),
            call(2, 3, 6, .change(.set(0, value: 3, version: 0)), .changed([seen(nil, 1, 10, 12)])),
        ]
        #expect(!verdict(history).isLinearizable)
        var refused = history
        refused[2].output = .refused(0, .badVersion)
        #expect(verdict(refused).isLinearizable)
    }

    @Test func aDoubleApplicationIsFound() {
        // The only write has no answer, so that it took effect once at most; the version says twice.
        let write = call(1, 2, Operation.never, .change(.set(0, value: 2, version: -1)), nil)
        #expect(verdict([made, write, call(0, 3, 4, .get(0), .nodes([seen(2, 1, 10, 11)]))]).isLinearizable)
        #expect(!verdict([made, write, call(0, 3, 4, .get(0), .nodes([seen(2, 2, 10, 12)]))]).isLinearizable)
    }

    @Test func anUnknownOutcomeMayShowLateOrNever() {
        let write = call(1, 2, Operation.never, .change(.set(0, value: 2, version: -1)), nil)
        let old = call(0, 3, 4, .get(0), .nodes([seen(1, 0, 10, 10)]))
        let new = call(0, 5, 6, .get(0), .nodes([seen(2, 1, 10, 11)]))
        #expect(verdict([made, write, old]).isLinearizable)
        #expect(verdict([made, write, old, new]).isLinearizable)
        var later = old
        (later.invoked, later.returned) = (7, 8)
        #expect(!verdict([made, write, old, new, later]).isLinearizable, "seen, then gone")
    }

    @Test func anUnknownOutcomeHasALatestMoment() {
        // The server was killed at 4: what shows only after 5 was never under way.
        let write = call(1, 2, 4, .change(.set(0, value: 2, version: -1)), nil)
        let old = call(0, 5, 6, .get(0), .nodes([seen(1, 0, 10, 10)]))
        let new = call(0, 7, 8, .get(0), .nodes([seen(2, 1, 10, 11)]))
        #expect(verdict([made, write, new]).isLinearizable)
        #expect(verdict([made, write, old]).isLinearizable)
        #expect(!verdict([made, write, old, new]).isLinearizable)
    }

    @Test func aLostAcknowledgedWriteIsFound() {
        #expect(!verdict([made, call(0, 2, 3, .exists(0), .nodes([nil]))]).isLinearizable)
    }

    @Test func zxidsMustFollowTheOrder() {
        let write = call(0, 2, 3, .change(.set(0, value: 2, version: -1)), .changed([seen(nil, 1, 10, 9)]))
        #expect(!verdict([made, write]).isLinearizable, "older than what it replaces")
        let gone = call(0, 2, 3, .change(.delete(0, version: -1)), .changed([nil]))
        let again = call(0, 4, 5, .change(.create(0, value: 2)), .changed([seen(nil, 0, 10, 10)]))
        #expect(!verdict([made, gone, again]).isLinearizable, "a zxid twice")
    }

    @Test func aHalfAppliedTransactionIsFound() {
        let both = call(
            0, 0, Operation.never, .transaction([.create(0, value: 1), .create(1, value: 1)]), nil)
        let node = seen(1, 0, 5, 5)
        #expect(verdict([both, call(1, 1, 2, .getAll, .nodes([node, node]))], nodes: 2).isLinearizable)
        #expect(verdict([both, call(1, 1, 2, .getAll, .nodes([nil, nil]))], nodes: 2).isLinearizable)
        #expect(!verdict([both, call(1, 1, 2, .getAll, .nodes([node, nil]))], nodes: 2).isLinearizable)
        let apart = call(1, 1, 2, .getAll, .nodes([node, seen(1, 0, 6, 6)]))
        #expect(!verdict([both, apart], nodes: 2).isLinearizable, "two zxids")
    }

    @Test func aRefusedTransactionChangesNothing() {
        let refused = call(
            0, 2, 3, .transaction([.set(0, value: 5, version: -1), .check(0, version: 7)]), .refused(1, .badVersion))
        #expect(verdict([made, refused, call(1, 4, 5, .get(0), .nodes([seen(1, 0, 10, 10)]))]).isLinearizable)
        #expect(!verdict([made, refused, call(1, 4, 5, .get(0), .nodes([seen(5, 1, 10, 11)]))]).isLinearizable)
        var elsewhere = refused
        elsewhere.output = .refused(0, .badVersion)
        #expect(!verdict([made, elsewhere]).isLinearizable)
    }

    @Test func theReportNamesTheAnswerThatNothingExplains() throws {
        var history = [made]
        for number in 1...50 {
            let moment = number * 10
            history.append(
                call(
                    0, moment, moment + 1, .change(.set(0, value: number, version: -1)),
                    .changed([seen(nil, Int32(number), 10, Int64(10 + number))])))
        }
        // Stale, in the middle; everything behind it fits again.
        history.append(call(1, 254, 256, .get(0), .nodes([seen(24, 24, 10, 34)])))
        guard case .violated(let violation) = verdict(history) else {
            Issue.record("a stale read was not found")
            return
        }
        #expect(violation.prefix.map(\.returned).max { $0 == Int.max || $0 < $1 } == 256)
        #expect(violation.prefix.count == 27)
        #expect(violation.description.contains("[254…256] client 1: get #0 → 24 v24"))
        #expect(violation.explained.count == 26)
    }

    @Test func aSearchThatTakesTooLongIsGivenUp() {
        // Writes without answers in any order, and an answer that none of the orders explains.
        var history = (0..<14).map {
            call($0, $0, Operation.never, .change(.create($0, value: $0)), nil)
        }
        history.append(call(99, 100, 101, .get(0), .nodes([seen(77, 0, 1, 1)])))
        var checker = LinearizabilityChecker(model: Model(count: 14))
        checker.stepLimit = 1_000
        guard case .undecided = checker.check(history) else {
            Issue.record("it was decided within 1000 steps")
            return
        }
    }
}
