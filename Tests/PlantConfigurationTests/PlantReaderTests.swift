import Plant
import Testing

@testable import PlantConfiguration

@Suite("A plant's definition from bytes")
struct PlantReaderTests {
    private static func problems(
        _ documents: [ConfigurationDocument], variables: [String: String] = [:]
    ) -> [String] {
        PlantDefinition.read(documents, variables: variables).problems.map(\.description)
    }

    @Test("the examples, whose digest is that of every gateway before this reader")
    func examples() throws {
        let documents = try ExampleConfiguration.plantDocuments.map { try ExampleConfiguration.document($0) }
        let reading = PlantDefinition.read(documents, variables: [:])
        #expect(reading.problems == [])
        let plant = try #require(reading.definition)
        #expect(plant.routes.count == 1 && plant.tags.all.count == 3 && plant.alarms.count == 5)
        #expect(plant.commands.count == 4)
        // As version 0.1.0 publishes it for these files: gateways of both compare it.
        #expect(plant.digest == "7bbbd8cb4b98ca2d")
    }

    @Test("presence topics take no messages of Linekeeper's own", arguments: [true, false])
    func ownPresence(isSeveral: Bool) {
        let (name, presence) = isSeveral ? ("{n...}", "{device}/availability") : ("{n}/{m}", "+/{n}/status")
        let text = """
            routes:
              - name: a
                topic: "plant/\(name)"
                device: "\(isSeveral ? "{n}" : "plant/{n}")"
                payload: number
                presence: { topic: "\(presence)" }
            """
        let problems = Self.problems([document("r", text)]).filter { $0.contains("own messages") }
        #expect(problems.count == (isSeveral ? 1 : 0), "\(problems)")
    }

    @Test("a heartbeat, with and without a word, and its mistakes at their places")
    func heartbeat() throws {
        func routes(_ presence: String) -> [ConfigurationDocument] {
            [
                document(
                    "r",
                    """
                    routes:
                      - name: a
                        topic: "f/{d}/{m}"
                        device: "f/{d}"
                        payload: number
                        presence:
                          \(presence.replacing("\n", with: "\n      "))
                    """)
            ]
        }
        func presence(_ text: String) throws -> RouteDefinition.Presence {
            let reading = PlantDefinition.read(routes(text), variables: [:])
            #expect(reading.problems == [])
            return try #require(reading.definition?.routes.first?.presence)
        }
        let any = try presence("topic: \"{device}/beat\"\nheartbeat: 30s")
        #expect(any.heartbeat == 30_000 && any.online == nil && any.offline == Array("offline".utf8))
        let word = try presence("topic: \"{device}/beat\"\nonline: alive\nheartbeat: 1m")
        #expect(word.heartbeat == 60_000 && word.online == Array("alive".utf8))
        let plain = try presence("topic: \"{device}/beat\"")
        #expect(plain.heartbeat == nil && plain.online == Array("online".utf8))

        expectProblem(Self.problems(routes("heartbeat: 30s")), "r:7:", "mistake", "topic")
        for wrong in ["0s", "-5s", "30", "often"] {
            let problems = Self.problems(routes("topic: \"{device}/beat\"\nheartbeat: \(wrong)"))
            expectProblem(
                problems, "r:8:", "mistake", "presence.heartbeat is \"\(wrong)\"".replacing("\"0s\"", with: "0s"))
        }
        let same = Self.problems(routes("topic: \"{device}/beat\"\nheartbeat: 30s\nonline: x\noffline: x"))
        expectProblem(same, "r:10:", "mistake", "presence.offline online and offline are the same")
    }

    @Test("flapping as a rule, of which all may be left out, or off; and its mistakes at their places")
    func flapping() throws {
        func reading(_ flapping: String) -> PlantDefinition.Reading {
            let text = """
                routes:
                  - name: a
                    topic: "f/{d}/{m}"
                    device: "f/{d}"
                    payload: number
                    flapping: \(flapping)
                """
            return PlantDefinition.read([document("r", text)], variables: [:])
        }
        for (text, expected) in [
            ("off", .off), ("{}", .rule(.standard)), ("{ losses: 3 }", .rule(FlappingRule(losses: 3))),
            (
                "{ losses: 10, within: 1h, steadyFor: 30s }",
                .rule(FlappingRule(losses: 10, within: 3_600_000, steadyFor: 30_000))
            ),
        ] as [(String, FlappingDamping)] {
            #expect(reading(text).problems == [] && reading(text).definition?.routes.first?.flapping == expected)
        }
        for (text, mistake) in [
            ("on", "flapping is \"on\""), ("{ losses: 1 }", "losses is \"1\""),
            ("{ losses: 101 }", "losses is \"101\""),
            ("{ within: 0s }", "within is 0s"), ("{ steadyFor: 5 }", "steadyFor is \"5\""),
            ("{ steady: 5s }", "unknown key \"steady\""), ("[5, 10m]", "flapping is not a mapping"),
        ] {
            expectProblem(reading(text).problems.map(\.description), "r:6:", "mistake", mistake)
        }
    }

    @Test("how a definition is spread over documents makes no difference")
    func spread() throws {
        let routes = """
            routes:
              - { name: a, topic: "factory/{x}/{y}", device: "factory/{x}", payload: number }
              - { name: b, topic: "office/{x}/{y}", device: "office/{x}", payload: number }
            """
        let alarms = """
            alarms:
              - { name: hot, tags: "factory/+/temperature", high: { limit: 5 } }
              - { name: cold, tags: "office/+/temperature", low: { limit: 1 } }
            """
        let one = PlantDefinition.read([document("all", routes + "\n" + alarms)], variables: [:])
        let two = PlantDefinition.read([document("r", routes), document("a", alarms)], variables: [:])
        let lines = alarms.split(separator: "\n")
        let three = PlantDefinition.read(
            [
                document("a1", "\(lines[0])\n\(lines[1])"), document("r", routes),
                document("a2", "\(lines[0])\n\(lines[2])"),
            ], variables: [:])
        #expect(one.problems == [] && two.problems == [] && three.problems == [])
        let definition = try #require(one.definition)
        #expect(definition.alarms.map(\.name) == ["hot", "cold"])
        #expect(two.definition == definition && three.definition == definition)
    }

    @Test("every mistake at its place in its document, also what concerns two documents")
    func places() {
        let documents = [
            document(
                "v-7/routes",
                """
                routes:
                  - { name: m, topic: "factory/{x}/{y}", device: "factory/{x}", payload: jsonn }
                  - { name: n, topic: "office/{x}/{y}", device: "office/{x}", payload: text }
                """),
            document(
                "v-7/alarms",
                """
                alarms:
                  - { name: hot, tags: "office/+/temperature", high: { limit: 85 } }
                  - name: hot
                    tags: site/+/temperature
                    high: { limit: warm }
                  - { name: hot, tags: "office/+/pressure", high: { limit: 5 } }
                """),
            document("v-7/commands", "plant: bottling\ncommands: []\n"),
        ]
        let problems = Self.problems(documents)
        expectProblem(problems, "v-7/routes:2:", "mistake", "jsonn", "did you mean \"json\"?")
        expectProblem(problems, "v-7/alarms:5:", "mistake", "\"warm\"", "expected a number")
        expectProblem(problems, "v-7/alarms:6:13: mistake", "stands at v-7/alarms:2 already")
        expectProblem(problems, "v-7/alarms:2:24: mistake", "can never fire", "route \"n\" at v-7/routes:3")
        expectProblem(
            problems, "v-7/commands:1:1: mistake", "unknown key \"plant\"",
            "routes, tags, alarms, commands or sparkplug")
        #expect(PlantDefinition.read(documents, variables: [:]).definition == nil)
    }

    @Test("what is only doubtful leaves a definition")
    func doubtful() throws {
        let reading = PlantDefinition.read(
            [
                document(
                    "one",
                    """
                    routes: [{ name: r, topic: "factory/{x}/{y}", device: "factory/{x}", payload: number }]
                    alarms: [{ name: hot, tags: "site/+", high: { limit: 1 } }]
                    """)
            ], variables: [:])
        #expect(reading.definition?.alarms.count == 1)
        #expect(reading.problems.map(\.severity) == [.warning])
    }

    @Test("variables are those that are handed over, and no others")
    func variables() throws {
        let text = #"routes: [{ name: r, topic: "${HOME}/{x}", device: "${HOME}/{x}", payload: number }]"#
        expectProblem(Self.problems([document("one", text)]), "one:1:28", "the environment variable HOME is not set")
        let reading = PlantDefinition.read([document("one", text)], variables: ["HOME": "factory"])
        #expect(reading.definition?.routes.first?.topic.text == "factory/{x}")
    }
}
