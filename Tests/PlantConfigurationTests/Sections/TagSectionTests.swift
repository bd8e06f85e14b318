import Plant
import TestFixtures
import Testing

@testable import PlantConfiguration

/// `tags`, `plant.timeZone`, and alarms that can never fire.
@Suite struct TagSectionTests {
    private static let route = """
        routes:
          - { name: machines, topic: "factory/{line}/{machine}/{metric}", payload: json, value: /v }

        """

    private func problems(_ text: String, head: String = soundHead) throws -> [String] {
        try ConfigurationFixture(["linekeeper.yaml": head + text]).problems()
    }

    @Test func eachMemberComesFromTheFirstEntryThatGivesIt() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead + Self.route + "include: [tags.yaml]",
            "tags.yaml": """
            tags:
              - filter: factory/line1/press1/temperature
                description: Oil of the main press, at the return
              - { filter: factory/+/+/temperature, description: Temperature, range: { low: -20, high: 150 } }
              - { filter: factory/line1/#, area: hall1/press }
              - { filter: "#", area: somewhere }
            """,
        ])
        let configuration = try fixture.load()
        #expect(configuration.warnings == [])
        let press = configuration.plant.tags.traits(of: try TagPath("factory/line1/press1/temperature"))
        #expect(press.description == "Oil of the main press, at the return")
        #expect(press.area == (try TagPath("hall1/press")) && press.range == TagRange(low: -20, high: 150))
        let speed = configuration.plant.tags.traits(of: try TagPath("factory/line2/pump1/speed"))
        #expect(speed == TagTraits(area: try TagPath("somewhere")))
    }

    @Test func mistakesInTagsAreNamedWithTheirPlace() throws {
        let problems = try problems(
            Self.route + """
                tags:
                  - { description: nobody }
                  - { filter: "a/#/b", area: x }
                  - { filter: "factory/#" }
                  - { filter: "factory/#", area: "hall1/+" }
                  - { filter: "factory/#", area: "/hall1" }
                  - { filter: "factory/#", range: { low: 5, high: 5 } }
                  - { filter: "factory/#", range: { low: 5 } }
                  - { filter: "factory/#", range: { low: 0, high: inf } }
                  - { filter: "factory/#", unit: °C, area: x }
                  - { filter: "office/#", area: x }
                """)
        expectProblem(problems, ":9:5", "has no \"filter\"")
        expectProblem(problems, ":10:15", "a/#/b")
        expectProblem(problems, ":11:5", "says nothing of its tags")
        expectProblem(problems, ":12:34", "hall1/+")
        expectProblem(problems, ":13:34", "a level is empty")
        expectProblem(problems, ":14:35", "ends where it begins")
        expectProblem(problems, ":15:35", "has no \"high\"")
        expectProblem(problems, ":16:51", "\"inf\"")
        expectProblem(problems, ":17:28", "unknown key \"unit\"")
        expectProblem(problems, ":18:15: warning", "delivered by no route")
    }

    @Test func anAlarmOnARouteWithoutNumbersIsAMistakeThatAGatewayStartsWith() throws {
        let alarm = """
            alarms:
              - { name: leak, tags: leak/+, high: { limit: 0.5, priority: critical } }
            """
        for payload in ["bool", "text"] {
            let fixture = try ConfigurationFixture([
                "linekeeper.yaml": soundHead
                    + "routes:\n  - { name: leak, topic: \"leak/{d}\", device: \"leak/{d}\", payload: \(payload) }\n"
                    + alarm
            ])
            expectProblem(
                fixture.problems(), ":9:25: mistake: alarm \"leak\" can never fire", "payload: \(payload)",
                "linekeeper.yaml:7")
            let configuration = try fixture.load()
            #expect(configuration.warnings.map(\.severity) == [.toleratedMistake])
            #expect(configuration.plant.alarms.count == 1)
        }
        let sound =
            soundHead + "routes:\n  - { name: leak, topic: \"leak/{d}\", device: \"leak/{d}\", payload: number }\n"
        #expect(try problems(alarm, head: sound) == [])
        // One of two routes: some tags are watched, others are not.
        let both = sound + "  - { name: door, topic: \"leak/{d}/door\", device: \"leak/{d}\", payload: bool }\n"
        expectProblem(
            try problems(alarm.replacing("leak/+", with: "leak/#"), head: both), "warning", "some of its tags", "door")
    }

    @Test func aLimitBeyondTheRangeOfItsTagsIsDoubtful() throws {
        func problems(_ limits: String, range: String = "factory/+/+/temperature") throws -> [String] {
            try self.problems(
                Self.route + """
                    tags:
                      - { filter: "\(range)", range: { low: 0, high: 100 } }
                    alarms:
                      - { name: hot, tags: factory/+/+/temperature, \(limits) }
                    """)
        }
        expectProblem(
            try problems("high: { limit: 100 }"), "warning", "never fires at its limit high", "linekeeper.yaml:9")
        expectProblem(
            try problems("low: { limit: -1 }, high: { limit: 90 }"), "warning", "never fires at its limit low")
        #expect(try problems("low: { limit: 1 }, high: { limit: 99 }") == [])
        // The range covers only some of the alarm's tags.
        #expect(try problems("high: { limit: 100 }", range: "factory/line1/+/temperature") == [])
    }

    // MARK: plant

    @Test func thePlantMayHaveATimeZone() throws {
        func head(_ plant: String) -> String { soundHead.replacing("plant: bottling", with: "plant: " + plant) }
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": head("{ name: bottling, timeZone: UTC }")
        ])
        let configuration = try fixture.load()
        #expect(configuration.local.plant == "bottling" && configuration.local.timeZone == .utc)
        #expect(configuration.local.tree.chroot == "/linekeeper/bottling")
        #expect(try problems("", head: head("{ name: bottling }")) == [])
        expectProblem(try problems("", head: head("{ timeZone: UTC }")), ":1:8", "has no \"name\"")
        expectProblem(try problems("", head: head("{ name: a/b }")), ":1:16", "contains /")
        expectProblem(try problems("", head: head("{ name: a, zone: UTC }")), ":1:19", "unknown key \"zone\"")
        expectProblem(try problems("", head: head("[a]")), ":1:8")
        for zone in ["../../etc/passwd", "/etc/localtime", "Europe//Berlin", "Europe/Berlin extra"] {
            expectProblem(
                try problems("", head: head("{ name: a, timeZone: \"\(zone)\" }")), ":1:29",
                "is not the name of a time zone")
        }
    }

    @Test func timeZonesAreLookedUpInTheMachinesDatabase() throws {
        let database = try ConfigurationFixture(["Berlin": "TZif2…", "notes": "no zone"])
        let environment = ["HOSTNAME": "gw1", "TZDIR": database.folder, "TZ": "Berlin"]
        func load(_ plant: String, _ environment: [String: String]) throws -> [String] {
            try ConfigurationFixture(["linekeeper.yaml": soundHead.replacing("bottling", with: plant)])
                .problems(environment: environment)
        }
        #expect(try TimeZoneName("Berlin", database: database.folder).identifier == "Berlin")
        #expect(TimeZoneName.machine(environment: environment).identifier == "Berlin")
        #expect(TimeZoneName.machine(environment: ["TZDIR": database.folder + "/none", "TZ": ":Berlin"]) == .utc)
        #expect(try load("{ name: a, timeZone: Berlin }", environment) == [])
        for zone in ["notes", "Hamburg"] {
            expectProblem(
                try load("{ name: a, timeZone: \(zone) }", environment), "mistake", "is not in this machine's")
        }
        expectProblem(
            try load("{ name: a, timeZone: Berlin }", ["HOSTNAME": "g", "TZDIR": database.folder + "/none"]),
            "no time zone database")
    }

    @Test func aByteOrderMarkBeforeTheConfigurationIsNotContent() throws {
        #expect(try problems("", head: "\u{FEFF}" + soundHead) == [])
    }
}
