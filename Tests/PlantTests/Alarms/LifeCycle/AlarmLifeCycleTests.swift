import JSON
import Testing

@testable import Plant

/// The table of transitions of ISA-18.2 and IEC 62682, a test per row. Rows about the quality of samples and about old
/// occurrences concern the evaluation and the record: their tests stand at the end.
@Suite("Alarm life cycle")
struct AlarmLifeCycleTests {
    private typealias Input = AlarmLifeCycle.Input

    private static let latching = rules { $0.isLatching = true }
    private static let shelvable = rules { $0.longestShelf = 1_000 }

    private static func rules(_ change: (inout AlarmLifeCycle.Rules) -> Void) -> AlarmLifeCycle.Rules {
        var rules = AlarmLifeCycle.Rules()
        change(&rules)
        return rules
    }

    private static let normal = AlarmLifeCycle.normal
    private static let unacknowledged = AlarmLifeCycle(condition: .high, isAcknowledged: false)
    private static let acknowledged = AlarmLifeCycle(condition: .high, isAcknowledged: true)
    private static let returned = AlarmLifeCycle(condition: .normal, isAcknowledged: false)
    private static let latchedUnacknowledged = AlarmLifeCycle(
        condition: .normal, isAcknowledged: false, isLatched: true)
    private static let latchedAcknowledged = AlarmLifeCycle(condition: .normal, isAcknowledged: true, isLatched: true)

    /// The inputs in turn, each a step.
    private static func after(
        _ start: AlarmLifeCycle, _ inputs: Input..., rules: AlarmLifeCycle.Rules = .init()
    ) throws -> AlarmLifeCycle.Step {
        var step = AlarmLifeCycle.Step(transition: .forgotten, lifeCycle: start, annunciation: .unchanged)
        for input in inputs { step = try step.lifeCycle.after(input, rules).get() }
        return step
    }

    private static func refusal(
        _ start: AlarmLifeCycle, _ input: Input, rules: AlarmLifeCycle.Rules = .init()
    ) -> AlarmLifeCycle.Refusal? {
        if case .failure(let refusal) = start.after(input, rules) { refusal } else { nil }
    }

    private static func expect(
        _ step: AlarmLifeCycle.Step, _ transition: AlarmTransition, _ state: AlarmState,
        _ annunciation: AlarmLifeCycle.Annunciation, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(
            step.transition == transition && step.lifeCycle.state == state && step.annunciation == annunciation,
            "\(step.transition) \(step.lifeCycle.state) \(step.annunciation)", sourceLocation: location)
    }

    @Test("1: NORM, beyond a limit: UNACK, and it is announced")
    func row1() throws {
        Self.expect(try Self.after(Self.normal, .conditionReached(.high)), .activated, .unacknowledged, .begins)
    }

    @Test("2: NORM, beyond a limit, nothing to acknowledge: ACKED")
    func row2() throws {
        let rules = Self.rules { $0.needsAcknowledgement = false }
        Self.expect(
            try Self.after(Self.normal, .conditionReached(.high), rules: rules), .activated, .acknowledged, .unchanged)
    }

    @Test("3: UNACK, acknowledged: ACKED, and the horn is silent")
    func row3() throws {
        Self.expect(try Self.after(Self.unacknowledged, .acknowledged), .acknowledged, .acknowledged, .ends)
    }

    @Test("4: UNACK, returned: RTNUN, and the horn is silent")
    func row4() throws {
        Self.expect(
            try Self.after(Self.unacknowledged, .conditionReached(.normal)), .returned, .returnedUnacknowledged, .ends)
    }

    @Test("5: UNACK, returned, latching: LTUNK, and the horn continues")
    func row5() throws {
        Self.expect(
            try Self.after(Self.unacknowledged, .conditionReached(.normal), rules: Self.latching), .returned,
            .latchedUnacknowledged, .unchanged)
    }

    @Test("6: UNACK, beyond the outer limit: UNACK, and it is announced again; back behind that one nothing is heard")
    func row6() throws {
        let escalated = try Self.after(Self.unacknowledged, .conditionReached(.highHigh))
        Self.expect(escalated, .escalated, .unacknowledged, .begins)
        Self.expect(
            try Self.after(escalated.lifeCycle, .conditionReached(.high)), .deescalated, .unacknowledged, .unchanged)
    }

    @Test("7: ACKED, returned: NORM")
    func row7() throws {
        let step = try Self.after(Self.acknowledged, .conditionReached(.normal))
        Self.expect(step, .returned, .normal, .unchanged)
        #expect(step.lifeCycle == .normal)
    }

    @Test("8: ACKED, returned, latching: LTACK")
    func row8() throws {
        Self.expect(
            try Self.after(Self.acknowledged, .conditionReached(.normal), rules: Self.latching), .returned,
            .latchedAcknowledged, .unchanged)
    }

    @Test("9: ACKED, beyond the outer limit or standing for too long: UNACK, and it is announced")
    func row9() throws {
        Self.expect(
            try Self.after(Self.acknowledged, .conditionReached(.highHigh)), .escalated, .unacknowledged, .begins)
        Self.expect(try Self.after(Self.acknowledged, .reAlarmDue), .reAlarmed, .unacknowledged, .begins)
    }

    @Test("10: RTNUN, acknowledged: NORM")
    func row10() throws {
        let step = try Self.after(Self.returned, .acknowledged)
        Self.expect(step, .acknowledged, .normal, .unchanged)
        #expect(step.lifeCycle == .normal)
    }

    @Test("11: RTNUN, beyond a limit: UNACK, a new occurrence, announced")
    func row11() throws {
        Self.expect(try Self.after(Self.returned, .conditionReached(.low)), .activated, .unacknowledged, .begins)
    }

    @Test("12: LTUNK, acknowledged: LTACK, and the horn is silent")
    func row12() throws {
        Self.expect(
            try Self.after(Self.latchedUnacknowledged, .acknowledged, rules: Self.latching), .acknowledged,
            .latchedAcknowledged, .ends)
    }

    @Test("13: LTUNK, reset: RTNUN")
    func row13() throws {
        let step = try Self.after(Self.latchedUnacknowledged, .latchReset, rules: Self.latching)
        #expect(step.transition == .reset && step.lifeCycle == Self.returned)
    }

    @Test("14: LTACK, reset: NORM")
    func row14() throws {
        let step = try Self.after(Self.latchedAcknowledged, .latchReset, rules: Self.latching)
        #expect(step.transition == .reset && step.lifeCycle == .normal && step.annunciation == .unchanged)
    }

    @Test("15: LTUNK and LTACK, beyond a limit: UNACK, a new occurrence, announced")
    func row15() throws {
        for start in [Self.latchedUnacknowledged, Self.latchedAcknowledged] {
            let step = try Self.after(start, .conditionReached(.high), rules: Self.latching)
            #expect(step.lifeCycle == Self.unacknowledged)
            Self.expect(step, .activated, .unacknowledged, .begins)
        }
    }

    @Test("16: every state that operators see can be shelved, with a reason, where it is allowed and not for too long")
    func row16() throws {
        for start in [
            Self.normal, Self.unacknowledged, Self.acknowledged, Self.returned, Self.latchedUnacknowledged,
            Self.latchedAcknowledged,
        ] {
            let shelve = Input.shelved(.timed(until: 1_100), reason: "noise", at: 100)
            Self.expect(try Self.after(start, shelve, rules: Self.shelvable), .shelved, .shelved, .ends)
            #expect(Self.refusal(start, shelve) == .notShelvable)
            #expect(
                Self.refusal(start, .shelved(.timed(until: 1_101), reason: "noise", at: 100), rules: Self.shelvable)
                    == .shelvedTooLong(longest: 1_000))
            #expect(
                Self.refusal(start, .shelved(.oneShot(until: nil), reason: "noise", at: 100), rules: Self.shelvable)
                    == .shelvedTooLong(longest: 1_000))
            #expect(
                Self.refusal(start, .shelved(.timed(until: 200), reason: "", at: 100), rules: Self.shelvable)
                    == .reasonMissing)
        }
    }

    @Test(
        "17: from the shelf, by hand or by time: UNACK and announced while abnormal, NORM while normal, RTNUN after an occurrence that nobody saw",
        arguments: [Input.unshelved, .shelfExpired])
    private func row17(input: Input) throws {
        let shelve = Input.shelved(.timed(until: 500), reason: "noise", at: 0)
        for start in [Self.unacknowledged, Self.acknowledged] {
            Self.expect(
                try Self.after(start, shelve, input, rules: Self.shelvable), .unshelved, .unacknowledged, .begins)
            Self.expect(
                try Self.after(start, shelve, .conditionReached(.normal), input, rules: Self.shelvable), .unshelved,
                .normal, .unchanged)
        }
        Self.expect(
            try Self.after(
                Self.normal, shelve, .conditionReached(.high), .conditionReached(.normal), input, rules: Self.shelvable),
            .unshelved, .returnedUnacknowledged, .unchanged)
        #expect(Self.refusal(Self.normal, input) == .unchanged)
    }

    @Test("18: shelved until the process returns: then NORM, silently")
    func row18() throws {
        let shelve = Input.shelved(.oneShot(until: 500), reason: "noise", at: 0)
        for start in [Self.unacknowledged, Self.acknowledged] {
            Self.expect(
                try Self.after(start, shelve, .conditionReached(.normal), rules: Self.shelvable), .returned, .normal,
                .unchanged)
        }
        Self.expect(
            try Self.after(
                Self.normal, shelve, .conditionReached(.high), .conditionReached(.normal), rules: Self.shelvable),
            .returned, .normal, .unchanged)
    }

    @Test("19: every state can be suppressed; the horn is silent, and nothing is acknowledged by it")
    func row19() throws {
        for start in [Self.normal, Self.unacknowledged, Self.acknowledged, Self.returned] {
            let step = try Self.after(start, .suppressed(by: "pump is off"))
            Self.expect(step, .suppressed, .suppressedByDesign, .ends)
            #expect(step.lifeCycle.isAcknowledged == start.isAcknowledged)
        }
        let shelved = Input.shelved(.timed(until: 500), reason: "noise", at: 0)
        Self.expect(
            try Self.after(Self.normal, shelved, .suppressed(by: "r"), rules: Self.shelvable), .suppressed,
            .suppressedByDesign, .unchanged)
    }

    @Test("20: no longer suppressed: as from the shelf")
    func row20() throws {
        let begins = Input.suppressed(by: "pump is off")
        Self.expect(
            try Self.after(Self.acknowledged, begins, .suppressionEnded), .unsuppressed, .unacknowledged, .begins)
        Self.expect(try Self.after(Self.normal, begins, .suppressionEnded), .unsuppressed, .normal, .unchanged)
        Self.expect(
            try Self.after(
                Self.normal, begins, .conditionReached(.high), .conditionReached(.normal), .suppressionEnded),
            .unsuppressed, .returnedUnacknowledged, .unchanged)
    }

    @Test("21: every state can be taken out of service, with a reason")
    func row21() throws {
        for start in [Self.normal, Self.unacknowledged, Self.latchedAcknowledged] {
            Self.expect(
                try Self.after(start, .takenOutOfService(reason: "work order 7")), .outOfService, .outOfService, .ends)
            #expect(Self.refusal(start, .takenOutOfService(reason: "")) == .reasonMissing)
        }
    }

    @Test("22: back in service: as from the shelf, unless something else hides it")
    func row22() throws {
        let out = Input.takenOutOfService(reason: "work order 7")
        Self.expect(
            try Self.after(Self.acknowledged, out, .returnedToService), .inService, .unacknowledged, .begins)
        Self.expect(try Self.after(Self.normal, out, .returnedToService), .inService, .normal, .unchanged)
        Self.expect(
            try Self.after(Self.acknowledged, out, .suppressed(by: "r"), .returnedToService), .inService,
            .suppressedByDesign, .unchanged)
    }

    @Test("23: hidden, the process comes and goes: the state stays, silently")
    func row23() throws {
        for hidden in [
            AlarmLifeCycle(condition: .normal, isAcknowledged: true, shelf: .timed(until: 5)),
            AlarmLifeCycle(condition: .normal, isAcknowledged: true, suppressedBy: "r"),
            AlarmLifeCycle(condition: .normal, isAcknowledged: true, outOfService: "w"),
        ] {
            let active = try Self.after(hidden, .conditionReached(.high))
            Self.expect(active, .activated, hidden.state, .unchanged)
            Self.expect(
                try Self.after(active.lifeCycle, .conditionReached(.normal)), .returned, hidden.state, .unchanged)
        }
    }

    @Test("24: the quality is lost: the condition stays, an off-delay stands still, an on-delay ends in the alarm")
    func row24() throws {
        var book = try AlarmFixture.book()
        book.sample(86, at: 0)
        book.sample(86, at: 1_000, quality: .bad)
        book.advance(to: 5_000)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 5_000)])
        book.sample(70, at: 6_000)
        book.sample(70, at: 7_000, quality: .stale)
        book.advance(to: 100_000)
        #expect(book.pendingSteps.count == 1)
        book.sample(70, at: 100_000)
        book.advance(to: 109_000)
        #expect(book.pendingSteps.last == Step(.returned, .normal, at: 109_000))
    }

    @Test("25: acknowledged twice, or where there is nothing to acknowledge: nothing changes")
    func row25() {
        for start in [Self.acknowledged, Self.normal, Self.latchedAcknowledged] {
            #expect(Self.refusal(start, .acknowledged) == .alreadyAcknowledged)
        }
        let shelved = AlarmLifeCycle(condition: .high, isAcknowledged: false, shelf: .timed(until: 5))
        #expect(Self.refusal(shelved, .acknowledged) == .notInThisState(.shelved))
    }

    @Test("Out of use nothing happens to it but its coming back into use")
    func disabled() throws {
        let off = try Self.after(Self.unacknowledged, .disabled)
        Self.expect(off, .disabled, .normal, .ends)
        for input in Self.inputs where input != .enabled {
            #expect(Self.refusal(off.lifeCycle, input) == .disabled)
        }
        #expect(try Self.after(off.lifeCycle, .enabled).lifeCycle == .normal)
        #expect(Self.refusal(Self.normal, .enabled) == .unchanged)
    }

    // MARK: All of them

    private static let inputs: [Input] =
        AlarmCondition.allCases.map(Input.conditionReached) + [
            .acknowledged, .latchReset, .reAlarmDue, .shelved(.timed(until: 500), reason: "r", at: 0),
            .shelved(.oneShot(until: 500), reason: "r", at: 0), .unshelved, .shelfExpired, .suppressed(by: "r"),
            .suppressed(by: "s"), .suppressionEnded, .takenOutOfService(reason: "w"), .returnedToService, .disabled,
            .enabled,
        ]

    @Test("Whatever happens in whatever order: a step changes something, a record keeps it, and nobody is left unaware")
    func walk() throws {
        for isLatching in [false, true] {
            for needsAcknowledgement in [false, true] {
                let rules = Self.rules {
                    $0.isLatching = isLatching
                    $0.needsAcknowledgement = needsAcknowledgement
                    $0.longestShelf = 1_000
                }
                // All that can be reached.
                var seen: Set<AlarmLifeCycle> = [.normal]
                var next: [AlarmLifeCycle] = [.normal]
                var wrong: [String] = []
                while let lifeCycle = next.popLast() {
                    if let mistake = try Self.mistake(inRecordOf: lifeCycle) { wrong.append(mistake) }
                    for input in Self.inputs {
                        guard case .success(let step) = lifeCycle.after(input, rules) else { continue }
                        if let mistake = Self.mistake(in: step, from: lifeCycle, rules) {
                            wrong.append("\(mistake): \(lifeCycle) \(input)")
                        }
                        if seen.insert(step.lifeCycle).inserted { next.append(step.lifeCycle) }
                    }
                }
                #expect(wrong == [])
                let states = (needsAcknowledgement ? 7 : 5) + (isLatching ? needsAcknowledgement ? 2 : 1 : 0)
                #expect(Set(seen.map(\.state)).count == states)
            }
        }
    }

    private static func mistake(
        in step: AlarmLifeCycle.Step, from before: AlarmLifeCycle, _ rules: AlarmLifeCycle.Rules
    ) -> String? {
        let after = step.lifeCycle
        // Shelving again may only change the time.
        if after == before, step.transition != .shelved { return "changes nothing" }
        if after.isLatched, after.condition != .normal { return "latched and abnormal" }
        let isNews = after.state == .unacknowledged && before.state != .unacknowledged
        if step.annunciation == .begins {
            return after.state == .unacknowledged ? nil : "announced without a need"
        }
        return isNews && rules.needsAcknowledgement ? "nobody hears of it" : nil
    }

    /// A record of it is read as the same; earlier versions know the word, and keep what else there is to tell.
    private static func mistake(inRecordOf lifeCycle: AlarmLifeCycle) throws -> String? {
        let record = AlarmRecord(
            path: try AlarmFixture.path(), lifeCycle: lifeCycle, priority: .low, eventID: "e", occurrence: 1, value: 1,
            limit: 1, since: 1, epoch: 1, changedAt: 1, sampledAt: 1, revision: 1)
        guard try AlarmRecord(parsing: record.serialized()) == record else { return "read otherwise: \(record.json)" }
        let isTold = !lifeCycle.isHidden && lifeCycle.isEnabled
        return (record.json["lifeCycle"] == nil) == isTold ? nil : "says too much or too little: \(record.json)"
    }
}
