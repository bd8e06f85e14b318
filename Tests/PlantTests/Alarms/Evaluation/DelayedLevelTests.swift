import Testing

@testable import Plant

@Suite("Delayed levels")
struct DelayedLevelTests {
    private typealias Level = DelayedLevel

    private static func reading(_ time: Milliseconds) -> AlarmReading {
        AlarmReading(value: Double(time), time: time, received: time + 7, hasSourceTime: true)
    }

    private static func level(_ phase: Level.Phase) -> Level {
        var level = Level()
        if phase == .normal { return level }
        _ = level.see(reading(1), at: .beyond, .sample)
        if phase == .pendingOn { return level }
        level.delayEnded()
        if phase == .abnormal { return level }
        _ = level.see(reading(2), at: .returned, .sample)
        return level
    }

    /// By phase, the phases after a signal that is beyond, between and returned.
    private static let samples: [Level.Phase: [Level.Phase]] = [
        .normal: [.pendingOn, .normal, .normal], .pendingOn: [.pendingOn, .normal, .normal],
        .abnormal: [.abnormal, .abnormal, .pendingOff], .pendingOff: [.abnormal, .abnormal, .pendingOff],
    ]

    /// What differs from a sample: by manner, and by phase.
    private static func expected(_ phase: Level.Phase, _ manner: Level.Manner) -> [Level.Phase] {
        switch (manner, phase) {
        case (.unsure, .abnormal), (.standing(mayReturn: false), .abnormal): [.abnormal, .abnormal, .abnormal]
        case (.replayed, .pendingOn), (.standingUnsure, .pendingOn): [.pendingOn, .pendingOn, .pendingOn]
        case (.standingUnsure, .abnormal): [.abnormal, .abnormal, .abnormal]
        case (.replayed, .pendingOff), (.standingUnsure, .pendingOff): [.pendingOff, .pendingOff, .pendingOff]
        case (_, _): samples[phase] ?? []
        }
    }

    @Test("Each phase, signal and manner has its next phase, and what begins is dated by its reading")
    func table() {
        for phase in [Level.Phase.normal, .pendingOn, .abnormal, .pendingOff] {
            for manner in [
                Level.Manner.sample, .unsure, .replayed, .standing(mayReturn: true), .standing(mayReturn: false),
                .standingUnsure,
            ] {
                let expected = Self.expected(phase, manner)
                for (position, next) in zip([SignalPosition.beyond, .between, .returned], expected) {
                    var level = Self.level(phase)
                    #expect(level.phase == phase)
                    let changed = level.see(Self.reading(9), at: position, manner)
                    #expect(level.phase == next, "\(phase) \(position) \(manner)")
                    #expect(changed == (next != phase))
                    guard changed, level.isPending else { continue }
                    #expect(level.start == 9 && level.startReceived == 16 && level.sampleTime == 9 && level.value == 9)
                }
            }
        }
    }

    @Test("A delay that runs ends, is withdrawn, or moves with what it stood still")
    func delays() {
        var level = Self.level(.pendingOn)
        level.shift(start: 10, received: 20)
        #expect(level.start == 11 && level.startReceived == 28 && level.sampleTime == 1)
        level.delayWithdrawn()
        #expect(level.phase == .normal)
        level = Self.level(.pendingOff)
        level.delayWithdrawn()
        #expect(level.phase == .abnormal && level.isActive)
        level = Self.level(.pendingOff)
        level.delayEnded()
        #expect(level.phase == .normal && !level.isActive)
    }

    @Test("The clock of reception is set: a source's own time stays, any other goes along")
    func clock() {
        var level = Self.level(.pendingOn)
        level.clockLeapt(by: 100)
        #expect(level.start == 1 && level.startReceived == 108)
        var other = Level()
        _ = other.see(AlarmReading(value: 1, time: 5, received: 5, hasSourceTime: false), at: .beyond, .sample)
        other.clockLeapt(by: 100)
        #expect(other.start == 105 && other.startReceived == 105)
    }
}
