import Testing

@testable import CampaignOracle

@Suite("The campaign's schedule")
struct ScheduleTests {
    @Test("the same seed makes the same rounds")
    func repeatable() {
        let one = Schedule(seed: 7, kinds: FaultKind.allCases)
        let other = Schedule(seed: 7, kinds: FaultKind.allCases)
        for number in 1...100 {
            let (plan, again) = (one.plan(number), other.plan(number))
            #expect(plan.kinds == again.kinds && plan.tree == again.tree && plan.gateways == again.gateways)
            #expect(plan.chance == again.chance)
            let values = CampaignPlant.scripts(plan).map { $0.steps.map(\.value) }
            #expect(values == CampaignPlant.scripts(again).map { $0.steps.map(\.value) })
        }
    }

    @Test("as many rounds as kinds play each kind", arguments: [1, 2, 99] as [UInt64])
    func complete(_ seed: UInt64) {
        let schedule = Schedule(seed: seed, kinds: FaultKind.allCases)
        for cycle in 0..<3 {
            let first = (1...FaultKind.allCases.count).map { number in
                schedule.plan(cycle * FaultKind.allCases.count + number).kinds[0]
            }
            #expect(Set(first) == Set(FaultKind.allCases))
        }
    }

    @Test("every plan fits its faults", arguments: 1...20 as ClosedRange<UInt64>)
    func fits(_ seed: UInt64) {
        let schedule = Schedule(seed: seed, kinds: FaultKind.allCases)
        for number in 1...200 {
            let plan = schedule.plan(number)
            for setting in plan.settings {
                #expect(setting.gateways.contains(plan.gateways), "\(plan.kindText)")
                #expect(setting.trees.contains(plan.tree), "\(plan.kindText)")
            }
            if plan.tree == .embedded { #expect(plan.gateways == 1) }
            #expect(plan.kinds.count <= 2)
            #expect(plan.settings.count { $0.stopsBroker } <= 1 && plan.settings.count { $0.ownTree } <= 1)
        }
    }
}
