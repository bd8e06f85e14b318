import JSON
import MQTT
import Plant
import PlantClient
import ServiceLifecycle
import SparkplugB
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

@Suite("CommandService: commands between a real tree and a scripted broker")
struct CommandServiceTests {
    typealias Bed = CommandTestBed

    @Test("from the request to the answer", arguments: ["setSpeed", "start"])
    func succeeds(command: String) async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group)
                let lease = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", command))
                let message = try await eventuallyValue("the command at the device") {
                    gateway.published(command).first
                }
                let json = try JSONValue(parsing: message.payload)
                #expect(json["id"] == "a")
                #expect(json["parameters"]?["rpm"] == 700)
                #expect(json["epoch"]?.intValue == lease.token)
                #expect(message.properties.correlationData == Array("a".utf8))
                #expect(message.properties.responseTopic == "factory/line1/press1/ack")
                // What is left of the deadline, in whole seconds.
                let expiry = try #require(message.properties.messageExpiry)
                #expect(expiry > .seconds(5) && expiry <= .milliseconds(Bed.timeout))
                // It must not wait for the broker until another gateway may own the device.
                #expect(try #require(message.notAfter) <= #require(lease.deadline))
                gateway.answer("a")
                let end = try await bed.finish("a")
                #expect(end.state == .succeeded, "\(end.json)")
                #expect(end.gateway == "g1")
                #expect(end.epoch == lease.token)
                #expect(end.attempt == 1)
                #expect(try await bed.journal("a").suffix(1) == ["SUCCEEDED"])
                #expect(try await bed.journal("a").prefix(1) == ["REQUESTED"])
                try await eventually("the announcement", seen: { "\(gateway.announced("a"))" }) {
                    gateway.announced("a").last == "SUCCEEDED"
                }
                // Asked again: nothing happens twice.
                #expect(try await bed.plant.send(Bed.request("a", command), patience: .seconds(30)).state == .succeeded)
                let taken = CommandRefusal.idTaken("a", by: "ada")
                await #expect(throws: PlantFailure.refused("\(taken)")) {
                    try await bed.plant.send(Bed.request("a", "guarded"), patience: .seconds(30))
                }
                #expect(gateway.published(command).count == 1)
                group.cancelAll()
            }
        }
    }

    @Test("a command whose node its owner may not write is not sent, and keeps others waiting until its deadline only")
    func refused() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group)
                var brief = Bed.request("a", "start")
                brief.timeout = 1_000
                try await bed.submit(brief)
                let path = CommandService.path(of: "a")
                try await bed.operatorClient.setACL(path, acl: TagMirrorTests.readOnly)
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("b", "start"))
                try await eventually("the next one", seen: { "\(gateway.published("start"))" }) {
                    gateway.published("start").first?.properties.correlationData == Array("b".utf8)
                }
                gateway.answer("b")
                #expect(try await bed.finish("b").state == .succeeded)
                try await bed.operatorClient.setACL(path, acl: ACL.worldAll)
                let end = try await bed.finish("a")
                #expect(end.state == .expired, "\(end.json)")
                #expect(gateway.published("start").count == 1)
                group.cancelAll()
            }
        }
    }

    @Test(
        "a record that the tree refuses is a problem while it is refused, also when those of other commands are taken")
    func refusedAmongOthers() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let healthClock = FakeClock()
                let gateway = try await bed.gateway("g1", in: &group, healthClock: healthClock)
                try await bed.submit(Bed.request("a", "start", timeout: 60_000))
                let path = CommandService.path(of: "a")
                try await bed.operatorClient.setACL(path, acl: TagMirrorTests.readOnly)
                _ = try await gateway.own(Bed.press, in: &group)
                _ = try await gateway.own(Bed.pump, in: &group)
                let kinds = { gateway.health.problems.map(\.kind) }
                func finishAnother(_ id: String) async throws {
                    let before = gateway.published("start", device: Bed.pump).count
                    try await bed.submit(Bed.request(id, "start", device: Bed.pump, timeout: 60_000))
                    try await eventually("\(id) at the device") {
                        gateway.published("start", device: Bed.pump).count > before
                    }
                    gateway.answer(id, device: Bed.pump)
                    #expect(try await bed.finish(id).state == .succeeded)
                }
                try await eventually("the first refusal") { !gateway.service.refusedRecords.isEmpty }
                try await finishAnother("b")
                #expect(kinds().isEmpty)
                healthClock.advance(by: .seconds(6))
                try await eventually("the problem", seen: { "\(kinds())" }) { kinds() == ["commandRecords"] }
                try await finishAnother("c")
                #expect(kinds() == ["commandRecords"])
                try await bed.operatorClient.setACL(path, acl: ACL.worldAll)
                try await eventually("the end of the problem", seen: { "\(kinds())" }) { kinds().isEmpty }
                group.cancelAll()
            }
        }
    }

    @Test("that records cannot be written is no problem of a gateway any more that has lost its last shard")
    func lastShardLost() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let healthClock = FakeClock()
                let gateway = try await bed.gateway("g1", in: &group, isRunning: false, healthClock: healthClock)
                let log = gateway.service.recordFailures
                log.failed("no")
                healthClock.advance(by: .seconds(6))
                log.failed("no")
                #expect(gateway.health.problems.count == 1)
                gateway.service.shardLost(3)
                #expect(gateway.health.problems.isEmpty)
                group.cancelAll()
            }
        }
    }

    @Test("an at-most-once command stands as SENT before it leaves")
    func sentBeforePublished() async throws {
        try await Bed.with { bed in
            let seen = Mutex<CommandState?>(nil)
            let broker = ScriptedBroker { message in
                if message.topic.hasSuffix("/start") {
                    let state = try? await bed.record("a")?.state
                    seen.withLock { $0 = state }
                }
                return .acknowledged
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group, broker: broker)
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "start"))
                _ = try await eventuallyValue("the command at the device") { gateway.published("start").first }
                #expect(seen.withLock { $0 } == .sent)
                group.cancelAll()
            }
        }
    }

    @Test("a takeover with a command in flight: at most once never again, idempotent again under a greater epoch")
    func takeover() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let old = try await bed.gateway("g1", in: &group, broker: ScriptedBroker { _ in .stuck })
                let pressLease = try await old.own(Bed.press, in: &group)
                let pumpLease =
                    ShardMap.shard(of: Bed.pump) == ShardMap.shard(of: Bed.press)
                    ? pressLease : try await old.own(Bed.pump, in: &group)
                try await bed.submit(Bed.request("once", "start"))
                try await bed.submit(Bed.request("again", "setSpeed", device: Bed.pump))
                try await eventually("both in flight") {
                    old.published("start").count == 1 && old.published("setSpeed", device: Bed.pump).count == 1
                }
                let new = try await bed.gateway("g2", in: &group)
                let press = try await new.stand(Bed.press, in: &group)
                let pump = pumpLease.path == pressLease.path ? press : try await new.stand(Bed.pump, in: &group)
                // The new gateway is told by its lock that it owns; the old service is not told anything.
                for lease in Set([pressLease.path, pumpLease.path]) {
                    try await bed.operatorClient.delete(lease, version: -1)
                }
                let lease = try await new.own(Bed.press, by: press)
                if pumpLease.path != pressLease.path { _ = try await new.own(Bed.pump, by: pump) }
                #expect(lease.token > pressLease.token)

                let message = try await eventuallyValue("the repetition") {
                    new.published("setSpeed", device: Bed.pump).first
                }
                #expect((try JSONValue(parsing: message.payload)["epoch"]?.intValue ?? 0) > pumpLease.token)
                // The old one hears the answer too, and cannot write it.
                old.answer("again", device: Bed.pump)
                new.answer("again", device: Bed.pump)
                let again = try await bed.finish("again")
                #expect(again.state == .succeeded)
                #expect(again.gateway == "g2")
                // It keeps listening for the other one's answer until its deadline.
                let once = try await bed.finish("once")
                #expect(once.state == .unknown)
                #expect(once.gateway == "g2")
                #expect(new.published("start").isEmpty)
                #expect(old.published("start").count == 1)
                #expect(try await bed.journal("once") == ["REQUESTED", "SENT", "UNKNOWN"])
                group.cancelAll()
            }
        }
    }

    @Test("what is no command costs only itself")
    func malformed() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (name, data) in [
                    ("rubbish", Array("{".utf8)), ("@own", []), ("empty", nil), ("list", Array("[]".utf8)),
                    ("deep", Array(repeating: UInt8(ascii: "["), count: 100_000)),
                ] as [(String, [UInt8]?)] {
                    _ = try await bed.operatorClient.create(CommandService.path(of: name), data: data)
                }
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "setSpeed"))
                _ = try await bed.operatorClient.create(CommandService.path(of: "late"), data: Array("null".utf8))
                _ = try await eventuallyValue("the command at the device") { gateway.published("setSpeed").first }
                gateway.answer("a")
                #expect(try await bed.finish("a").state == .succeeded)
                try await eventually("all counted", seen: { "\(gateway.service.counters)" }) {
                    gateway.service.counters.malformed == 6
                }
                #expect(try await bed.commands.list().malformed.count == 6)
                group.cancelAll()
            }
        }
    }

    @Test("commands to one device arrive in the order of creation, one after the other")
    func order() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let ids = (0..<30).map { "c\($0)" }
                for id in ids.prefix(15) {
                    try await bed.submit(Bed.request(id, "setSpeed", timeout: 60_000))
                }
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                for id in ids.suffix(15) {
                    try await bed.submit(Bed.request(id, "setSpeed", timeout: 60_000))
                }
                for (index, id) in ids.enumerated() {
                    try await eventually("\(id) at the device") { gateway.published("setSpeed").count > index }
                    #expect(gateway.published("setSpeed").count == index + 1)
                    gateway.answer(id)
                    #expect(try await bed.finish(id).state == .succeeded)
                }
                let order = try gateway.published("setSpeed").map {
                    try JSONValue(parsing: $0.payload)["id"]?.stringValue
                }
                #expect(order == ids)
                group.cancelAll()
            }
        }
    }

    @Test("without a broker a command waits; cancelled, it never leaves; else it expires")
    func cancelled() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.startOwnerWithoutBroker(of: Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "start"))
                try await bed.submit(Bed.request("b", "setSpeed", timeout: 700))
                let end = try await bed.plant.cancelCommand("a", by: "bob", at: 1, patience: .seconds(30))
                #expect(end.state == .cancelled)
                #expect(end.cancelRequestedBy?.name == "bob")
                #expect(try await bed.finish("b").state == .expired)
                let late = CommandRefusal.notCancellable("a", .cancelled)
                await #expect(throws: PlantFailure.refused("\(late)")) {
                    try await bed.plant.cancelCommand("a", by: "bob", at: 2, patience: .seconds(30))
                }
                await #expect(throws: PlantFailure.command(.notFound("zz"))) {
                    try await bed.plant.cancelCommand("zz", by: "bob", at: 2, patience: .seconds(30))
                }
                #expect(try await bed.journal("a") == ["REQUESTED", "CANCEL_REQUESTED", "CANCELLED"])
                gateway.broker.setConnected(true)
                #expect(gateway.published("start").isEmpty)
                group.cancelAll()
            }
        }
    }

    @Test("what is not answered ends at its deadline, by the service's clock", arguments: ["setSpeed", "start"])
    func timeout(command: String) async throws {
        try await Bed.with { bed in
            let fake = FakeClock(wall: WallClock.now())
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group, clock: GatewayClock(fake))
                _ = try await gateway.own(Bed.press, in: &group)
                // Leases and deadlines of publications are judged by the real clock, too.
                fake.advance(by: max(.zero, ContinuousClock.now - fake.now))
                var request = Bed.request("a", command, timeout: 2_500)
                request.requestedAt = fake.wall
                try await bed.submit(request)
                try await eventually("sent", seen: { "\(String(describing: try? await bed.record("a")))" }) {
                    try await bed.record("a")?.state == .sent
                }
                // An at-most-once command is recorded as sent before it leaves.
                try await eventually("published") { !gateway.published(command).isEmpty }
                let deadline = request.requestedAt + 2_500
                fake.advance(by: .milliseconds(deadline - 1 - fake.wall))
                #expect(try await bed.record("a")?.state == .sent)
                let end = try await eventuallyValue("its end") {
                    // The timer may just be about to sleep again.
                    fake.advance(by: .milliseconds(1))
                    return try await bed.record("a").flatMap { $0.state.isFinal ? $0 : nil }
                }
                #expect(end.state == .timedOut && end.finishedAt ?? 0 >= deadline, "\(end.json)")
                group.cancelAll()
            }
        }
    }

    @Test("interlocks are judged by the latest values")
    func interlock() async throws {
        try await Bed.with { bed in
            let guardClosed = Mutex(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway(
                    "g1", in: &group,
                    reading: { tag in
                        tag.text == "factory/line1/press1/guard"
                            ? .init(
                                value: .bool(guardClosed.withLock { $0 }), quality: .good, receivedAt: 0,
                                isVouchedFor: true) : nil
                    })
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "guarded"))
                let end = try await bed.finish("a")
                #expect(end.state == .rejected)
                #expect(end.reason == .interlock)
                guardClosed.withLock { $0 = true }
                try await bed.submit(Bed.request("b", "guarded"))
                _ = try await eventuallyValue("the command at the device") { gateway.published("guarded").first }
                group.cancelAll()
            }
        }
    }

    @Test("requests over MQTT: created once, refused with the reason, answered where asked")
    func requests() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let one = try await bed.gateway("g1", in: &group)
                let other = try await bed.gateway("g2", in: &group)
                _ = try await one.own(Bed.press, in: &group)
                // What names no device is answered by the owner of shard 0, whoever that is.
                let request =
                    #"{"id":"a","device":"factory/line1/press1","command":"setSpeed","parameters":{"rpm":5},"by":"hmi","timeout":4000}"#
                for gateway in [one, other, one] {
                    gateway.offerRequest(payload: Array(request.utf8), properties: nil)
                }
                _ = try await eventuallyValue("the command at the device") { one.published("setSpeed").first }
                one.answer("a")
                #expect(try await bed.finish("a").state == .succeeded)
                #expect(one.published("setSpeed").count == 1)
                #expect(other.published("setSpeed").isEmpty)

                // Another command under the same id, and one that names nobody.
                var properties = MQTTProperties()
                properties.responseTopic = "hmi/1/answers"
                properties.correlationData = [1, 2]
                for gateway in [one, other] {
                    gateway.offerRequest(
                        payload: Array(request.replacing("setSpeed", with: "start").utf8), properties: properties)
                    gateway.offerRequest(
                        payload: Array(#"{"id":"b","device":"factory/line1/press1","command":"start"}"#.utf8),
                        properties: nil)
                    gateway.offerRequest(payload: Array("{".utf8), properties: nil)
                }
                let answer = try await eventuallyValue("the answer") { one.broker.messages(on: "hmi/1/answers").first }
                #expect(answer.text.contains(#""state":"REJECTED""#))
                #expect(answer.text.contains("stands for another request already"))
                #expect(answer.properties.correlationData == [1, 2])
                try await eventually("the other answer", seen: { one.announced("b").joined() }) {
                    one.announced("b") == ["REJECTED"]
                }
                #expect(other.broker.messages(on: "hmi/1/answers").isEmpty)
                #expect(try await bed.record("b") == nil)
                group.cancelAll()
            }
        }
    }

    @Test("an answer never goes where a device would take it for a command, or anybody for something else")
    func confusedDeputy() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                try await eventually("its commands are taken up") {
                    gateway.service.state.withLock { !$0.leases.isEmpty }
                }
                for topic in [
                    "factory/line1/press1/cmd/setSpeed", "factory/line1/press1/ack", "linekeeper/test/alarms/x",
                    "linekeeper/test/commands/request", "factory/line1/press1/temperature",
                ] {
                    var properties = MQTTProperties()
                    properties.responseTopic = topic
                    gateway.offerRequest(
                        payload: Array(#"{"id":"a","device":"factory/line1/press1","command":["rpm=1800"]}"#.utf8),
                        properties: properties)
                }
                try await eventually(
                    "the answers",
                    seen: { "\(gateway.service.counters) \(gateway.broker.allMessages.map { ($0.topic, $0.text) })" }
                ) { gateway.announced("a").count == 5 }
                #expect(gateway.broker.allMessages.allSatisfy { $0.topic == "linekeeper/test/commands/a" })
                #expect(gateway.door.numbers.first { $0.name == "commandRepliesRefused" }?.value == 5)
                group.cancelAll()
            }
        }
    }

    @Test(
        "refused requests, by whatever door, leave one journal entry per requester, and a bounded number of log lines")
    func refusedRequests() async throws {
        try await Bed.with { bed in
            let log = LogLines()
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group, isRunning: false, logger: log.logger)
                let services = ServiceGroup(services: gateway.services, logger: bed.logger)
                group.addTask { try await services.run() }
                _ = try await gateway.own(Bed.press, in: &group)
                for number in 0..<100 {
                    // Its id is none; its parameter is out of bounds; it knows no such command.
                    for text in [
                        #"{"id":"a/\#(number)","device":"factory/line1/press1","command":"start","by":"eve"}"#,
                        #"{"id":"b\#(number)","device":"factory/line1/press1","command":"start","by":"eve","parameters":{"rpm":1e308}}"#,
                    ] {
                        gateway.offerRequest(payload: Array(text.utf8), properties: nil)
                    }
                    try await bed.submit(Bed.request("c\(number)", "nonsense"))
                }
                try await bed.submit(Bed.request("good", "start"))
                _ = try await eventuallyValue("the command at the device") { gateway.published("start").first }
                gateway.answer("good")
                #expect(try await bed.finish("good").state == .succeeded)
                for number in 0..<100 {
                    for id in ["b\(number)", "c\(number)"] { #expect(try await bed.finish(id).state == .rejected) }
                }
                await services.triggerGracefulShutdown()
                var entries: [JSONValue] = []
                try await eventually("the counts", seen: { "\(entries)" }) {
                    entries = []
                    for name in try await bed.operatorClient.getChildren(TreeLayout.journal).sorted() {
                        entries.append(
                            try JSONValue(
                                parsing: try await bed.operatorClient.getData(TreeLayout.journal + "/" + name).data
                                    ?? []
                            ))
                    }
                    return entries.filter { $0["transition"] == "REFUSED" }.count >= 2
                }
                #expect(entries.filter { $0["transition"] != "REFUSED" }.map { $0["id"] } == ["good", "good", "good"])
                let refused = entries.filter { $0["transition"] == "REFUSED" }
                let counts = refused.reduce(into: [String: Int64]()) {
                    $0[$1["by"]?.stringValue ?? "", default: 0] += $1["count"]?.intValue ?? 0
                }
                // What names no device is counted by the owner of shard 0.
                #expect(counts["ada"] == 100)
                #expect(counts["eve"] == 100 || counts["eve"] == 200)
                #expect(refused.count <= 4)
                #expect(log.all.count <= 3 * LineAllowance.burst, "\(log.all.count)")
                group.cancelAll()
            }
        }
    }

    @Test("while the tree is away only so many requests are on their way, and the flood of one costs nobody else")
    func requestsInFlight() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group, isRunning: false)
                func ask(_ id: String, _ by: String) {
                    let text =
                        #"{"id":"\#(id)","device":"factory/line1/press1","command":"start","by":"\#(by)"}"#
                    gateway.offerRequest(payload: Array(text.utf8), properties: nil)
                }
                for number in 0..<2_000 { ask("f\(number)", "flood") }
                ask("good", "ann")
                let limits = RequestQueue.Limits()
                let (waiting, counters) = gateway.door.state.withLock { ($0.queue.count, $0.counters) }
                #expect(waiting == limits.waitingPerRequester + 1)
                #expect(counters.dropped == UInt64(2_000 - limits.waitingPerRequester))
                for service in gateway.services { group.addTask { try await service.run() } }
                // Nobody owns the device: what is asked stands in the tree, and no more of one requester than may.
                let good = RequestPlace(.mqtt, principal: "ann", id: "good")
                try await eventually("the request of another") {
                    try await bed.operatorClient.exists(good.path) != nil
                }
                #expect(gateway.door.state.withLock { $0.queue.underway } <= limits.underway)
                try await eventually("the flood has its share") {
                    gateway.mailboxes.count(of: "flood") > RequestDesk.openLimit / 2
                }
                try await eventually("and no more") { gateway.door.state.withLock { $0.queue.underway } == 0 }
                #expect(gateway.mailboxes.count(of: "flood") <= RequestDesk.openLimit)
                group.cancelAll()
            }
        }
    }

    @Test("a graceful end sends nothing more and waits for the answer to what has been sent")
    func drains() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group, isRunning: false)
                let services = ServiceGroup(services: gateway.services, logger: bed.logger)
                let hasEnded = Mutex(false)
                group.addTask {
                    try await services.run()
                    hasEnded.withLock { $0 = true }
                }
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "start"))
                try await bed.submit(Bed.request("b", "start"))
                _ = try await eventuallyValue("the command at the device") { gateway.published("start").first }
                await services.triggerGracefulShutdown()
                try await eventually("the end has begun") { gateway.service.state.withLock { $0.isDraining } }
                #expect(!hasEnded.withLock { $0 })
                gateway.answer("a")
                #expect(try await bed.finish("a").state == .succeeded)
                try await eventually("the end") { hasEnded.withLock { $0 } }
                #expect(gateway.published("start").count == 1)
                #expect(try await bed.record("b")?.state == .requested)
                group.cancelAll()
            }
        }
    }

    @Test("a real broker says when nobody listens, and brings a command to a device that does")
    func realBroker() async throws {
        let mosquitto = try await Mosquitto()
        try await Bed.with { bed in
            func client(_ name: String, _ subscriptions: [MQTTSubscription] = []) throws -> MQTTClient {
                MQTTClient(
                    configuration: .init(broker: try MQTTBroker(url: mosquitto.url), clientID: name),
                    subscriptions: subscriptions,
                    logger: bed.logger)
            }
            let publisher = try client("gateway")
            let device = try client("device", [MQTTSubscription(filter: "factory/line1/pump/cmd/+")])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in [publisher, device] { group.addTask { try await client.run() } }
                try await publisher.waitUntilConnected(timeout: .seconds(10))
                try await device.waitUntilSubscribed(timeout: .seconds(10))
                let owner = try await bed.gateway("g1", in: &group, isRunning: false)
                let health = FailureBoard(clock: .system, logger: bed.logger)
                let service = CommandService(
                    client: owner.client, publisher: publisher,
                    configuration: .init(plant: "test", gateway: "g1", definitions: Bed.definitions),
                    announcer: CommandAnnouncer(
                        publisher: publisher, topics: CommandTopics(plant: "test"), health: health, clock: .system),
                    mailboxes: owner.mailboxes, requestTurns: Wake(), reading: { _ in nil }, metric: { _ in .unborn },
                    health: health,
                    logger: bed.logger)
                group.addTask { try await service.run() }
                let shards = Dictionary(
                    [Bed.press, Bed.pump].map { (ShardMap.shard(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
                for (shard, target) in shards {
                    let election = try await owner.stand(target, in: &group)
                    service.shardGained(
                        shard, lease: try await eventuallyValue("the shard of \(target)") { election.lease })
                }
                try await bed.submit(Bed.request("a", "start"))
                let nobody = try await bed.finish("a")
                #expect(nobody.state == .failed)
                #expect(nobody.reason == .nobodyListens, "\(nobody.json)")

                try await bed.submit(Bed.request("b", "start", device: Bed.pump))
                for await batch in device.batches {
                    device.acknowledge(through: batch.number)
                    let entry = try #require(batch.entries.first)
                    #expect(batch.properties(entry)?.correlationData == Array("b".utf8))
                    #expect(batch.properties(entry)?.responseTopic == "factory/line1/pump/ack")
                    break
                }
                service.offer(
                    topic: Array("factory/line1/pump/ack".utf8), payload: Array(#"{"id":"b","status":"ok"}"#.utf8))
                #expect(try await bed.finish("b").state == .succeeded)
                group.cancelAll()
            }
        }
    }

    @Test("what was refused and old journal entries are trimmed, what was carried out after 48 hours; nothing else")
    func retention() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group)
                let lease = try await gateway.own(Bed.pump, in: &group)
                let now = WallClock.now()
                for index in 0..<25 {
                    var record = Bed.request("c\(index)", "setSpeed")
                    record.state = index % 5 == 0 ? .sent : index < 13 ? .rejected : .succeeded
                    record.finishedAt = index % 5 == 0 ? nil : now + Int64(index)
                    _ = try await bed.operatorClient.create(
                        CommandService.path(of: record.id), data: record.serialized())
                }
                for index in 0..<30 {
                    let entry = index == 3 ? #"{"kind":"alarm","announced":false}"# : #"{"kind":"operator"}"#
                    _ = try await bed.operatorClient.create(
                        TreeLayout.journalEntryPrefix, data: Array(entry.utf8), mode: .persistentSequential)
                }
                var retention = HistoryRetention()
                retention.count = 10
                let trimmer = HistoryTrimmer(
                    client: bed.operatorClient, retention: retention, channels: [.mqtt], logger: bed.logger)
                let trimmed = try await trimmer.step(lease: lease)
                #expect(trimmed == HistoryTrimmer.Trimmed(commands: 10, journalEntries: 19))
                #expect(try await bed.operatorClient.getChildren(TreeLayout.journal).count == 11)
                let left = try await bed.commands.list().records
                #expect(left.filter { $0.state == .sent }.count == 5)
                #expect(
                    left.filter { $0.state == .succeeded }.map(\.id) == [
                        "c13", "c14", "c16", "c17", "c18", "c19", "c21", "c22", "c23", "c24",
                    ])
                // Two days later only what is open is left, and the newest thousand entries of the journal.
                retention.count = 10_000
                let clock = FakeClock(wall: WallClock.now())
                let later = HistoryTrimmer(
                    client: bed.operatorClient, retention: retention, channels: [.mqtt], clock: GatewayClock(clock),
                    logger: bed.logger)
                _ = try await later.step(lease: lease)
                clock.advance(by: .seconds(47 * 3_600))
                _ = try await later.step(lease: lease)
                #expect(try await bed.commands.list().records.count == 15)
                clock.advance(by: .seconds(3 * 3_600))
                _ = try await later.step(lease: lease)
                #expect(try await bed.commands.list().records.count == 5)
                #expect(try await bed.operatorClient.getChildren(TreeLayout.journal).count == 11)
                group.cancelAll()
            }
        }
    }
}
