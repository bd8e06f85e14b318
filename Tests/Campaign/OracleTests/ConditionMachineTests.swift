import Testing

@testable import CampaignOracle

@Suite("The oracle's plain evaluation")
struct ConditionMachineTests {
    @Test("a spike of a millisecond is one occurrence")
    func spike() {
        var machine = ConditionMachine(CampaignPlant.overtemperature)
        let edges = [sample(30, 0), sample(90, 1000), sample(51, 1001)].flatMap { machine.take($0) }
        #expect(edges.map(\.transition) == ["ACT", "RTN"])
        #expect(edges.map(\.at) == [1000, 1001])
        #expect(edges.map(\.sampledAt) == [1000, 1001])
    }

    @Test("a pulse shorter than the on-delay is none; one that reaches it is, whatever comes at its end")
    func onDelay() {
        var short = ConditionMachine(CampaignPlant.vibration)
        #expect([sample(70, 0), sample(20, 499)].flatMap { short.take($0) }.isEmpty)
        var long = ConditionMachine(CampaignPlant.vibration)
        let edges = [sample(70, 0), sample(20, 500)].flatMap { long.take($0) }
        #expect(edges.map(\.at) == [500, 501])
        #expect(edges.map(\.sampledAt) == [0, 500])
    }

    @Test("a delay ends though no further sample comes")
    func silence() {
        var machine = ConditionMachine(CampaignPlant.vibration)
        #expect(machine.take(sample(70, 0)).isEmpty)
        #expect(machine.nextEnd == 500)
        #expect(machine.endDelays(through: .max).map(\.at) == [500])
    }

    @Test("within the deadband nothing returns; beyond the outer limit it escalates")
    func limits() {
        var machine = ConditionMachine(CampaignPlant.overtemperature)
        let values: [Double] = [90, 84, 83, 96, 94, 90, 82]
        let edges = values.enumerated().flatMap { machine.take(sample($0.element, Int64($0.offset))) }
        #expect(edges.map(\.transition) == ["ACT", "ESC", "DEESC", "RTN"])
        #expect(edges.map(\.to) == ["high", "highHigh", "high", "normal"])
    }

    @Test("a low limit, both delays")
    func low() {
        var machine = ConditionMachine(CampaignPlant.flow)
        let edges =
            [sample(5, 0), sample(40, 400), sample(10, 600), sample(40, 650)].flatMap { machine.take($0) }
            + machine.endDelays(through: .max)
        #expect(edges.map(\.transition) == ["ACT", "RTN"])
        #expect(edges.map(\.at) == [300, 950])
    }
}

func sample(_ value: Double, _ time: Int64, acknowledged: Int64? = nil, certain: Bool = true) -> Sample {
    Sample(value: value, time: time, acknowledgedAt: acknowledged ?? time + 1, isCertain: certain)
}
