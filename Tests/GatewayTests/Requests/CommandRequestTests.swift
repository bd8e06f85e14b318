import JSON
import MQTT
import OrderedCollections
import Plant
import PlantClient
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import Gateway

@Suite("Requests for commands: mailboxes, MQTT, and the owner who answers")
struct CommandRequestTests {
    typealias Bed = CommandTestBed

    @Test("a command asked for in a mailbox is recorded with its answer, carried out, and named after the mailbox")
    func mailbox() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                async let end = bed.plant.send(Bed.request("a", "start"), patience: .seconds(30))
                _ = try await eventuallyValue("the command at the device") { gateway.published("start").first }
                gateway.answer("a")
                #expect(try await end.state == .succeeded)
                #expect(try await end.by == Principal("ada", established: .mailbox))
                #expect(try await bed.journal("a") == ["REQUESTED", "SENT", "SUCCEEDED"])
                // The requester has read the answer and cleared its mailbox.
                #expect(try await bed.operatorClient.getChildren(TreeLayout.requests + "/ada").isEmpty)
                group.cancelAll()
            }
        }
    }

    @Test("commands of one device are taken up in the order in which they were asked for, also by a new owner")
    func order() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Asked for while nobody owns the device, by several people.
                let ids = (0..<20).map { "c\($0)" }
                for (number, id) in ids.enumerated() {
                    var record = Bed.request(id, "setSpeed")
                    record.by = Principal(claimed: "p\(number % 3)")
                    let place = RequestPlace(.mailbox, principal: record.by.name, id: id)
                    try await bed.operatorClient.ensurePath(place.mailbox)
                    let request = Request(
                        id: id, by: record.by.name, at: record.requestedAt,
                        .command(.init(device: record.device, command: record.command, timeout: 60_000)))
                    _ = try await bed.operatorClient.create(place.path, data: request.serialized())
                }
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                for id in ids {
                    try await eventually("\(id) at the device") {
                        gateway.published("setSpeed").contains { $0.text.contains("\"\(id)\"") }
                    }
                    gateway.answer(id)
                }
                #expect(gateway.published("setSpeed").count == ids.count)
                let records = try await bed.commands.list().records
                #expect(records.map(\.id) == ids)
                group.cancelAll()
            }
        }
    }

    @Test("one request that the tree refuses does not hold up the others of its shard")
    func poisoned() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                // A node that gateways may not read stands where the command would.
                _ = try await bed.operatorClient.create(
                    CommandService.path(of: "x"), data: [],
                    acl: [ACL(permissions: [.admin], scheme: "world", id: "anyone")])
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                await #expect(throws: PlantFailure.self) {
                    try await bed.plant.send(Bed.request("x", "start"), patience: .seconds(30))
                }
                async let end = bed.plant.send(Bed.request("a", "start"), patience: .seconds(30))
                _ = try await eventuallyValue("the command at the device") { gateway.published("start").first }
                gateway.answer("a")
                #expect(try await end.state == .succeeded)
                group.cancelAll()
            }
        }
    }

    @Test("what requesters write into /commands themselves verifies nobody")
    func forged() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                var record = Bed.request("a", "start")
                record.by = Principal("ann", established: .mailbox, isVerified: true)
                try await bed.submit(record)
                _ = try await eventuallyValue("the command at the device") { gateway.published("start").first }
                gateway.answer("a")
                let end = try await bed.finish("a")
                #expect(end.by.name == "ann" && !end.by.isVerified)
                group.cancelAll()
            }
        }
    }

    @Test("a request that is withdrawn before it is answered is never carried out")
    func withdrawn() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Nobody owns the device; the requester gives up.
                await #expect(throws: PlantFailure.noOwner(waited: .milliseconds(50))) {
                    try await bed.plant.send(Bed.request("a", "start"), patience: .milliseconds(50))
                }
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                async let next = bed.plant.send(Bed.request("b", "start"), patience: .seconds(30))
                _ = try await eventuallyValue("the next one") { gateway.published("start").first }
                gateway.answer("b")
                #expect(try await next.state == .succeeded)
                #expect(gateway.published("start").count == 1)
                #expect(try await bed.record("a") == nil)
                group.cancelAll()
            }
        }
    }

    @Test("over MQTT, on a principal's topic: one node, one command, the answer where it belongs, repetitions harmless")
    func topic() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let one = try await bed.gateway("g1", in: &group)
                let other = try await bed.gateway("g2", in: &group)
                _ = try await one.own(Bed.press, in: &group)
                func ask(_ text: String, _ properties: MQTTProperties? = nil) {
                    for gateway in [one, other] {
                        gateway.door.offer(topicOf: "hmi", payload: Array(text.utf8), properties: properties)
                    }
                }
                let body = #""body":{"device":"factory/line1/press1","command":"start","parameters":{"rpm":5}}"#
                ask(#"{"id":"a","kind":"command",\#(body)}"#)
                _ = try await eventuallyValue("the command at the device") { one.published("start").first }
                one.answer("a")
                let record = try await bed.finish("a")
                #expect(record.state == .succeeded && record.by == Principal("hmi", established: .topic))
                let answers = { one.broker.messages(on: "linekeeper/test/requests/hmi/a").map(\.text) }
                try await eventually("the answer", seen: { "\(answers())" }) {
                    answers().first?.contains(#""result":"done""#) == true
                }
                #expect(try await bed.operatorClient.getChildren(TreeLayout.requests + "/@mqtt") == ["hmi@a"])

                // Again: said once more by the one who is responsible, and nothing else.
                ask(#"{"id":"a","kind":"command",\#(body)}"#)
                try await eventually("the answer once more") { answers().count >= 2 }
                try await eventually("and how it ended") { one.announced("a").suffix(2) == ["SUCCEEDED", "SUCCEEDED"] }
                #expect(other.broker.messages(on: "linekeeper/test/requests/hmi/a").isEmpty)
                #expect(one.published("start").count == 1)

                // Another request under the same id, with a place for the answer.
                var properties = MQTTProperties()
                properties.responseTopic = "hmi/1"
                properties.correlationData = [7]
                ask(
                    #"{"id":"a","kind":"cancel","body":{"device":"factory/line1/press1","command":"a"}}"#, properties)
                let refusal = try await eventuallyValue("the refusal") { one.broker.messages(on: "hmi/1").first }
                #expect(refusal.text.contains("another request already"), "\(refusal.text)")
                #expect(refusal.properties.correlationData == [7])

                // One of its own: too late.
                ask(
                    #"{"id":"c","kind":"cancel","body":{"device":"factory/line1/press1","command":"a"}}"#, properties)
                let late = try await eventuallyValue("the answer") {
                    one.broker.messages(on: "hmi/1").dropFirst().first
                }
                #expect(late.text.contains("is over"), "\(late.text)")
                group.cancelAll()
            }
        }
    }

    @Test("an id is one command's, by whatever door it is asked for")
    func unique() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "start"))
                var stranger = Bed.request("a", "start")
                stranger.by = Principal(claimed: "bob")
                let taken = CommandRefusal.idTaken("a", by: "ada")
                await #expect(throws: PlantFailure.refused("\(taken)")) {
                    try await bed.plant.send(stranger, patience: .seconds(30))
                }
                let text = #"{"id":"a","device":"factory/line1/press1","command":"start","by":"eve"}"#
                gateway.offerRequest(payload: Array(text.utf8), properties: nil)
                try await eventually("refused", seen: { "\(gateway.announced("a"))" }) {
                    gateway.announced("a").contains("REJECTED")
                }
                _ = try await eventuallyValue("the command at the device") { gateway.published("start").first }
                gateway.answer("a")
                #expect(try await bed.finish("a").state == .succeeded)
                #expect(gateway.published("start").count == 1)
                group.cancelAll()
            }
        }
    }

    @Test("a wish to withdraw a command overwrites nothing that was written since the record was read")
    func cancelledMeanwhile() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                _ = try await bed.startOwnerWithoutBroker(of: Bed.press, in: &group)
                // In some of these rounds the record is written after it was read for the wish, and before the wish is.
                for id in (0..<20).map({ "c\($0)" }) {
                    _ = try await bed.plant.send(Bed.request(id, "start"), patience: nil)
                    // The request alone is there before its owner makes a record of it.
                    try await eventually("the record") {
                        try await bed.operatorClient.exists(CommandService.path(of: id)) != nil
                    }
                    async let end = bed.plant.cancelCommand(
                        id, by: "bob", at: WallClock.now(), patience: .seconds(30))
                    var written = 700
                    while written < 1_200 {
                        let node = try await bed.operatorClient.getData(CommandService.path(of: id))
                        var record = try CommandRecord(parsing: node.data ?? [], id: id)
                        guard record.state == .requested, record.cancelRequestedBy == nil else { break }
                        record.parameters["rpm"] = .integer(Int64(written + 1))
                        do {
                            try await bed.operatorClient.setData(
                                CommandService.path(of: id), data: record.serialized(), version: node.stat.version)
                            written += 1
                        } catch let error as ZooKeeperError where error.code == .badVersion {}
                    }
                    #expect(try await end.state == .cancelled)
                    #expect(try await bed.record(id)?.parameters["rpm"]?.intValue == Int64(written), "\(id)")
                }
                group.cancelAll()
            }
        }
    }

    @Test("withdrawing: the owner writes the wish into the record, under the name of who asked")
    func cancelled() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                _ = try await bed.startOwnerWithoutBroker(of: Bed.press, in: &group)
                #expect(try await bed.plant.send(Bed.request("a", "start"), patience: nil).state == .requested)
                let end = try await bed.plant.cancelCommand("a", by: "bob", at: WallClock.now(), patience: .seconds(30))
                #expect(end.state == .cancelled)
                #expect(end.cancelRequestedBy == Principal("bob", established: .mailbox))
                #expect(try await bed.journal("a") == ["REQUESTED", "CANCEL_REQUESTED", "CANCELLED"])
                group.cancelAll()
            }
        }
    }
}
