import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite struct ReplyPrefixTests {
    @Test("a prefix that is none, or below which messages mean something else, is a mistake")
    func prefixes() throws {
        for (prefix, part) in [
            ("hmi", "ends with /"), ("linekeeper/test/", "outside linekeeper/"), ("$SYS/", "ends with /"),
            ("a/+/", "ends with /"), ("factory/line1/", "route \"machines\""), ("cell/p1/", "command \"go\""),
            ("done/", "command \"go\""),
        ] {
            let fixture = try ConfigurationFixture([
                "linekeeper.yaml": """
                plant: p
                gateway: g
                mqtt: { broker: "mqtt://127.0.0.1:1883", replyPrefix: "\(prefix)" }
                tree: { embedded: { data: ./var/tree } }
                routes:
                  - { name: machines, topic: "factory/{line}/{x}", device: "factory/{line}/{x}", payload: number }
                commands:
                  - { name: go, devices: "cell/+", topic: "{device}/cmd/go", execution: atMostOnce,
                      answer: { topic: "done/{device}", id: /id, succeeded: { /ok: true } } }
                """
            ])
            expectProblem(fixture.problems(), "replyPrefix", "mistake", part)
        }
    }
}
