import Plant
import Testing

@Suite("Devices")
struct DeviceTableTests {
    private static let start: Milliseconds = 1_700_000_000_000

    private func expired(_ table: inout DeviceTable, at time: Milliseconds) -> [DeviceID] {
        var expired: [DeviceID] = []
        table.expire(at: Self.start + time, into: &expired)
        return expired
    }

    @Test("Time in which nobody could be heard is no silence")
    func forgivenSilence() throws {
        var table = DeviceTable()
        let (device, _) = try #require(
            table.intern(try TagPath("line/machine"), route: "r", staleAfter: 5000, at: Self.start))
        _ = table.heard(device, at: Self.start)
        // Three seconds of silence, then a stop of ten minutes.
        table.forgiveSilence(600_000, at: Self.start + 603_000)
        #expect(expired(&table, at: 603_000) == [])
        #expect(expired(&table, at: 605_000) == [])
        #expect(expired(&table, at: 605_001) == [device])
        // Whoever was heard since the stop gets nothing on top.
        _ = table.heard(device, at: Self.start + 700_000)
        table.forgiveSilence(600_000, at: Self.start + 701_000)
        #expect(table.lastHeard(device) == Self.start + 701_000)
        table.forgiveSilence(.max, at: Self.start + 702_000)
        table.forgiveSilence(-5, at: Self.start)
        #expect(table.lastHeard(device) == Self.start + 702_000)
    }

    @Test("What another gateway saw of a device counts when it is later than what was seen here")
    func reconciled() throws {
        var table = DeviceTable()
        let (device, _) = try #require(
            table.intern(try TagPath("line/machine"), route: "r", staleAfter: 5000, at: Self.start))
        _ = table.heard(device, at: Self.start + 100)
        let now = Self.start + 3000
        func reconcile(_ state: DeviceState, _ since: Milliseconds) -> Bool {
            table.reconcile(device, state: state, since: Self.start + since, at: now)
        }
        let (heardSince, noNews, news) = (reconcile(.offline, 100), reconcile(.online, 200), reconcile(.offline, 200))
        #expect(!heardSince && !noNews && news)
        #expect(table.state(of: device) == (.offline, Self.start + 200))
        let olderThanKnown = reconcile(.online, 150)
        #expect(!olderThanKnown)
        let heard = table.heard(device, at: now)
        #expect(heard == .online)
    }
}
