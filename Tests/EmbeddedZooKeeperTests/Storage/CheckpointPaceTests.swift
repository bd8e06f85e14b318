import Testing

@testable import EmbeddedZooKeeper

struct CheckpointPaceTests {
    private let pace = CheckpointPace(checkpointBytes: 1_000, logBytes: 10_000)

    @Test func restsForAMultipleOfWhatAPieceTook() {
        #expect(pace.rest(after: .microseconds(200), written: 100, logGrowth: 0) == .microseconds(1_600))
    }

    @Test func aSlowDiskDoesNotMakeItRestForLong() {
        #expect(pace.rest(after: .seconds(2), written: 100, logGrowth: 0) == .milliseconds(4))
    }

    @Test func restsWhileItIsAheadOfTheLogAndNotWhenBehind() {
        // A tenth is written; nine tenths of a tenth of the log's budget.
        #expect(pace.rest(after: .microseconds(200), written: 100, logGrowth: 900) > .zero)
        #expect(pace.rest(after: .microseconds(200), written: 100, logGrowth: 901) == .zero)
    }

    @Test func withoutABudgetItRestsOnlyWhileTheLogStandsStill() {
        let pace = CheckpointPace(checkpointBytes: 1_000, logBytes: 0)
        #expect(pace.rest(after: .microseconds(200), written: 500, logGrowth: 0) > .zero)
        #expect(pace.rest(after: .microseconds(200), written: 500, logGrowth: 1) == .zero)
    }

    /// Where it can be, a checkpoint is complete before another one's worth of log has been written.
    @Test(arguments: [1, 10, 50, 100]) func theLogDoesNotOutgrowIt(growthInAPiece: Int) {
        var growth = 0
        var written = 0
        let piece = 10
        while written < pace.checkpointBytes {
            written += piece
            // While it rests the log grows eight times as much again.
            let rest = pace.rest(after: .microseconds(100), written: written, logGrowth: growth)
            growth += growthInAPiece + (rest == .zero ? 0 : growthInAPiece * 8)
        }
        #expect(growth <= pace.logBytes + 9 * growthInAPiece)
    }
}
