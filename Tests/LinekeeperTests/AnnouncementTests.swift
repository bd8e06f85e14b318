import Foundation
import Glibc
import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantees: "broker restart or outage" for what is announced.
    @Suite("Announcements")
    struct AnnouncementTests {
        private static let tag = "factory/line1/press1/temperature"

        private static func sample(_ value: Double) -> String {
            "{\"v\":\(value),\"ts\":\(Int64(Date().timeIntervalSince1970 * 1000))}"
        }

        @Test("an access list denies alarms for a while: they come when it is mended, and the journal says the truth")
        func refused() async throws {
            try await Stage.play("refused-announcements") { stage in
                // Given a broker that lets nobody publish alarms, and one gateway,
                let denying = """
                    topic readwrite factory/#
                    topic readwrite linekeeper/+/gateways/#
                    topic readwrite linekeeper/+/commands/#
                    topic read linekeeper/#

                    """
                let acl = try stage.scratch.write(denying, to: "acl")
                var options = Mosquitto.Options()
                options.extra = ["acl_file \(acl)"]
                let broker = try await stage.broker(options)
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                let gateway = try stage.gateway("gw-a", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a"], reader)
                let events = try await stage.alarmEvents(broker)
                let link = try await stage.link(broker, "sensor")

                // when a value goes beyond its limit,
                try await eventually("the alarm", within: .seconds(20)) {
                    try await link.publish(Self.tag, Self.sample(99))
                    return try await reader.alarm(Self.tag, "overtemperature")?.state == "UNACK"
                }
                // then it is recorded and not called announced, and the gateway says within seconds what is wrong,
                try await eventually("the warning", seen: { gateway.process?.output ?? "" }) {
                    (gateway.process?.output ?? "").contains("alarm announcements do not reach the broker")
                }
                #expect(try await Self.announced(reader) == [false])
                #expect(events.events.isEmpty)
                // and once the access list is mended, it is announced.
                _ = try stage.scratch.write("topic readwrite #\n", to: "acl")
                if let pid = broker.pid { kill(pid, SIGHUP) }
                try await eventually("the event", within: .seconds(40)) { events.events.count == 1 }
                try await eventually("the truth") { try await Self.announced(reader) == [true] }
                #expect(
                    try await reader.alarm(Self.tag, "overtemperature")?.eventId == events.events.first?.record.eventId)
            }
        }

        private static func announced(_ reader: TreeReader) async throws -> [Bool?] {
            struct Entry: Decodable {
                let kind: String
                let announced: Bool?
            }
            var marks: [Bool?] = []
            for name in try await reader.children("/journal").sorted() {
                let entry = try JSONDecoder().decode(
                    Entry.self, from: Data(try await reader.text("/journal/" + name).utf8))
                if entry.kind == "alarm" { marks.append(entry.announced) }
            }
            return marks
        }

        @Test("a broker that has lost its memory retains every alarm again, without events")
        func lostMemory() async throws {
            try await Stage.play("lost-memory") { stage in
                // Given alarms that a broker without persistence retains,
                var options = Mosquitto.Options()
                options.persistence = false
                let broker = try await stage.broker(options)
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                _ = try stage.gateway("gw-a", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a"], reader)
                let link = try await stage.link(broker, "sensor")
                let tags = (1...20).map { "factory/line1/press\($0)/temperature" }
                try await eventually("the alarms", within: .seconds(30)) {
                    for tag in tags { try await link.publish(tag, Self.sample(99)) }
                    var count = 0
                    for tag in tags where try await reader.alarm(tag, "overtemperature") != nil { count += 1 }
                    return count == tags.count
                }
                let expected = Set(tags.map { "linekeeper/test/alarms/\($0)/overtemperature" })
                try await eventually("the retained records") { try await Self.retained(broker) == expected }

                // when it is restarted and nothing changes,
                broker.stop()
                try await broker.start()
                let events = try await stage.alarmEvents(broker)
                // then it retains all of them again, and no event tells of it.
                try await eventually("the retained records again", within: .seconds(30)) {
                    try await Self.retained(broker) == expected
                }
                #expect(events.events.isEmpty)
            }
        }

        /// Topics of the alarms that the broker retains.
        private static func retained(_ broker: Mosquitto) async throws -> Set<String> {
            let heard = Collected<String>()
            let link = try await BrokerLink(
                port: broker.port, clientID: "look-\(UUID().uuidString.prefix(6))",
                subscriptions: ["linekeeper/test/alarms/#"]
            ) { message in
                if message.retained { heard.append(message.topic) }
            }
            // Retained messages come at once; a look that was too short is repeated by the caller.
            try await Task.sleep(for: .milliseconds(300))
            await link.close()
            return Set(heard.all)
        }
    }
}
