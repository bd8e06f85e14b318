import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantee: "malformed, oversized or hostile payloads and topics: counted and dropped one by one; never a crash, never a
    /// write outside /tags".
    @Suite("Hostile input")
    struct HostileInputTests {
        @Test("malformed, huge and malicious messages beside good ones", .timeLimit(.minutes(5)))
        func hostile() async throws {
            try await Stage.play("hostile") { stage in
                // Given a gateway that takes everything below factory/ and good machines that publish,
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                var configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                configuration.routes += """
                      - name: anything
                        topic: wild/{rest...}
                        device: wild
                        payload: json
                        value: /v

                    """
                let gateway = try stage.gateway("gw-a", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a"], reader)
                let plant = try await stage.plant(broker)
                plant.start(every: .milliseconds(50))
                try await Conditions.lastValuesArrive(plant, reader)
                let pid = gateway.process?.pid
                let nodesBefore = try await outsideTags(reader)

                // when everything that a broker lets through, and what it does not, arrives,
                let raw = RawMQTTPublisher(port: broker.port)
                var accepted = 0
                for topic in Self.topics {
                    for payload in Self.payloads where try raw.publish(topic: topic, payload: payload) { accepted += 1 }
                }
                let link = try await stage.link(broker, "hostile")
                let large = [UInt8](repeating: UInt8(ascii: "7"), count: 5 << 20)
                for topic in ["factory/line1/machine1/temperature", "factory/line1/huge/temperature"] {
                    try await link.publish(topic, large)
                    try await link.publish(topic, Array("{\"v\":".utf8) + large + Array("}".utf8))
                    try await link.publish(topic, Array(repeating: UInt8(ascii: "["), count: 900_000))
                }
                // A wrong value of a good tag, and then a good one.
                try await link.publish("factory/line1/sick/temperature", "{\"v\":20,\"ts\":\(now())}")
                try await eventually("a good value") {
                    try await reader.tag("factory/line1/sick/temperature")?.q == "good"
                }
                try await link.publish("factory/line1/sick/temperature", "{\"v\":")
                try await eventually("an undecodable message makes its tag bad") {
                    try await reader.tag("factory/line1/sick/temperature")?.q == "bad"
                }
                try await link.publish("factory/line1/sick/temperature", "{\"v\":21,\"ts\":\(now())}")
                try await eventually("a good message makes its tag good again") {
                    let tag = try await reader.tag("factory/line1/sick/temperature")
                    return tag?.q == "good" && tag?.v?.number == 21
                }
                await plant.stop()

                // then the gateway lives, its neighbours' values and alarms are right,
                #expect(accepted > 0)
                #expect(gateway.isRunning)
                #expect(gateway.process?.pid == pid)
                let untouched = Set(plant.tags).subtracting(["factory/line1/machine1/temperature"])
                try await eventually("the neighbours' last values", seen: { "\(plant.lastValues)" }) {
                    let nodes = try await reader.tags(Array(untouched))
                    return untouched.allSatisfy {
                        nodes[$0]?.v?.number == plant.lastValues[$0] && nodes[$0]?.q == "good"
                    }
                }
                try await Conditions.journalHolds(plant.expectedChanges, reader)

                // the counters tell (a gateway brings them up to date every few seconds),
                var counters: [String: Int] = [:]
                try await eventually(
                    "counters of everything that was dropped in status --json", within: .seconds(15),
                    every: .milliseconds(200), seen: { "\(counters.sorted { $0.key < $1.key })" }
                ) {
                    let status = try await stage.call(["status", "--json"], of: gateway)
                    let found = status.lines.compactMap { JSONLine($0)?.dictionary(named: "counters") }
                    counters = found.first?.compactMapValues { $0 as? Int } ?? [:]
                    return counters["undecodable", default: 0] >= 3 && counters["mqttTooLarge", default: 0] >= 4
                        && counters["refusedTopics", default: 0] > 0
                }

                // and nothing was written outside /tags, the devices that they belong to and their alarms.
                let nodesAfter = try await outsideTags(reader)
                #expect(nodesAfter.subtracting(nodesBefore).isEmpty)
                let illegal = try await reader.descendants(of: "/tags").filter {
                    $0.split(separator: "/").dropFirst().contains { $0.hasPrefix("@") || $0 == ".." || $0 == "." }
                }
                #expect(illegal.isEmpty, "\(illegal)")
            }
        }

        /// Nodes of the whole server that no message may make or change the number of.
        private func outsideTags(_ reader: TreeReader) async throws -> Set<String> {
            var found = Set(try await reader.children("/").map { "/" + $0 })
            for root in ["/gateways", "/shards", "/config", "/commands", "/requests", "/alarm-requests"] {
                found.formUnion(try await reader.descendants(of: root).filter { !$0.contains("/_c_") })
            }
            return found
        }

        private func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

        private static let texts: [String] = [
            "factory/line1/../temperature", "factory/../../temperature", "factory/./machine/..",
            "factory/line1/@online/x", "factory/@/@/@", "factory/line1/%2e%2e/temperature", "factory/line1/%/x",
            "factory///", "factory//machine/x", "factory/line1//x", "factory/line1/machine/",
            "factory/line\u{1}/m\u{7f}/\u{85}", "factory/line 1/\t/x", "factory/line1/machine/\u{feff}\u{fffd}",
            "factory/zookeeper/quota/x", "factory/line1/'\"\\\n/x", "wild", "wild/",
            "wild/" + String(repeating: "x", count: 60_000), "wild/" + String(repeating: "a/", count: 200),
            String(repeating: "/", count: 200), "factory/" + String(repeating: "b/", count: 199) + "c",
        ]

        private static let notText: [[UInt8]] = [
            Array("factory/line1/".utf8) + [0xff, 0xfe] + Array("/x".utf8),
            Array("factory/".utf8) + [0xed, 0xa0, 0x80] + Array("/m/x".utf8),
            Array("factory/line1/".utf8) + [0xc0, 0xaf] + Array("/x".utf8),
            Array("factory/nul".utf8) + [0] + Array("/m/x".utf8),
        ]

        private static let topics: [[UInt8]] = texts.map { Array($0.utf8) } + notText

        private static let documents: [String] = [
            "", "{\"v\":", "{\"v\":1e999}", "{\"v\":{\"v\":{}}}", "nonsense",
            "{\"v\":1,\"ts\":99999999999999999999999}", "{\"v\":\"\u{0}\u{1}\",\"ts\":-1}",
            // The value counts although its time cannot be read: it must not lie beyond the alarm's limit.
            String(repeating: "{\"v\":", count: 2_000), "{\"v\":-9223372036854775809,\"ts\":\"never\"}", "{\"v\":3}",
        ]

        private static let payloads: [[UInt8]] = documents.map { Array($0.utf8) } + [[0xff, 0x00, 0xfe]]
    }
}

/// One line of `--json` output.
struct JSONLine {
    let object: [String: Any]

    init?(_ line: String) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
            return nil
        }
        self.object = object
    }

    subscript(key: String) -> Any? { object[key] }

    /// The first object of this name, however deep.
    func dictionary(named name: String) -> [String: Any]? { Self.search(object, name) }

    private static func search(_ object: [String: Any], _ name: String) -> [String: Any]? {
        if let found = object[name] as? [String: Any] { return found }
        for value in object.values {
            if let inner = value as? [String: Any], let found = search(inner, name) { return found }
        }
        return nil
    }
}
