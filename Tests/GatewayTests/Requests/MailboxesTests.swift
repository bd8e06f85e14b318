import JSON
import OrderedCollections
import Plant
import PlantClient
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import Gateway

@Suite("Mailboxes: what people ask the alarm processor, in a real tree")
struct MailboxesTests {
    typealias Bed = AlarmTestBed

    private static func acknowledgement(_ machine: String, eventID: String? = nil) throws -> AlarmOperation {
        let alarm = try Bed.alarm(machine)
        return AlarmOperation(.acknowledge, .alarm(alarm.alarm, tag: alarm.tag.text), eventID: eventID, comment: "seen")
    }

    private static func request(_ id: String, _ machine: String, by name: String = "ann") throws -> Request {
        Request(id: id, by: name, at: WallClock.now(), .alarm(try acknowledgement(machine)))
    }

    private static func create(_ bed: Bed, _ request: Request, acl: [ACL] = ACL.worldAll) async throws -> RequestPlace {
        let place = RequestPlace(.mailbox, principal: request.by, id: request.id)
        try await bed.tree.operatorClient.ensurePath(place.mailbox)
        _ = try await bed.tree.operatorClient.create(place.path, data: request.serialized(), acl: acl)
        return place
    }

    private static func answer(_ bed: Bed, at place: RequestPlace) async throws -> RequestAnswer? {
        try Request(parsing: try await bed.tree.operatorClient.getData(place.path).data ?? [], at: place).answer
    }

    @Test("an acknowledgement is recorded and answered in one transaction, under the name of the mailbox")
    func acknowledged() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            try await eventually("the alarm") { try await bed.journal() == ["ACT press1 1"] }
            #expect(try await bed.ask(Self.acknowledgement("press1"), by: "ann").gateway == "g1")
            let record = try await bed.record("press1")
            #expect(record.acknowledgedBy == Principal("ann", established: .mailbox))
            #expect(record.state == .acknowledged && record.comment == "seen")
            let entry = try #require(try await bed.entries().last)
            #expect(entry.transition == "ACK" && entry.by == Principal("ann", established: .mailbox))
            // Once more: refused, with the reason.
            let again = try await bed.ask(Self.acknowledgement("press1"), by: "bob")
            #expect(again.result == .refused && again.reason == "already acknowledged by ann", "\(again)")
            let other = try await bed.ask(Self.acknowledgement("press1", eventID: "x"), by: "bob")
            #expect(other.reason?.contains("not the present occurrence") == true, "\(other)")
            #expect(try await bed.journal() == ["ACT press1 1", "ACK press1 2"])
        }
    }

    @Test("a name is verified where nobody who is unknown may create mailboxes, or requests in this one")
    func verified() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            for machine in ["press1", "press2", "press3"] { gateway.hear(machine, 90) }
            try await eventually("the alarms") { try await bed.journal().count == 3 }
            let ann = try await bed.tree.client(in: &group, auth: [.digest(user: "ann", password: "x")])
            let closed = [ACL(permissions: [.read, .delete], scheme: "world", id: "anyone")] + ACL.creatorAll
            let mailbox = RequestPlace(.mailbox, principal: "ann", id: "r").mailbox
            _ = try await ann.create(mailbox, data: [], acl: closed)
            func acknowledge(_ machine: String) async throws -> Principal? {
                let operation = try Self.acknowledgement(machine)
                let answer = try await PlantClient(tree: ann).ask(
                    operation, by: "ann", at: WallClock.now(), patience: .seconds(10))
                #expect(answer.result == .done, "\(answer)")
                return try await bed.record(machine).acknowledgedBy
            }
            // Anybody might have made that mailbox.
            #expect(try await acknowledge("press1") == Principal("ann", established: .mailbox))
            try await ann.setACL(TreeLayout.requests, acl: closed)
            try await ann.setACL(TreeLayout.commands, acl: closed)
            #expect(try await acknowledge("press2") == Principal("ann", established: .mailbox, isVerified: true))
            try await ann.setACL(mailbox, acl: ACL.worldAll)
            #expect(try await acknowledge("press3")?.isVerified == false)
        }
    }

    @Test("a request that was changed since it was read is not carried out")
    func changedMeanwhile() async throws {
        try await Bed.with { bed, _ in
            let tree = bed.tree.operatorClient
            let request = try Self.request("r", "press1")
            let place = try await Self.create(bed, request)
            let open = RequestDesk.Open(
                place: place, request: request, data: request.serialized(), created: request.at, czxid: 1)
            let changed = try Self.request("r", "press2").serialized()
            try await tree.setData(place.path, data: changed)
            let deed = TreeLayout.alarms + "/deed"
            let error = await #expect(throws: ZooKeeperError.self) {
                try await tree.transaction([
                    .create(path: deed, data: [], mode: .persistent),
                    Mailboxes.operation(
                        answering: open, with: RequestAnswer(.done, at: WallClock.now(), gateway: "g1")),
                ])
            }
            #expect(error?.code == .badVersion && error?.path == place.path)
            #expect(try await tree.exists(deed) == nil)
            #expect(try await tree.getData(place.path).data == changed)
        }
    }

    @Test("what cannot be answered is deleted and counted, and costs nobody else anything")
    func discarded() async throws {
        try await Bed.with { bed, group in
            let tree = bed.tree.operatorClient
            // All of it is there before there is a gateway.
            let garbage = RequestPlace(.mailbox, principal: "eve", id: "garbage")
            try await tree.ensurePath(garbage.mailbox)
            _ = try await tree.create(garbage.path, data: Array("{".utf8))
            let changed = try await Self.create(bed, try Self.request("changed", "press1", by: "eve"))
            try await tree.setData(changed.path, data: try Self.request("changed", "press1", by: "eve").serialized())
            let unwritable = try await Self.create(
                bed, try Self.request("unwritable", "press1", by: "eve"), acl: ACL.worldRead)
            // What gateways may not read, and what is too long; a mailbox that they may not look into.
            let unreadable = try await Self.create(
                bed, try Self.request("unreadable", "press1", by: "eve"),
                acl: [ACL(permissions: [.write], scheme: "world", id: "anyone")])
            let long = RequestPlace(.mailbox, principal: "eve", id: "long")
            _ = try await tree.create(long.path, data: [UInt8](repeating: 0x20, count: Request.sizeLimit + 1))
            _ = try await tree.create(
                TreeLayout.requests + "/mallory", data: [],
                acl: [ACL(permissions: [.create, .admin], scheme: "world", id: "anyone")])
            let count = RequestDesk.openLimit + 30
            for number in 0..<count {
                _ = try await Self.create(bed, try Self.request("r\(number)", "press1", by: "flood"))
            }
            let good = try await Self.create(bed, try Self.request("good", "press1"))

            let gateway = try await bed.gateway("g1", in: &group)
            try await eventually("the good one is answered") { try await Self.answer(bed, at: good) != nil }
            for place in [garbage, changed, unwritable, long] {
                try await eventually("\(place.id) is gone") { try await tree.exists(place.path) == nil }
            }
            func number(_ name: String) -> UInt64? { gateway.mailboxes.numbers.first { $0.name == name }?.value }
            try await eventually("counted", seen: { "\(gateway.mailboxes.numbers)" }) {
                number("requestsOpen") == 0 && number("requestsAnswered") == UInt64(RequestDesk.openLimit + 1)
                    && number("requestsDiscarded") ?? 0 >= 34
            }
            let mailbox = RequestPlace(.mailbox, principal: "flood", id: "x").mailbox
            #expect(try await tree.getChildren(mailbox).count == RequestDesk.openLimit)
            // What this server does not even show is found when it is trimmed.
            let lease = try #require(gateway.processor.lease)
            try await RequestTrimmer(client: gateway.client, clock: .system).step(lease)
            #expect(try await tree.getChildren(unreadable.mailbox).allSatisfy { $0 != unreadable.id })
            // Who asked, how often, and why not: one entry each.
            let entries = gateway.mailboxes.takeRefusals(all: true)
            #expect(Set(entries.map { $0.by?.name }) == ["eve", "flood"])
            let flood = try #require(entries.first { $0.by?.name == "flood" })
            #expect(flood.details["reasons"] == ["tooMany": 30], "\(flood.json)")
        }
    }

    @Test("what nobody could do is refused by name, and what a later version has put there stays")
    func refused() async throws {
        try await Bed.with { bed, group in
            let tree = bed.tree.operatorClient
            let strange = RequestPlace(.mailbox, principal: "ann", id: "strange")
            let text = #"{"id":"strange","kind":"sing","by":"ann","at":1,"later":true}"#
            try await tree.ensurePath(strange.mailbox)
            _ = try await tree.create(strange.path, data: Array(text.utf8))
            _ = try await bed.gateway("g1", in: &group)
            let answer = try await eventuallyValue("the answer") { try await Self.answer(bed, at: strange) }
            #expect(answer.result == .refused && answer.reason?.contains("sing") == true, "\(answer)")
            let data = String(decoding: try await tree.getData(strange.path).data ?? [], as: UTF8.self)
            #expect(data.contains(#""later":true"#))
        }
    }

    @Test("the form of earlier versions is answered in place; the name is the requester's own word")
    func earlierForm() async throws {
        try await Bed.with { bed, group in
            let tree = bed.tree.operatorClient
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            try await eventually("the alarm") { try await bed.journal() == ["ACT press1 1"] }
            let long = String(repeating: "x", count: 2_000)
            for (id, comment, result) in [("long", long, "refused"), ("ack", "seen", "done")] {
                let path = TreeLayout.alarmRequests + "/" + id
                let text =
                    #"{"action":"ack","tag":"factory/line1/press1/temperature","alarm":"hot","by":"ann","comment":"\#(comment)","at":1}"#
                _ = try await tree.create(path, data: Array(text.utf8))
                try await eventually(id) {
                    let json = try JSONValue(parsing: try await tree.getData(path).data ?? [])
                    return json["result"]?.stringValue == result
                }
            }
            #expect(try await bed.record("press1").acknowledgedBy == Principal(claimed: "ann"))
        }
    }

    @Test("in a flood of transitions people are answered before its end")
    func flood() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            try await eventually("the alarm") { try await bed.journal() == ["ACT press1 1"] }
            for number in 0..<600 { gateway.hear("m\(number)", 90) }
            #expect(try await bed.ask(Self.acknowledgement("press1"), by: "ann").result == .done)
            try await eventually("the flood is recorded", within: .seconds(60)) {
                gateway.counters.transitionsRecorded.current == 602
            }
            let journal = try await bed.journal()
            let position = try #require(journal.firstIndex(of: "ACK press1 2"))
            #expect(position < journal.count - 100, "\(position) of \(journal.count)")
        }
    }
}
