extension AlarmLifeCycle {
    /// What happens to an alarm.
    public enum Input: Sendable, Hashable {
        /// The process has come to be beyond this limit, or, `.normal`, behind all of them; delays are over.
        case conditionReached(AlarmCondition)
        case acknowledged
        /// An operator resets the latch.
        case latchReset
        /// An acknowledged alarm has stayed for as long as its definition allows.
        case reAlarmDue
        /// At this moment an operator puts the alarm aside.
        case shelved(Shelf, reason: String, at: Milliseconds)
        /// An operator takes it from the shelf.
        case unshelved
        /// The time on the shelf is over.
        case shelfExpired
        case suppressed(by: String)
        /// The rule does not suppress any more, and its settle delay is over.
        case suppressionEnded
        case takenOutOfService(reason: String)
        case returnedToService
        case disabled
        case enabled
    }

    /// What the definition of an alarm says about its life.
    public struct Rules: Sendable, Hashable {
        /// Whether an alarm whose process has returned stays until it is reset.
        public var isLatching = false
        /// Whether an operator has to acknowledge an occurrence.
        public var needsAcknowledgement = true
        /// Longest time on the shelf; nil where the alarm may not be shelved.
        public var longestShelf: Milliseconds?

        public init() {}
    }

    /// What an input makes of an alarm.
    public struct Step: Sendable, Hashable {
        public let transition: AlarmTransition
        public let lifeCycle: AlarmLifeCycle
        public let annunciation: Annunciation
    }

    /// What becomes of horn, pages and notifications.
    public enum Annunciation: Sendable, Hashable {
        case begins, ends, unchanged
    }

    /// Why an input changes nothing.
    public enum Refusal: Error, Sendable, Hashable {
        /// The alarm is there already, or what should end has not begun.
        case unchanged
        case alreadyAcknowledged
        /// Nothing in this state waits for it.
        case notInThisState(AlarmState)
        /// The definition does not allow it to be shelved, or not for so long.
        case notShelvable
        case shelvedTooLong(longest: Milliseconds)
        case reasonMissing
        case disabled
    }

    /// The step that an input is; the table of transitions of ISA-18.2 and IEC 62682, complete: each pair of situation and
    /// input is a step or has the reason why it is none.
    ///
    ///     NORM  ── ACT ──▶ UNACK ── ACK ──▶ ACKED          UNACK ── RTN ──▶ RTNUN or, latching, LTUNK
    ///     ACKED ── RTN ──▶ NORM or, latching, LTACK        ACKED ── ESC, REALARM ──▶ UNACK
    ///     RTNUN ── ACK ──▶ NORM                            RTNUN, LTUNK, LTACK ── ACT ──▶ UNACK, a new occurrence
    ///     LTUNK ── ACK ──▶ LTACK                           LTUNK ── RESET ──▶ RTNUN    LTACK ── RESET ──▶ NORM
    ///
    /// An alarm that is hidden (SHLVD, DSUPR, OOSRV) follows the process silently. When it is visible again it demands
    /// attention if the process is abnormal, even if an operator had acknowledged it; otherwise an occurrence that began unseen
    /// waits for its acknowledgement. Where the standard's published descriptions leave a point open: shelving is an operator's
    /// act under a name and counts as the acknowledgement of what the operator saw, suppression by a rule does not; hiding and
    /// showing an alarm keeps its latch.
    public func after(_ input: Input, _ rules: Rules) -> Result<Step, Refusal> {
        guard isEnabled || input == .enabled else { return .failure(.disabled) }
        return switch input {
        case .conditionReached(let condition): reached(condition, rules)
        case .acknowledged: acknowledged()
        case .latchReset: latchReset()
        case .reAlarmDue: reAlarmed(rules)
        case .shelved(let shelf, let reason, let now): shelved(shelf, reason: reason, at: now, rules)
        case .unshelved, .shelfExpired: unshelved(rules)
        case .suppressed(let rule): suppressed(by: rule)
        case .suppressionEnded: suppressionEnded(rules)
        case .takenOutOfService(let reason): takenOutOfService(reason: reason)
        case .returnedToService: returnedToService(rules)
        case .disabled: disabled()
        case .enabled: enabled()
        }
    }

    private func step(
        _ transition: AlarmTransition, _ annunciation: Annunciation, _ change: (inout AlarmLifeCycle) -> Void
    ) -> Result<Step, Refusal> {
        var after = self
        change(&after)
        return .success(
            Step(
                transition: transition, lifeCycle: after,
                annunciation: isHidden && after.isHidden ? .unchanged : annunciation))
    }

    // MARK: The process

    private func reached(_ next: AlarmCondition, _ rules: Rules) -> Result<Step, Refusal> {
        if next == condition { return .failure(.unchanged) }
        if next == .normal { return returned(rules) }
        let begins: Annunciation = rules.needsAcknowledgement ? .begins : .unchanged
        guard condition != .normal, condition.isSameSide(as: next) else {
            return step(.activated, begins) {
                $0.condition = next
                $0.isLatched = false
                $0.isAcknowledged = !rules.needsAcknowledgement
            }
        }
        guard next.severity > condition.severity else { return step(.deescalated, .unchanged) { $0.condition = next } }
        return step(.escalated, begins) {
            $0.condition = next
            $0.isAcknowledged = !rules.needsAcknowledgement
        }
    }

    private func returned(_ rules: Rules) -> Result<Step, Refusal> {
        step(.returned, isHidden || isAcknowledged || rules.isLatching ? .unchanged : .ends) { after in
            after.condition = .normal
            if case .oneShot = after.shelf {
                // It was put aside until now, and by an operator who knew of it.
                after.shelf = nil
                after.isAcknowledged = true
            }
            after.isLatched = rules.isLatching
        }
    }

    private func reAlarmed(_ rules: Rules) -> Result<Step, Refusal> {
        guard state == .acknowledged, rules.needsAcknowledgement else { return .failure(.notInThisState(state)) }
        return step(.reAlarmed, .begins) { $0.isAcknowledged = false }
    }

    // MARK: Operators

    private func acknowledged() -> Result<Step, Refusal> {
        if isHidden { return .failure(.notInThisState(state)) }
        if isAcknowledged { return .failure(.alreadyAcknowledged) }
        // The horn is silent since an unlatched alarm has returned.
        return step(.acknowledged, isActive ? .ends : .unchanged) { $0.isAcknowledged = true }
    }

    private func latchReset() -> Result<Step, Refusal> {
        guard isLatched, !isHidden else { return .failure(.notInThisState(state)) }
        return step(.reset, isAcknowledged ? .unchanged : .ends) { $0.isLatched = false }
    }

    private func shelved(
        _ shelf: Shelf, reason: String, at now: Milliseconds, _ rules: Rules
    ) -> Result<Step, Refusal> {
        guard let longest = rules.longestShelf else { return .failure(.notShelvable) }
        if suppressedBy != nil || outOfService != nil { return .failure(.notInThisState(state)) }
        if reason.isEmpty { return .failure(.reasonMissing) }
        guard let until = shelf.until, until <= now.addingClamped(longest) else {
            return .failure(.shelvedTooLong(longest: longest))
        }
        return step(.shelved, .ends) {
            $0.shelf = shelf
            $0.isAcknowledged = true
        }
    }

    private func unshelved(_ rules: Rules) -> Result<Step, Refusal> {
        shelf == nil ? .failure(.unchanged) : becomesVisible(.unshelved, rules) { $0.shelf = nil }
    }

    private func takenOutOfService(reason: String) -> Result<Step, Refusal> {
        if reason.isEmpty { return .failure(.reasonMissing) }
        if outOfService == reason { return .failure(.unchanged) }
        return step(.outOfService, .ends) { $0.outOfService = reason }
    }

    private func returnedToService(_ rules: Rules) -> Result<Step, Refusal> {
        outOfService == nil ? .failure(.unchanged) : becomesVisible(.inService, rules) { $0.outOfService = nil }
    }

    // MARK: Rules of the plant

    private func suppressed(by rule: String) -> Result<Step, Refusal> {
        if rule.isEmpty { return .failure(.reasonMissing) }
        return suppressedBy == rule ? .failure(.unchanged) : step(.suppressed, .ends) { $0.suppressedBy = rule }
    }

    private func suppressionEnded(_ rules: Rules) -> Result<Step, Refusal> {
        suppressedBy == nil ? .failure(.unchanged) : becomesVisible(.unsuppressed, rules) { $0.suppressedBy = nil }
    }

    /// One of the reasons why the alarm is hidden ends.
    private func becomesVisible(
        _ transition: AlarmTransition, _ rules: Rules, _ change: (inout AlarmLifeCycle) -> Void
    ) -> Result<Step, Refusal> {
        var after = self
        change(&after)
        if after.isHidden { return step(transition, .unchanged, change) }
        let demands = condition != .normal && rules.needsAcknowledgement
        return step(transition, demands ? .begins : .unchanged) { after in
            change(&after)
            if demands { after.isAcknowledged = false }
        }
    }

    // MARK: Configuration

    private func disabled() -> Result<Step, Refusal> {
        step(.disabled, .ends) {
            $0 = .normal
            $0.isEnabled = false
        }
    }

    private func enabled() -> Result<Step, Refusal> {
        isEnabled ? .failure(.unchanged) : step(.enabled, .unchanged) { $0.isEnabled = true }
    }
}
