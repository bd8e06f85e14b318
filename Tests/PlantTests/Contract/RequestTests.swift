import JSON
import OrderedCollections
import TestFixtures
import Testing

@testable import Plant

@Suite("Requests as they stand in the tree and come over MQTT")
struct RequestTests {
    private static let mailbox = RequestPlace(.mailbox, principal: "ann", id: "r1")

    private static func read(_ text: String, at place: RequestPlace = mailbox) throws -> Request {
        try Request(parsing: Array(text.utf8), at: place)
    }

    private static func device() throws -> TagPath { try TagPath("factory/line1/press1") }

    @Test("every kind is read as it was written")
    func kinds() throws {
        let bodies: [Request.Body] = [
            .alarm(.init(.acknowledge, .alarm("hot", tag: "a/b"), eventID: "e", comment: "c")),
            .alarm(.init(.forget, .tag("a/b"), onlyIfOrphaned: true)), .alarm(.init(.forget, .device("a"))),
            .command(.init(device: try Self.device(), command: "go", parameters: ["rpm": 7, "m": "x"], timeout: 900)),
            .command(.init(id: "stop-42", device: try Self.device(), command: "go")),
            .cancel(command: "c1", device: try Self.device()), .drain(.init(gateway: "gw1")),
            .drain(.init(gateway: "gw1", undo: true, comment: "new disk")),
        ]
        for body in bodies {
            let request = Request(id: "r1", by: "ann", at: 5, deadline: 9, body)
            #expect(try Request(parsing: request.serialized(), at: Self.mailbox) == request)
            var heard = Request(
                id: "r1", by: "g1", at: 5, body, onBehalfOf: Principal("ann", established: .topic),
                reply: .init(topic: "hmi/1", correlation: [0, 15, 255]))
            let place = RequestPlace(.mqtt, principal: "ann", id: "r1")
            #expect(try Request(parsing: heard.serialized(), at: place) == heard)
            heard.reply = .init(topic: "hmi/1")
            #expect(try Request(parsing: heard.serialized(), at: place) == heard)
        }
    }

    @Test("who is responsible: the alarm processor, the owner of the device's shard, or the gateway that is named")
    func responsible() throws {
        let shard = ShardMap.shard(of: try Self.device())
        func responsible(_ body: Request.Body) -> Request.Responsible {
            Request(id: "r1", by: "ann", at: 5, body).responsible
        }
        #expect(responsible(.alarm(.init(.forget, .device("factory/line1/press1")))) == .alarmProcessor)
        #expect(responsible(.impossible(kind: "x", members: [:], mistake: "y")) == .alarmProcessor)
        #expect(responsible(.command(.init(device: try Self.device(), command: "go"))) == .shardOwner(shard))
        #expect(responsible(.cancel(command: "c", device: try Self.device())) == .shardOwner(shard))
        #expect(responsible(.drain(.init(gateway: "gw1"))) == .gateway("gw1"))
    }

    @Test("what does not belong where it lies is no request")
    func misplaced() {
        let body = #""body":{"tag":"a","alarm":"b"}"#
        for (text, member) in [
            (#"{"id":"r2","kind":"acknowledge","by":"ann","at":1,\#(body)}"#, "id"),
            (#"{"id":"r1","kind":"acknowledge","by":"eve","at":1,\#(body)}"#, "by"),
            (#"{"id":"r1","kind":"acknowledge","by":"ann",\#(body)}"#, "at"),
            (#"{"id":"r1","by":"ann","at":1,\#(body)}"#, "kind"),
            (#"{"id":"r1","kind":7,"by":"ann","at":1}"#, "kind"),
            (#"{"id":"r1","kind":"acknowledge","by":"ann","at":1,"answer":7,\#(body)}"#, ""),
        ] {
            do {
                _ = try Self.read(text)
                Issue.record("read: \(text)")
            } catch {
                #expect("\(error)".contains(member), "\(text): \(error)")
            }
        }
        let place = RequestPlace(.mqtt, principal: "ann", id: "r1")
        #expect(throws: RecordMistake.self) {
            try Self.read(#"{"id":"r1","kind":"cancel","by":"g","onBehalfOf":"eve","at":1}"#, at: place)
        }
        #expect(throws: RecordMistake.self) {
            try Self.read(#"{"id":"r1","kind":"cancel","by":"g","at":1}"#, at: place)
        }
        #expect(throws: RecordMistake.self) {
            try Self.read(
                #"{"id":"r1","kind":"cancel","by":"ann","at":1,"x":""# + String(repeating: "x", count: 70_000))
        }
    }

    @Test("what nobody could do is a request that gets an answer")
    func impossible() throws {
        let long = String(repeating: "x", count: 1_100)
        for (kind, body, word) in [
            ("sing", "{}", "sing"), ("acknowledge", "{}", "tag"), ("acknowledge", #"{"tag":"a"}"#, "alarm"),
            ("acknowledge", #"{"tag":"a","alarm":"b","comment":"\#(long)"}"#, "1024"),
            ("forget", #"{"device":7}"#, "device"), ("command", #"{"device":"a//b","command":"go"}"#, "empty level"),
            ("command", #"{"device":"a/b"}"#, "command"), ("cancel", #"{"command":"c"}"#, "device"),
            ("drain", "{}", "gateway"), ("drain", #"{"gateway":""}"#, "gateway"),
            ("drain", #"{"gateway":"\#(long)"}"#, "1024"), ("drain", #"{"gateway":"g","undo":1}"#, "undo"),
        ] {
            let request = try Self.read(#"{"id":"r1","kind":"\#(kind)","by":"ann","at":1,"body":\#(body)}"#)
            // As it was asked: another gateway may know what to do.
            #expect(try request.json["body"] == JSONValue(parsing: Array(body.utf8)))
            guard case .impossible(_, _, let mistake) = request.body else {
                Issue.record("\(kind) \(body): \(request.body)")
                continue
            }
            #expect(mistake.contains(word), "\(mistake)")
        }
    }

    @Test("an answer is put into what was asked, and what a later version has put there stays")
    func answering() throws {
        let asked = #"{"id":"r1","kind":"forget","by":"ann","at":1,"body":{"tag":"a"},"later":[1]}"#
        let answer = RequestAnswer(.done, removed: .init(tags: 1, alarms: 2), at: 7, gateway: "g1")
        let data = Request.answering(Array(asked.utf8), with: answer)
        #expect(
            String(decoding: data, as: UTF8.self)
                == asked.dropLast()
                + #","answer":{"result":"done","tags":1,"alarms":2,"at":7,"gateway":"g1"}}"#)
        #expect(try Request(parsing: data, at: Self.mailbox).answer == answer)
    }

    @Test("a request of an earlier version is read, and answered in its form")
    func earlierForm() throws {
        let asked = #"{"action":"forget","tag":"a","orphaned":true,"by":"ann","comment":"c","at":1}"#
        let request = try #require(AlarmRequest(data: Array(asked.utf8)))
        #expect(request.operation == AlarmOperation(.forget, .tag("a"), onlyIfOrphaned: true, comment: "c"))
        #expect(request.by == "ann" && !request.isAnswered)
        let answer = RequestAnswer(.done, removed: .init(tags: 1, alarms: 2), at: 7, gateway: "g1")
        let data = AlarmRequest.answering(Array(asked.utf8), with: answer)
        #expect(String(decoding: data, as: UTF8.self) == asked.dropLast() + #","result":"done","tags":1,"alarms":2}"#)
        #expect(AlarmRequest(data: data)?.isAnswered == true)
        #expect(AlarmRequest(data: Array(asked.replacing("forget", with: "sing").utf8)) == nil)
    }

    @Test("a repetition asks for the same under the same id, whenever")
    func repetition() throws {
        let order = CommandOrder(device: try Self.device(), command: "go")
        let request = Request(id: "r1", by: "ann", at: 1, .command(order))
        #expect(Request(id: "r1", by: "g2", at: 9, deadline: 10, .command(order)).repeats(request))
        var other = order
        other.parameters = ["rpm": 1]
        #expect(!Request(id: "r1", by: "ann", at: 1, .command(other)).repeats(request))
        #expect(!Request(id: "r2", by: "ann", at: 1, .command(order)).repeats(request))
    }

    // MARK: Places

    @Test("every principal and id has one place, and every place one principal and id")
    func places() throws {
        for principal in ["ann", "@mqtt", "ann@plant", "a/b", "%", ".", "..", "é\u{301}", "a b", "@", "\u{1}"] {
            for door in [RequestPlace.Door.mailbox, .mqtt] {
                let place = RequestPlace(door, principal: principal, id: "r-1.x_Y")
                #expect(RequestPlace(path: place.path) == place, "\(place.path)")
                #expect(place.path.hasPrefix(place.mailbox + "/"))
                let levels = place.path.split(separator: "/", omittingEmptySubsequences: false)
                #expect(levels.count == 4 && levels[1] == "requests", "\(place.path)")
            }
        }
        for path in [
            "/requests", "/requests/ann", "/requests/ann/", "/requests/ann/a b", "/requests/ann/r/x", "/requests//r",
            "/requests/@mqtt/r", "/requests/@mqtt/@r", "/requests/@mqtt/ann@", "/requests/@x/r", "/requests/%41/r",
            "/commands/ann/r", "/requests/ann/.r",
        ] {
            #expect(RequestPlace(path: path) == nil, "\(path)")
        }
    }

    // MARK: Messages

    @Test("a message on a principal's own topic; one of the earlier form names itself")
    func messages() throws {
        let text = #"{"id":"r1","kind":"command","body":{"device":"factory/line1/press1","command":"go"}}"#
        let message = RequestMessage(payload: Array(text.utf8), topicOf: "ann", receivedAt: 77)
        #expect(message.requester == "ann")
        let request = try message.request()
        #expect(request.onBehalfOf == Principal("ann", established: .topic) && request.at == 77)
        #expect(!request.isOfEarlierForm)

        let earlier =
            #"{"id":"r1","device":"factory/line1/press1","command":"go","by":"bob","timeout":5,"requestedAt":3}"#
        let command = RequestMessage(payload: Array(earlier.utf8), receivedAt: 77)
        #expect(command.requester == "bob")
        let asked = try command.request()
        #expect(asked.onBehalfOf == Principal(claimed: "bob") && asked.at == 3 && asked.isOfEarlierForm)
        #expect(
            asked.body == .command(.init(device: try Self.device(), command: "go", timeout: 5)))
    }

    @Test("what cannot become a request says why, with the names that could be read")
    func refusedMessages() {
        func refusal(_ text: String, of topic: String?) -> RequestMessage.Refusal? {
            do throws(RequestMessage.Refusal) {
                _ = try RequestMessage(payload: Array(text.utf8), topicOf: topic, receivedAt: 1).request()
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal("{", of: "ann")?.id == nil)
        #expect(refusal(#"{"id":"r1"}"#, of: "ann")?.id == "r1")
        #expect(refusal(#"{"id":"r 1","kind":"forget"}"#, of: "ann")?.detail.contains("id") == true)
        #expect(refusal(#"{"id":"r1","kind":"forget"}"#, of: String(repeating: "x", count: 300)) != nil)
        let nobody = refusal(#"{"id":"r1","device":"a/b","command":"go"}"#, of: nil)
        #expect(nobody?.id == "r1" && nobody?.device?.text == "a/b" && nobody?.detail.contains("by") == true)
        #expect(refusal(#"{"id":"r1","device":"a/b","command":["x"],"by":"b"}"#, of: nil) != nil)
    }

    @Test("topics of requests and of their answers")
    func topics() {
        let topics = RequestTopics(plant: "p")
        #expect(topics.filter == "linekeeper/p/requests/+")
        #expect(topics.principal(ofTopic: "linekeeper/p/requests/ann".utf8) == "ann")
        for other in ["linekeeper/p/requests/", "linekeeper/p/requests/ann/r1", "linekeeper/q/requests/ann", ""] {
            #expect(topics.principal(ofTopic: other.utf8) == nil)
        }
        #expect(topics.isAnswer(topics.answer(to: "ann", id: "r1"), to: "ann"))
        for other in ["linekeeper/p/requests/ann", "linekeeper/p/requests/ann/", "linekeeper/p/requests/ann/+"] {
            #expect(!topics.isAnswer(other, to: "ann"))
        }
        // Nobody has a gateway answer somebody else.
        #expect(!topics.isAnswer(topics.answer(to: "bob", id: "r1"), to: "ann"))
    }
}
