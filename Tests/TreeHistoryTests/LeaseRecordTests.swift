import Testing

/// That the judgement about the owners of leases can be a bad one.
@Suite struct LeaseRecordTests {
    private static let start = ContinuousClock.now

    /// Each token is seen to be valid at these moments, in milliseconds; negative: seen not to be valid any more.
    private func overlap(_ sightings: [(token: Int64, moment: Int)]) -> Bool {
        let record = LeaseRecord()
        for (token, moment) in sightings {
            record.seen(token, isValid: moment >= 0, at: Self.start + .milliseconds(abs(moment)))
        }
        return record.overlap != nil
    }

    @Test func ownersOneAfterTheOther() {
        #expect(!overlap([]))
        #expect(!overlap([(1, 0), (1, 5), (1, -6), (2, 7), (2, 9)]))
        // Lapsed, and valid again, before anybody else had it.
        #expect(!overlap([(1, 0), (1, 5), (1, -6), (1, 8), (1, 9), (2, 10)]))
    }

    @Test func twoOwnersAtOnce() {
        #expect(overlap([(1, 0), (2, 3), (1, 5)]))
        #expect(overlap([(1, 0), (1, -2), (2, 3), (2, -4), (1, 5)]), "back after a successor")
        #expect(overlap([(2, 0), (2, -2), (1, 3)]), "a smaller token after a greater one")
    }
}
