import Testing

@testable import Plant

@Suite("Alarm identity")
struct AlarmIdentityTests {
    /// The first three are the published vectors of FNV-1a 128.
    @Test(
        "The hash is FNV-1a with 128 bits",
        arguments: [
            ("", "6c62272e07bb014262b821756295c58d"), ("a", "d228cb696f1a8caf78912b704e4a8964"),
            ("foobar", "343e1662793c64bf6f0d3597ba446f18"),
        ])
    func hash(text: String, expected: String) {
        var hash = FNV1a()
        hash.combine(text.utf8)
        #expect(hash.text == expected)
    }

    /// These may never change: ids in the tree, and receivers that compare with them, outlive a version.
    @Test(
        "Event ids are stable",
        arguments: [
            (
                "factory/line1/press1/temperature", "overtemperature", 1_700_000_000_000,
                "b99466461c98a17fb6d87707c52dd6f6"
            ),
            ("factory/line1/press1/temperature", "overtemperature", 0, "a800e74aa8119fb1122e6accc6c24196"),
            ("a/@b", "x", -1, "e2230faec552273a08dcf2d7639c2989"),
        ] as [(String, String, Milliseconds, String)])
    func eventID(tag: String, alarm: String, time: Milliseconds, expected: String) throws {
        let path = AlarmPath(tag: try TagPath(tag), alarm: alarm)
        #expect(AlarmIdentity.eventID(of: path, activatedBy: time) == expected)
    }

    @Test("An activation by the sample time of the occurrence before gets another id")
    func coarseClock() throws {
        let path = try AlarmFixture.path()
        let first = AlarmIdentity.eventID(of: path, activatedBy: 5)
        #expect(
            AlarmIdentity.eventID(of: path, activatedBy: 5, onDelay: 0, after: record(path, first, sampledAt: 5))
                == AlarmIdentity.eventID(of: path, activatedBy: 6))
        #expect(
            AlarmIdentity.eventID(of: path, activatedBy: 5, onDelay: 0, after: record(path, "", sampledAt: 4)) == first)
        #expect(AlarmIdentity.eventID(of: path, activatedBy: 5, onDelay: 0, after: nil) == first)
    }

    /// Given a device without a battery, whose clock begins at the same time whenever it is switched on.
    @Test("An activation at a time that the device's clock has shown before, it was set back, gets an id of its own")
    func clockSetBack() throws {
        let path = try AlarmFixture.path()
        let ids = (1...3).map { occurrence in
            AlarmIdentity.eventID(
                of: path, activatedBy: 5, onDelay: 0, after: record(path, "x", sampledAt: 100, occurrence: occurrence))
        }
        #expect(Set(ids + [AlarmIdentity.eventID(of: path, activatedBy: 5)]).count == 4)
    }

    private func record(
        _ path: AlarmPath, _ eventID: String, sampledAt: Milliseconds, occurrence: Int64 = 1
    ) -> AlarmRecord {
        AlarmRecord(
            path: path, lifeCycle: .normal, priority: .low, eventID: eventID, occurrence: occurrence,
            value: nil, limit: nil, since: 0, epoch: 1, changedAt: sampledAt, sampledAt: sampledAt, revision: 1)
    }
}
