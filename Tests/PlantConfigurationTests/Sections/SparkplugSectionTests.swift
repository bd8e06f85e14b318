import Plant
import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite("sparkplug: as which host application the gateways appear")
struct SparkplugSectionTests {
    private static let route = """
        routes:
          - { name: edges, topic: "spBv1.0/#", payload: sparkplug }

        """

    private func reading(_ texts: String...) -> PlantDefinition.Reading {
        PlantDefinition.read(texts.enumerated().map { document("d\($0)", $1) }, variables: [:])
    }

    @Test("the id, and whether edge nodes from before version 3.0 are told")
    func host() throws {
        let one = reading(Self.route + "sparkplug: { hostId: scada }")
        #expect(one.problems == [])
        #expect(one.definition?.sparkplug == SparkplugHostDefinition(hostID: "scada"))
        let old = reading(Self.route, "sparkplug: { hostId: \"müller 1\", oldState: true }")
        #expect(old.problems == [])
        #expect(old.definition?.sparkplug == SparkplugHostDefinition(hostID: "müller 1", publishesOldState: true))
        #expect(reading(Self.route).definition?.sparkplug == nil)
    }

    @Test(
        "what is not one level of a topic is a mistake, at its place",
        arguments: ["a/b", "a+", "#", "\\n", "\\u0085", "\\0", String(repeating: "x", count: 257)])
    func ids(_ id: String) {
        let problems = reading(Self.route + "sparkplug: { hostId: \"\(id)\" }").problems.map(\.description)
        #expect(problems.count == 1)
        expectProblem(problems, "d0:3:22", "sparkplug.hostId", "one level of a topic")
    }

    @Test("an id is needed, other keys are unknown, and the section stands once")
    func mistakes() {
        expectProblem(reading(Self.route + "sparkplug: {}").problems.map(\.description), "d0:3", "no \"hostId\"")
        expectProblem(
            reading(Self.route + "sparkplug: { hostId: a, oldstate: true }").problems.map(\.description),
            "d0:3:25", "did you mean \"oldState\"?")
        expectProblem(
            reading(Self.route + "sparkplug: { hostId: a, oldState: 3 }").problems.map(\.description), "d0:3:35",
            "true or false")
        expectProblem(
            reading(Self.route + "sparkplug: { hostId: a }", "sparkplug: { hostId: a }").problems.map(\.description),
            "d1:1", "stands at d0:3 already")
        expectProblem(reading("sparkplug: scada").problems.map(\.description), "d0:1:12", "not a mapping")
    }

    @Test("a host that listens to nobody is worth a warning")
    func withoutRoute() {
        let reading = reading("sparkplug: { hostId: scada }")
        #expect(reading.definition != nil)
        #expect(reading.problems.map(\.severity) == [.warning])
        expectProblem(reading.problems.map(\.description), "d0:1", "no route does", "payload: sparkplug")
    }

    @Test("edge nodes of two groups that would be one device are worth a warning")
    func sameDevice() {
        func routes(_ one: String, _ other: String) -> [String] {
            let reading = reading(
                """
                routes:
                  - { name: one, topic: "spBv1.0/G1/#", payload: sparkplug, device: "\(one)" }
                  - { name: other, topic: "spBv1.0/G2/#", payload: sparkplug, device: "\(other)" }

                """)
            #expect(reading.definition != nil)
            #expect(reading.problems.allSatisfy { $0.severity == .warning })
            return reading.problems.map(\.description)
        }
        let problems = routes("plant/{edge}", "plant/{edge}")
        #expect(problems.count == 1)
        expectProblem(problems, "d0:3", "group G2", "route \"one\"", "group G1", "{group}")
        #expect(routes("{group}/{edge}", "{group}/{edge}") == [])
        #expect(routes("plant/{edge}", "hall/{edge}") == [])
        #expect(routes("plant/{group}-{edge}", "plant/{group}-{edge}") == [])
    }

    @Test("gateways that appear as another host, or as none, are configured differently")
    func digest() {
        let digests = [
            "", "sparkplug: { hostId: a }", "sparkplug: { hostId: b }", "sparkplug: { hostId: a, oldState: on }",
        ]
        .map { reading(Self.route + $0).definition?.digest }
        #expect(Set(digests).count == 4 && !digests.contains(nil))
    }
}
