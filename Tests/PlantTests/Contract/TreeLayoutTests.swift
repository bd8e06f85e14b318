import Testing

@testable import Plant

@Suite struct TreeLayoutTests {
    @Test func shardsHaveTwoDigits() {
        #expect(TreeLayout.shard(0) == "/shards/00")
        #expect(TreeLayout.shard(9) == "/shards/09")
        #expect(TreeLayout.shard(63) == "/shards/63")
    }

    @Test func journalEntriesAreTold() {
        #expect(TreeLayout.journalSequence(ofNode: "entry-0000000042") == 42)
        #expect(TreeLayout.journalSequence(ofNode: "entry-x") == nil)
        #expect(TreeLayout.journalSequence(ofNode: "other-0000000042") == nil)
    }
}
