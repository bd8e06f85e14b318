import Testing

@testable import Plant

@Suite("Samples that are kept while a clock is in doubt")
struct HeldSamplesTests {
    private typealias Held = LivePlant.HeldSamples

    @Test(
        "A tag may keep the fewer, the more the others keep, and never less than its least share",
        arguments: [
            (0, 2_048), (65_536, 2_048), (65_600, 2_046), (131_072 - 3_200, 100), (131_072 - 1, 8), (131_072, 8),
            (10_000_000, 8),
        ])
    func shares(others: Int, expected: Int) { #expect(Held.share(beside: others) == expected) }

    @Test("Whatever came first, a tag that gets samples later has room", arguments: [1, 10, 64, 500, 4_000])
    func roomForLaterOnes(floods: Int) {
        var kept = [Int](repeating: 0, count: floods + 1)
        var total = 0
        func add(_ tag: Int, _ times: Int) {
            for _ in 0..<times {
                let others = total - kept[tag]
                kept[tag] = min(kept[tag] + 1, Held.share(beside: others))
                total = others + kept[tag]
            }
        }
        // One after the other, each as much as it may.
        for tag in 0..<floods { add(tag, 2_100) }
        add(floods, 100)
        #expect(kept[floods] >= (floods <= 64 ? 100 : Held.leastShare))
        #expect(total <= Held.totalCapacity + kept.count * Held.leastShare)
    }
}
