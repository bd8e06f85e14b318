import JSON
import Plant
import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite struct ConfigurationLoadingTests {
    @Test func theDesignsExampleLoads() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": """
            plant: bottling
            gateway: ${HOSTNAME}
            mqtt:
              broker: mqtt://127.0.0.1:1883          # mqtts:// with ca, certificate, key
              protocol: 5
            tree:
              embedded: { data: ./var/tree, listen: 127.0.0.1:2181 }
              # ensemble: zk1:2181,zk2:2181,zk3:2181
              sessionTimeout: 4s
            include: [routes.yaml, alarms.yaml, commands.yaml]
            """,
            "routes.yaml": """
            routes:
              - name: machines
                topic: factory/{line}/{machine}/{metric}
                device: factory/{line}/{machine}
                payload: json                          # json | number | text | bool | sparkplug
                value: /v
                time: /ts
                staleAfter: 30s
                reporting: periodic
                deadband: { "factory/+/+/temperature": 0.2 }
            """,
            "alarms.yaml": """
            alarms:
              - name: overtemperature
                tags: factory/+/+/temperature
                high: { limit: 85, priority: high }
                highHigh: { limit: 95, priority: critical }
                deadband: 2
                onDelay: 5s
                offDelay: 10s
            """,
            "commands.yaml": """
            commands:
              - name: setSpeed
                devices: factory/+/+
                topic: "{device}/cmd/setSpeed"
                parameters: { rpm: { type: number, minimum: 0, maximum: 1800, unit: rpm } }
                execution: idempotent
                timeout: 10s
                answer: { topic: "{device}/ack", id: /id, succeeded: { /status: ok } }
                interlock: "factory/line1/guard/closed == true"
            """,
        ])
        let configuration = try fixture.load()
        #expect(configuration.warnings == [])
        #expect(configuration.local.plant == "bottling")
        #expect(configuration.local.gateway == "gw1")
        #expect(configuration.local.mqtt.broker.description == "mqtt://127.0.0.1:1883")
        #expect(configuration.local.mqtt.protocolVersion == .v5)
        #expect(configuration.local.tree.sessionTimeout == .seconds(4))
        #expect(configuration.local.tree.chroot == "/linekeeper/bottling")
        #expect(configuration.local.tree.connectString == "127.0.0.1:2181/linekeeper/bottling")
        guard case .embedded(let tree) = configuration.local.tree.place else {
            Issue.record("the tree is \(configuration.local.tree.place)")
            return
        }
        #expect(tree.data == fixture.folder + "/var/tree")
        #expect(tree.tick == .seconds(2))
        let route = try #require(configuration.plant.routes.first)
        #expect(route.name == "machines")
        #expect(route.staleAfter == 30_000)
        #expect(route.reporting == .periodic)
        #expect(route.deadbands.first?.change == .absolute(0.2))
        let alarm = try #require(configuration.plant.alarms.first)
        #expect(alarm.highHigh == AlarmLimit(limit: 95, priority: .critical))
        #expect(alarm.onDelay == 5000 && alarm.offDelay == 10_000 && alarm.deadband == 2)
        let command = try #require(configuration.plant.commands.first)
        #expect(command.parameters.first?.maximum == 1800)
        #expect(command.execution == .idempotent)
        #expect(command.answer?.succeeded.first?.wanted == .value("ok"))
        #expect(command.interlock?.text == "factory/line1/guard/closed == true")
    }

    @Test func everyMistakeIsReportedAtItsPlace() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": """
            plant: a/b
            gatewy: x
            mqtt:
              broker: http://127.0.0.1
              protocl: 5
              keepAlive: 10
            tree:
              embedded: { data: ./var, listen: "127.0.0.1:99999" }
              ensemble: zk1
              sessionTimeout: 10ms
            include: [routes.yaml, missing.yaml]
            """,
            "routes.yaml": """
            routes:
              - name: machines
                topic: factory/{line}/{machine
                payload: jsonn
            alarms:
              - name: hot
                tags: factory/#/x
                high: { limit: warm }
            """,
        ])
        let problems = fixture.problems()
        expectProblem(problems, "linekeeper.yaml:1:8: mistake", "plant \"a/b\" contains /")
        expectProblem(problems, "linekeeper.yaml:2:1: mistake", "unknown key \"gatewy\"", "did you mean \"gateway\"?")
        expectProblem(problems, "linekeeper.yaml:1:1", "has no \"gateway\"")
        expectProblem(problems, "linekeeper.yaml:4:11", "unknown scheme", "expected mqtt://HOST[:1883]")
        expectProblem(problems, "linekeeper.yaml:5:3", "unknown key \"protocl\"", "did you mean \"protocol\"?")
        expectProblem(problems, "linekeeper.yaml:9:13", "both embedded and ensemble")
        expectProblem(problems, "linekeeper.yaml:10:19", "expected a duration from 1s to 2m")
        expectProblem(problems, "missing.yaml: mistake: cannot be read: there is no such file")
        expectProblem(problems, "routes.yaml:3:12", "brace")
        expectProblem(problems, "routes.yaml:4:14", "jsonn", "did you mean \"json\"?")
        expectProblem(problems, "routes.yaml:7:11", "# stands for all the remaining levels")
        expectProblem(problems, "routes.yaml:8:20", "\"warm\"", "expected a number")
    }

    /// The head of a file that is right, with these brokers.
    private func head(brokers: String) -> String {
        soundHead.replacing(#"broker: "mqtt://127.0.0.1:1883""#, with: "broker: " + brokers)
    }

    @Test(arguments: [
        (#""mqtt://a""#, ["mqtt://a:1883"]), ("[mqtt://a]", ["mqtt://a:1883"]),
        ("[mqtt://a, mqtt://b:1884]", ["mqtt://a:1883", "mqtt://b:1884"]),
        (#""mqtt://a, mqtt://b""#, ["mqtt://a:1883", "mqtt://b:1883"]),
        ("[mqtts://c, \"mqtts://a,mqtts://b\"]", ["mqtts://c:8883", "mqtts://a:8883", "mqtts://b:8883"]),
    ])
    func brokersAreOneOrAList(text: String, expected: [String]) throws {
        let settings = try ConfigurationFixture(["linekeeper.yaml": head(brokers: text)]).load().local.mqtt
        #expect(settings.brokers.map(\.description) == expected)
        #expect(settings.broker.description == expected.first)
    }

    @Test(arguments: [
        ("[]", "mqtt.broker is empty"), ("[mqtt://a, mqtt://a:1883]", "mqtt.broker[1]: mqtt://a:1883 is listed twice"),
        ("[mqtts://a, mqtt://b]", "mqtt://b:1883 and mqtts://a:8883 are of different kinds"),
        ("[mqtt://a, http://b]", "mqtt.broker[1]: \"http://b\" has an unknown scheme"),
        (#""mqtt://a,""#, "does not begin with mqtt://"), (#""mqtt://a b""#, "\"mqtt://a b\" is not an address"),
        ("{ a: b }", "mqtt.broker is a mapping"),
        ("[\((1...17).map { "mqtt://a\($0)" }.joined(separator: ", "))]", "lists 17 brokers"),
    ])
    func aListOfBrokersThatCannotBe(text: String, expected: String) throws {
        expectProblem(
            try ConfigurationFixture(["linekeeper.yaml": head(brokers: text)]).problems(), "linekeeper.yaml:3:",
            expected)
    }

    @Test func aDurationNeedsAUnit() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead.replacing("  embedded", with: "  sessionTimeout: 4\n  embedded")
        ])
        expectProblem(fixture.problems(), ":5:19", "\"4\", which has no unit")
    }

    @Test(arguments: [
        ("linekeeper/{a}/{b}", true), ("linekeeper/#", true), ("{a}/{b}/{c}", true), ("{a}/alarms/{c...}", true),
        ("{a}/x/alarms", true), ("{a}/x/y", false),
        ("{a}/{b}/alarms/{c}", true), ("{id}/events/rpc", false), ("{a}/{b}", false), ("factory/{a}", false),
    ])
    func routesKeepOffLinekeepersOwnTopics(topic: String, isMistake: Bool) throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead + "routes: [{ name: r, topic: \"\(topic)\", device: d, payload: number }]"
        ])
        let problems = fixture.problems()
        if isMistake {
            expectProblem(problems, "mistake", "Linekeeper's own messages")
        } else {
            #expect(problems == [])
        }
    }

    @Test func routesMayShareTopicsOnPurpose() throws {
        func problems(_ first: String, _ second: String) throws -> [String] {
            try ConfigurationFixture([
                "linekeeper.yaml": soundHead + """
                    routes:
                      - { name: a, topic: "f/{m}", device: "f/{m}/a", payload: json, continue: true, values: \(first) }
                      - { name: b, topic: "f/{m}", device: "f/{m}/b", payload: json, values: \(second) }
                    """
            ]).problems()
        }
        #expect(try problems("{ x: /x }", "{ y: /y }") == [])
        #expect(try problems("{ x: /x }", "{ \"#\": { at: \"/#\", except: [x] } }") == [])
        #expect(try problems("{ \"x/#\": \"/x/#\" }", "{ \"#\": { at: \"/#\", except: [\"x/#\"] } }") == [])
        // Points have their names below their measurement.
        let seconds = [
            ("payload: lineProtocol", true), ("payload: number, tag: \"f/{n}\"", false),
            ("payload: number, tag: \"g/{n}\"", true),
        ]
        for (second, isSound) in seconds {
            let found = try ConfigurationFixture([
                "linekeeper.yaml": soundHead + """
                    routes:
                      - { name: a, topic: "f/{m}", device: "d", payload: text, continue: true }
                      - { name: b, topic: "f/{n}", device: "d", \(second) }
                    """
            ]).problems()
            #expect(found.isEmpty == isSound, "\(second): \(found)")
        }
        for (first, second) in [("{ x: /x }", "{ x: /y }"), ("{ x: /x }", "\"/#\""), ("\"/+\"", "\"/#\"")] {
            expectProblem(try problems(first, second), "mistake", "would give the same tags", "route \"a\" at")
        }
    }

    @Test func routesThatShareTopicsAreFound() throws {
        let routes = """
            routes:
              - { name: wide, topic: "factory/{line}/{machine}/{metric}", payload: number }
              - { name: narrow, topic: "factory/{line}/pump/{metric}", payload: number }
            """
        let hidden = try ConfigurationFixture(["linekeeper.yaml": soundHead + routes])
        expectProblem(hidden.problems(), ":8:28: mistake", "never gets a message", "route \"wide\" at")

        let crossing = try ConfigurationFixture([
            "linekeeper.yaml": soundHead
                + """
                routes:
                  - { name: a, topic: "factory/{line}/pump/{metric}", payload: number }
                  - { name: b, topic: "factory/line1/{machine}/{metric}", payload: number }
                """
        ])
        expectProblem(crossing.problems(), "warning", "shares topics with route \"a\"")

        let ordered = try ConfigurationFixture([
            "linekeeper.yaml": soundHead
                + """
                routes:
                  - { name: narrow, topic: "factory/{line}/pump/{metric}", payload: number }
                  - { name: wide, topic: "factory/{line}/{machine}/{metric}", payload: number }
                """
        ])
        #expect(ordered.problems() == [])
    }

    @Test func anAlarmThatNoRouteFeedsIsDoubtful() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead
                + """
                routes: [{ name: r, topic: "factory/{line}/{machine}/{metric}", payload: number }]
                alarms:
                  - { name: hot, tags: "site/+/temperature", high: { limit: 1 } }
                  - { name: hotter, tags: "factory/+/+/temperature", high: { limit: 3 }, low: { limit: 5 } }
                  - { name: gateway-fault, tags: "factory/+/+/temperature", high: { limit: 3 } }
                """
        ])
        let problems = fixture.problems()
        expectProblem(problems, "mistake", "alarm \"gateway-fault\" has the name of Linekeeper's own alarms")
        expectProblem(problems, "warning", "alarm \"hot\" watches site/+/temperature, which no route delivers")
        expectProblem(problems, "mistake", "alarm \"hotter\" low: must be less than high")
    }

    @Test func anInterlockThatNoRouteFeedsIsDoubtful() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead
                + """
                routes: [{ name: r, topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}", payload: number, presence: { topic: "{device}/status" } }]
                commands:
                  - { name: start, devices: factory/+/+, topic: "{device}/cmd", execution: atMostOnce, interlock: "site/guard/closed == true" }
                  - { name: stop, devices: factory/+/+, topic: "{device}/cmd", execution: atMostOnce, interlock: "{device}/guard == 1" }
                """
        ])
        let problems = fixture.problems()
        expectProblem(problems, "warning", "the interlock of command \"start\" asks for site/guard/closed")
        #expect(!problems.contains { $0.contains("command \"stop\"") }, "\(problems)")
    }

    @Test(
        "An interlock refuses where nothing tells that its input has fallen silent",
        arguments: [
            ("", "", true), ("staleAfter: 3s, ", "", true), ("reporting: onChange, ", "", true),
            ("staleAfter: 3s, reporting: periodic, ", "", false), ("staleAfter: 3s, reporting: onChange, ", "", false),
            ("presence: { topic: \"{device}/status\" }, ", "", false), ("", ", interlockInputAge: 3s", false),
        ])
    func silence(route: String, command: String, isMistake: Bool) throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead
                + """
                routes: [{ name: r, topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}", \(route)payload: bool }]
                commands:
                  - { name: stroke, devices: factory/+/+, topic: "{device}/cmd", execution: atMostOnce, interlock: "factory/l1/guard/closed == true"\(command) }
                """
        ])
        // It was none in earlier versions: the gateway starts with it, says so, and refuses the command.
        let mistakes = try fixture.load().warnings.filter { $0.severity == .toleratedMistake }
        #expect(mistakes.count == (isMistake ? 1 : 0))
        guard isMistake else { return }
        expectProblem(
            fixture.problems(), ":8:", "mistake: the interlock of command \"stroke\" refuses",
            "factory/l1/guard/closed", "route \"r\" at linekeeper.yaml:6")
    }

    @Test func howATopicReportsBelongsToATimeOfSilence() throws {
        func problems(_ keys: String) throws -> [String] {
            try ConfigurationFixture([
                "linekeeper.yaml": soundHead + "routes: [{ name: r, topic: \"a/{x}/{y}\", payload: number, \(keys) }]"
            ]).problems()
        }
        expectProblem(try problems("staleAfter: 3s"), ":6:", "warning", "does not say how its topics report")
        expectProblem(try problems("reporting: periodic"), "mistake", "give staleAfter as well")
        expectProblem(try problems("staleAfter: 3s, reporting: sometimes"), "mistake", "periodic or onChange")
        #expect(try problems("staleAfter: 3s, reporting: onChange") == [])
        #expect(try problems("staleAfter: 3s, reporting: periodic") == [])
    }

    @Test func aRouteForSparkplugSaysNoMoreThanItNeeds() throws {
        func problems(_ topic: String, _ keys: String = "") throws -> [String] {
            try ConfigurationFixture([
                "linekeeper.yaml": soundHead
                    + "routes: [{ name: r, topic: \"\(topic)\", payload: sparkplug\(keys) }]"
            ]).problems()
        }
        #expect(try problems("spBv1.0/#") == [])
        #expect(try problems("spBv1.0/Plant 1/#") == [])
        let allowed =
            ", device: \"site/{group}/{edge}\", staleAfter: 5m, unit: bar, units: { \"+/+/t\": K }, deadband: { \"#\": 1 }"
        #expect(try problems("spBv1.0/#", allowed) == [])
        #expect(try problems("spBv1.0/g/#", ", device: \"line/{edge}\"") == [])
        for topic in ["spBv1.0/{g}/#", "spBv1.0/g/NDATA/#", "spBv1.0", "other/#", "spBv1.0/+/#"] {
            expectProblem(try problems(topic), "r\": topic is no topic for payload sparkplug")
        }
        expectProblem(try problems("spBv1.0/#", ", device: \"{edge}\""), "device lacks {group}")
        expectProblem(try problems("spBv1.0/g/#", ", device: \"line\""), "device lacks {edge}")
        expectProblem(try problems("spBv1.0/g/#", ", device: \"{host}/{edge}\""), "{host} is not in the topic")
        for key in [
            "value: /v", "values: { a: /a }", "time: /ts", "each: /d", "tag: \"{edge}\"", "continue: true",
            "quality: { at: /q, good: [g] }", "reporting: onChange", "flapping: \"off\"",
            "presence: { topic: \"{device}/status\" }",
        ] {
            let name = key.prefix { $0 != ":" }
            expectProblem(try problems("spBv1.0/#", ", \(key)"), "r\": \(name) has no meaning for payload sparkplug")
        }
    }

    @Test func aPasswordInTheFileIsRefused() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead.replacing(
                "mqtt: { broker: \"mqtt://127.0.0.1:1883\" }",
                with: "mqtt: { broker: \"mqtt://127.0.0.1\", username: u, password: secret }")
        ])
        let problems = fixture.problems()
        expectProblem(problems, "password does not belong")
        #expect(!problems.joined().contains("secret"))
    }

    @Test func aBarePasswordFileIsLookedForAmongCredentials() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead.replacing(
                "mqtt: { broker: \"mqtt://127.0.0.1:1883\" }",
                with: "mqtt: { broker: \"mqtt://127.0.0.1\", username: u, passwordFile: mqtt-password }")
        ])
        expectProblem(fixture.problems(), "warning", "there is no file")
        let credentials = try ConfigurationFixture(["mqtt-password": "x\n"])
        let configuration = try fixture.load(environment: [
            "HOSTNAME": "g", "CREDENTIALS_DIRECTORY": credentials.folder,
        ])
        #expect(configuration.local.mqtt.passwordFile == credentials.folder + "/mqtt-password")
        #expect(configuration.warnings == [])
    }

    @Test func brokenYAMLIsReportedWithItsLine() throws {
        let fixture = try ConfigurationFixture(["linekeeper.yaml": "plant: a\ngateway: [b\nmqtt: {}\n"])
        expectProblem(fixture.problems(), "linekeeper.yaml:3:5: mistake: is not YAML")
        let twice = try ConfigurationFixture(["linekeeper.yaml": "plant: a\nplant: b\n"])
        expectProblem(twice.problems(), "\"plant\" is given twice")
        let empty = try ConfigurationFixture(["linekeeper.yaml": ""])
        expectProblem(empty.problems(), "is empty")
        let list = try ConfigurationFixture(["linekeeper.yaml": "- a\n"])
        expectProblem(list.problems(), "is not a mapping")
    }

    @Test func anEmbeddedTreeForEverybodyIsDoubtful() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead.replacing("127.0.0.1:2181", with: "0.0.0.0:2181")
        ])
        expectProblem(fixture.problems(), "warning", "whoever reaches it can change everything")
        #expect(try fixture.load().local.tree.connectString == "127.0.0.1:2181/linekeeper/bottling")
    }

    @Test func theTickMustAllowTheSession() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead.replacing("listen: 127.0.0.1:2181", with: "listen: 127.0.0.1:2181, tick: 3s")
        ])
        expectProblem(fixture.problems(), "tree.embedded.tick 3s does not allow a sessionTimeout of 4s")
    }

    @Test func commandsAreChecked() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead
                + """
                commands:
                  - name: go
                    devices: factory/+/+
                    topic: "cmd/go"
                    execution: once
                    interlock: "a == "
                    parameters: { rpm: { type: numbr } }
                  - name: stop
                    devices: factory/+/+
                    topic: "{device}/cmd/stop"
                    execution: atMostOnce
                    parameters: { rpm: { type: number, minimum: 5, maximum: 1 } }
                """
        ])
        let problems = fixture.problems()
        expectProblem(problems, ":9:12", "{device}")
        expectProblem(problems, ":10:16", "\"once\"", "expected idempotent or atMostOnce")
        expectProblem(problems, ":11:16", "interlock")
        expectProblem(problems, ":12:32", "did you mean \"number\"?")
        expectProblem(problems, ":17:24", "minimum is greater than maximum")
    }
}
