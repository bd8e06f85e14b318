import Plant
import Testing

@Suite("Devices")
struct DeviceTableTests {
    private static let start: Milliseconds = 1_700_000_000_000

    private func expired(_ table: inout DeviceTable, at time: Milliseconds) -> [DeviceID] {
        var turns: [(device: DeviceID, turn: DeviceTurn)] = []
        table.expire(at: Self.start + time, into: &turns)
        return turns.map(\.device)
    }

    @Test(
        "A device with several routes may be silent for as long as the shortest says, in whichever order they are heard"
    )
    func severalRoutes() throws {
        for limits in [[nil, 30_000, 5_000], [5_000, 30_000, nil], [30_000, 5_000, nil]] as [[Milliseconds?]] {
            var table = DeviceTable()
            let path = try TagPath("line/machine")
            var device: DeviceID?
            for (number, limit) in limits.enumerated() {
                device =
                    table.intern(path, route: "r\(number)", rules: DeviceRules(staleAfter: limit), at: Self.start)?.id
            }
            let id = try #require(device)
            _ = table.heard(id, at: Self.start)
            #expect(expired(&table, at: 5_000) == [])
            #expect(expired(&table, at: 5_001) == [id])
            #expect(table[id].route == "r0" && table[id].rules.staleAfter == 5_000)
        }
    }

    @Test("Time in which nobody could be heard is no silence")
    func forgivenSilence() throws {
        var table = DeviceTable()
        let (device, _) = try #require(
            table.intern(try TagPath("line/machine"), route: "r", rules: DeviceRules(staleAfter: 5000), at: Self.start))
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
}
