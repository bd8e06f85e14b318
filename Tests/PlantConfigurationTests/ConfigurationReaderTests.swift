import Plant
import Testing

@testable import PlantConfiguration

/// A gateway's whole configuration from bytes; none of the names is that of a file.
@Suite("A gateway's configuration from bytes")
struct ConfigurationReaderTests {
    private static func read(
        _ main: ConfigurationDocument, _ others: [ConfigurationDocument] = [],
        variables: [String: String] = ["HOSTNAME": "gw1"], machine: InventedMachine = InventedMachine()
    ) throws(ConfigurationError) -> GatewayConfiguration {
        var reader = ConfigurationReader(variables: variables, machine: machine)
        for name in reader.read(main: main) {
            if let document = others.first(where: { $0.name == name }) {
                reader.read(included: document)
            } else {
                reader.report(unreadable: name, because: "there is no such document")
            }
        }
        return try reader.configuration()
    }

    private static func problems(
        _ main: ConfigurationDocument, _ others: [ConfigurationDocument] = [],
        machine: InventedMachine = InventedMachine()
    ) -> [String] {
        do throws(ConfigurationError) {
            return try read(main, others, machine: machine).warnings.map(\.description)
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("the example of one gateway")
    func example() throws {
        let plant = try ExampleConfiguration.plantDocuments.map { try ExampleConfiguration.document($0) }
        let configuration = try Self.read(try ExampleConfiguration.document("linekeeper.yaml"), plant)
        #expect(configuration.warnings == [])
        #expect(configuration.plant == PlantDefinition.read(plant, variables: [:]).definition)
        let local = configuration.local
        #expect(local.plant == "bottling" && local.gateway == "gw1" && local.timeZone == .utc)
        #expect(local.mqtt.brokersInWords == "mqtt://127.0.0.1:1883")
        #expect(local.tree.connectString == "127.0.0.1:2181/linekeeper/bottling")
        #expect(local.tree.sessionTimeout == .seconds(4) && local.flushSpacing == .milliseconds(5))
        #expect(local.limits == GatewayLimits())
    }

    @Test("a gateway's weight is a whole number from 0 to 100, and 1 where nothing is said")
    func weight() throws {
        func document(_ line: String) -> ConfigurationDocument {
            let text =
                "plant: p\ngateway: gw1\nmqtt: { broker: \"mqtt://b\" }\ntree: { ensemble: \"t:2181\" }\n\(line)\n"
            return ConfigurationDocument(name: "main", bytes: Array(text.utf8))
        }
        for (line, weight) in [("", 1), ("weight: 0", 0), ("weight: 3", 3), ("weight: 100", 100)] {
            #expect(try Self.read(document(line)).local.weight == weight, "\(line)")
        }
        for line in ["weight: 101", "weight: -1", "weight: 1.5", "weight: heavy", "weight: [1]"] {
            let problems = Self.problems(document(line))
            #expect(problems.contains { $0.contains("weight") && $0.contains("0 to 100") }, "\(line): \(problems)")
        }
    }

    @Test("the example of several gateways, whose plant lies elsewhere")
    func ensembleExample() throws {
        let plant = try ExampleConfiguration.plantDocuments.map { try ExampleConfiguration.document($0) }
        let main = try ExampleConfiguration.document("ensemble/linekeeper.yaml")
        let configuration = try Self.read(
            main, plant,
            machine: InventedMachine(credentials: "/run/credentials", files: ["/run/credentials/mqtt-password"]))
        #expect(configuration.warnings == [])
        #expect(configuration.local.mqtt.passwordFile == "/run/credentials/mqtt-password")
        #expect(configuration.local.tree.place == .ensemble("zk1:2181,zk2:2181,zk3:2181"))
        #expect(configuration.plant.digest == "7bbbd8cb4b98ca2d")
    }

    @Test("documents that are included are named as the main one leads to them; their mistakes have their names")
    func includes() throws {
        let main = document(
            "site/a/main",
            """
            plant: p
            gateway: g
            mqtt: { broker: "mqtt://127.0.0.1" }
            tree: { ensemble: "zk:2181" }
            include: [routes, ../b/alarms, ./main, gone, [x]]
            """)
        let problems = Self.problems(
            main,
            [
                document(
                    "site/a/routes",
                    "routes:\n  - { name: r, topic: \"f/{x}\", payload: number }\n  - { name: r, topic: \"g/{x}\", payload: x }\n"
                ), document("site/b/alarms", "alarms: [\n"),
            ])
        expectProblem(problems, "site/a/main:5:32: mistake: ./main includes itself")
        expectProblem(problems, "site/a/main:5:46: mistake: include[4] is a list")
        expectProblem(problems, "site/a/routes:3:", "mistake", "payload is \"x\"")
        expectProblem(problems, "site/b/alarms:2:1: mistake: is not YAML")
        expectProblem(problems, "site/a/gone: mistake: cannot be read: there is no such document")
        #expect(problems.count == 5, "\(problems)")
    }

    @Test("what the machine has decides, not what this one has")
    func machine() throws {
        let main = document(
            "m",
            """
            plant: { name: p, timeZone: Moon/Tranquility }
            gateway: g
            mqtt: { broker: "mqtts://b", username: u, passwordFile: pw, ca: /etc/hostname, key: k, certificate: c }
            tree: { embedded: { data: /tmp } }
            """)
        let bare = Self.problems(main)
        expectProblem(bare, "m:3:57: warning", "mqtt.passwordFile: there is no file pw now")
        for file in [
            "ca: there is no file /etc/hostname", "key: there is no file k", "certificate: there is no file c",
        ] {
            expectProblem(bare, "m:3:", "mistake", file)
        }
        let files: Set<String> = ["pw", "/etc/hostname", "k", "c"]
        let sound = try Self.read(main, machine: InventedMachine(files: files))
        #expect(sound.warnings == [] && sound.local.timeZone.identifier == "Moon/Tranquility")
        let open = try Self.read(
            main, machine: InventedMachine(files: files, openSecrets: ["pw", "k"], openFolders: ["/tmp"]))
        #expect(open.warnings.map(\.severity) == [.toleratedMistake, .toleratedMistake, .warning])
    }

    @Test("answers below a prefix that the plant's documents use are a mistake of the local one")
    func replyPrefix() {
        let main = document(
            "m",
            """
            plant: p
            gateway: g
            mqtt: { broker: "mqtt://b", replyPrefix: hmi/ }
            tree: { ensemble: "zk:2181" }
            include: [r]
            """)
        expectProblem(
            Self.problems(main, [document("r", "routes: [{ name: m, topic: \"hmi/{x}\", payload: number }]")]),
            "m:3:42: mistake: mqtt.replyPrefix", "route \"m\"")
    }
}
