import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("Refused requests")
struct RefusedRequestsTests {
    private typealias Fixture = DeskFixture

    @Test("one entry per requester and minute, with a count")
    func counted() {
        var refused = RefusedRequests(gateway: "g1")
        for time in 0..<300 {
            refused.refused(
                by: time % 3 == 0 ? "ann" : "bob", reason: time % 2 == 0 ? "parameters" : "unknownCommand",
                detail: "no \(time)", at: Int64(time), wall: 5_000 + Int64(time))
        }
        #expect(refused.takeDue(at: 59_999, wall: 70_000).isEmpty)
        let entries = refused.takeDue(at: 61_000, wall: 70_000)
        #expect(entries.map { $0.by?.name } == ["ann", "bob"])
        #expect(
            entries.first?.json == [
                "kind": "command", "at": 70_000, "gateway": "g1", "by": "ann", "transition": "REFUSED", "count": 100,
                "since": 5_000, "reasons": ["parameters": 50, "unknownCommand": 50], "detail": "no 297",
            ])
        #expect(refused.isEmpty)
    }

    @Test("made-up requesters and long texts do not make it larger")
    func bounded() throws {
        var refused = RefusedRequests(gateway: "g1")
        for number in 0..<10_000 {
            refused.refused(
                by: "\(number)" + String(repeating: "x", count: 5_000), reason: "invalid",
                detail: String(repeating: "é", count: 5_000), at: 0, wall: 0)
        }
        refused.refused(by: nil, reason: "invalid", detail: nil, at: 0, wall: 0)
        let entries = refused.takeDue(at: 0, wall: 0, all: true)
        #expect(entries.count == RefusedRequests.requesterLimit + 1)
        #expect(entries.compactMap { $0.details["count"]?.intValue }.reduce(0, +) == 10_001)
        for entry in entries { #expect(try JournalEntry(parsing: entry.serialized()) == entry) }
        #expect(entries.allSatisfy { $0.serialized().count < 1_500 })
    }

    @Test("the desk's refusal has no entry of its own; what was taken up is entered with its request")
    func desk() throws {
        var desk = Fixture.desk()
        var wrong = Fixture.request("a", "setSpeed")
        wrong.parameters["rpm"] = 1e308
        let refusal = try #require(desk.seen(wrong, shard: 0, czxid: 2_000, version: 0, at: 10).write)
        #expect(refusal.record.state == .rejected && refusal.isRefusal && refusal.journalEntries.isEmpty)

        // Created under a former owner, which may have sent it: that is no refusal that did nothing.
        let former = try #require(
            desk.seen(
                {
                    var request = wrong; request.id = "b"; return request
                }(), shard: 0, czxid: 1, version: 0, at: 10
            ).write)
        #expect(former.record.state == .rejected && !former.isRefusal && former.journalEntries.count == 2)

        let sent = try #require(
            desk.seen(
                Fixture.request("c", "start", device: Fixture.press2, at: 5), shard: 0, czxid: 2_001, version: 0, at: 10
            ).write)
        #expect(sent.journalEntries.map { $0.transition } == ["REQUESTED", "SENT"])
        #expect(sent.journalEntries.map { $0.at } == [5, 10])
        #expect(sent.journalEntries.first?.details["attempt"] == 0)
        let publication = try #require(desk.recorded(sent.ticket, version: 1, at: 20).publication)
        let end = try #require(desk.published(publication.ticket, .noSubscribers, at: 30).write)
        #expect(end.journalEntries.map { $0.transition } == ["FAILED"])
    }

    @Test("a withdrawn request: all three steps, none later than now")
    func withdrawn() throws {
        var desk = Fixture.desk()
        _ = desk.brokerAvailable(false, at: 0)
        var request = Fixture.request("a", "start", at: 9_000)
        request.cancelRequestedBy = Principal(claimed: "bob")
        request.cancelRequestedAt = 9_500
        let write = try #require(desk.seen(request, shard: 0, czxid: 2_000, version: 1, at: 100).write)
        #expect(write.journalEntries.map { $0.transition } == ["REQUESTED", "CANCEL_REQUESTED", "CANCELLED"])
        #expect(write.journalEntries.map { $0.at } == [100, 100, 100])
        #expect(write.journalEntries.map { $0.by?.name } == ["ada", "bob", "ada"])
    }
}
