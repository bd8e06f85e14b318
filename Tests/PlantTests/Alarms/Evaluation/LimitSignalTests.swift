import Testing

@testable import Plant

@Suite("Limit signals")
struct LimitSignalTests {
    @Test(
        "A value is beyond, between or returned from each limit; equal to the limit or the edge of the deadband is between"
    )
    func zones() throws {
        var definition = try AlarmFixture.definition()
        definition.low = AlarmLimit(limit: 10, priority: .low)
        definition.deadband = 2
        let signal = LimitSignal(definition)
        #expect(signal.levels.map(\.condition) == [.high, .highHigh, .low])
        let expected: [(Double, [SignalPosition])] = [
            (50, [.returned, .returned, .returned]), (86, [.beyond, .returned, .returned]),
            (96, [.beyond, .beyond, .returned]), (85, [.between, .returned, .returned]),
            (83, [.between, .returned, .returned]), (82.9, [.returned, .returned, .returned]),
            (94, [.beyond, .between, .returned]), (9, [.returned, .returned, .beyond]),
            (10, [.returned, .returned, .between]), (12, [.returned, .returned, .between]),
            (12.1, [.returned, .returned, .returned]), (-.infinity, [.returned, .returned, .beyond]),
        ]
        for (value, positions) in expected {
            let zone = signal.zone(of: value)
            #expect(signal.levels.indices.map { zone[$0] } == positions, "\(value)")
            #expect(zone.isBeyondAny == positions.contains(.beyond))
            let isSettled = value > signal.settledAbove && value < signal.settledBelow
            #expect(isSettled == (zone == signal.settledZone), "\(value)")
        }
    }
}
