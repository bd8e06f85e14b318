/// How one definition's alarms are evaluated: what all of them share.
final class AlarmRule: Sendable {
    let signal: LimitSignal
    let onDelay: Milliseconds
    let offDelay: Milliseconds
    /// Every level `normal`.
    let idleLevels: [DelayedLevel]

    /// The definition has to be free of mistakes.
    init(_ definition: AlarmDefinition) {
        signal = LimitSignal(definition)
        onDelay = definition.onDelay
        offDelay = definition.offDelay
        idleLevels = signal.levels.map { _ in DelayedLevel() }
    }

    /// What the alarm's condition is while this level is the most severe one that is active.
    func condition(of level: Int) -> AlarmCondition { signal.levels[level].condition }

    /// The delay that runs on a level.
    func delay(of level: DelayedLevel) -> Milliseconds { level.phase == .pendingOn ? onDelay : offDelay }
}
