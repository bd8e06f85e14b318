import Plant
import PlantConfiguration
import TestFixtures
import Testing

@testable import Gateway

@Suite("Topics on which requesters may have their answers")
struct ReplyTopicsTests {
    @Test("below the gateways' own commands: anything but where requests come in")
    func own() {
        let topics = CommandTopics(plant: "test")
        #expect(topics.isOurs("linekeeper/test/commands/c1"))
        #expect(topics.isOurs("linekeeper/test/commands/hmi/1"))
        for topic in [
            "linekeeper/test/commands/request", "linekeeper/test/commands/", "linekeeper/test/commands",
            "linekeeper/test/alarms/a/b", "linekeeper/test/gateways/g1", "linekeeper/other/commands/c1", "hmi/1", "",
            "$SYS/x", "linekeeper/test/commands/+", "linekeeper/test/commands/#",
            "linekeeper/test/commands/" + String(repeating: "x", count: 2_000),
        ] {
            #expect(!topics.isOurs(topic), "\(topic)")
        }
    }

    @Test("below the configured prefix: nothing that a route, a command or an answer matches")
    func prefix() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead + """
                routes:
                  - { name: a, topic: "hmi/samples/{x}", device: "hmi/{x}", payload: number }
                commands:
                  - { name: go, devices: "hmi/+", topic: "{device}/cmd/go", execution: atMostOnce,
                      answer: { topic: "{device}/ack", id: /id, succeeded: { /ok: true } } }
                """
        ])
        let plant = try fixture.load().plant
        let replies = ReplyTopics(prefix: "hmi/", routes: plant.routes, commands: plant.commands)
        #expect(replies.allows("hmi/answers/1"))
        for topic in [
            "hmi/samples/1", "hmi/press/cmd/go", "hmi/press/ack", "hmi/", "other/1", "hmi/+",
            "factory/line1/press1/cmd/x",
        ] {
            #expect(!replies.allows(topic), "\(topic)")
        }
        #expect(!ReplyTopics().allows("hmi/answers/1"))
    }
}
