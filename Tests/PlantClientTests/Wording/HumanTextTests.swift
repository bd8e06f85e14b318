import JSON
import Testing

@testable import PlantClient

@Suite("How times and numbers are shown to people")
struct HumanTextTests {
    @Test("numbers and times of any size")
    func anySize() {
        for number in [1e308, -1e308, 1e19, 9.3e18, -9.3e18, .infinity, -.infinity, .nan, -0.0, .leastNonzeroMagnitude]
        {
            #expect(!HumanText.number(number).isEmpty)
        }
        for time in [Int64.min, .min + 1, -1, 0, 1 << 53, .max] {
            #expect(!HumanText.count(time).isEmpty)
            #expect(!HumanText.span(time).isEmpty)
            for now in [Int64.min, -1, 0, .max] { #expect(!HumanText.age(of: time, now: now).isEmpty) }
        }
    }

    @Test("what people read most")
    func usual() {
        #expect(HumanText.span(.seconds(5)) == "5s")
        #expect(HumanText.span(250_000) == "4m 10s")
        #expect(HumanText.age(of: 1_000, now: 4_500) == "3s ago")
        #expect(HumanText.age(of: 9_000, now: 5_000) == "in 4s")
        #expect(HumanText.number(81.5) == "81.5")
        #expect(HumanText.count(-12_345) == "-12,345")
        #expect(HumanText.count(0, "tag") == "0 tags" && HumanText.count(1, "tag") == "1 tag")
        #expect(HumanText.count(12_345, "journal entry", "journal entries") == "12,345 journal entries")
        #expect(HumanText.pairs([(key: "rpm", value: 1200), (key: "mode", value: "slow")]) == "rpm=1200 mode=slow")
    }
}
