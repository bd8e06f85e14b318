import Plant
import Primitives
import TestFixtures
import Testing

@testable import PlantConfiguration

/// Documents made to exhaust their reader. Each must be refused, or read, in seconds.
@Suite("Bytes that mean no good", .timeLimit(.minutes(2)))
struct HostileDocumentTests {
    private static func problems(_ text: String, variables: [String: String] = [:]) -> [String] {
        problems(Array(text.utf8), variables: variables)
    }

    private static func problems(_ bytes: [UInt8], variables: [String: String] = [:]) -> [String] {
        PlantDefinition.read([ConfigurationDocument(name: "d", bytes: bytes)], variables: variables).problems
            .map(\.description)
    }

    /// Ten lists, each of ten aliases to the one before.
    private static let bomb = (1...10).map { level in
        let elements =
            level == 1 ? "[x, x]" : "[" + [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]"
        return "a\(level): &a\(level) \(elements)\n"
    }.joined()

    @Test(
        "aliases of aliases are refused where they become too many",
        arguments: [
            ("routes: *a10", "d:7:"), ("? *a10\n: x", "d:7:"), ("? [*a10]\n: x", "d:7:"),
            ("routes: [{*a10 : x}]", "d:7:"),
            ("routes: [{*a10}]", "d:7:"), ("routes: [*a10: x]", "d:7:"),
        ])
    func bombs(_ end: String, _ place: String) {
        expectProblem(
            Self.problems(Self.bomb + end), place, "mistake", "too many values when its aliases are written out")
    }

    @Test(
        "beside aliases a key is text: composing walks over keys before anything could be counted",
        arguments: [
            "a: &a [x]\n? *a\n: y", "a: &a [x]\nb: {? [*a] : y}", "a: &a [x]\nb: {*a : y}", "a: &a [x]\nb: [*a:y]",
            "a: &a [x]\nb: {*a}", "a: &a [x]\nb: {[*a, *a]}", "a: &a [x]\n? [*a]\n: y",
        ])
    func keys(_ text: String) {
        expectProblem(Self.problems(text), "d:2:", "mistake", "a key is not text")
    }

    @Test("a long text, many times over")
    func longAliases() {
        let text =
            "a: &a \"" + String(repeating: "x", count: 1 << 20) + "\"\nroutes: ["
            + [String](repeating: "*a", count: 100).joined(separator: ", ") + "]"
        expectProblem(Self.problems(text), "d:2:", "too many values when its aliases are written out")
    }

    @Test("aliases that make a document shorter are read; an asterisk is none")
    func aliasesAsMeant() throws {
        let reading = PlantDefinition.read(
            [
                document(
                    "d",
                    """
                    routes:
                      - &r
                        name: &n r
                        topic: "factory/{x}/{y}"   # *n is an alias
                        device: "factory/{x}"
                        payload: number
                        units: { &t factory/+/b : "*n &n" }
                        deadband: { *t : 2 }
                    alarms:
                      - { name: one, tags: "factory/+/a", high: &h { limit: 1 }, message: press *n }
                      - { name: two, tags: "factory/+/b", high: *h }
                    """)
            ], variables: [:])
        #expect(reading.problems == [])
        let plant = try #require(reading.definition)
        #expect(plant.routes[0].units.first?.unit == "*n &n" && plant.routes[0].deadbands.first?.change == .absolute(2))
        #expect(plant.alarms[0].high == plant.alarms[1].high && plant.alarms[0].message == "press *n")
    }

    @Test(
        "nesting",
        arguments: [("[", 1 << 20), ("{a: ", 1 << 18), ("- ", 1 << 20), ("? ", 1 << 20), ("[", 900)] as [(String, Int)])
    func nesting(_ unit: String, _ count: Int) {
        let text = String(repeating: unit, count: count) + (count < 1000 ? String(repeating: "]", count: count) : "")
        expectProblem(Self.problems(text), "d", "mistake")
    }

    @Test(
        "what is not text",
        arguments: [
            ([0xFF, 0xFE], "is not UTF-8 text"), ([0x61, 0xC3], "is not UTF-8 text"),
            ([0xED, 0xA0, 0x80], "is not UTF-8 text"),
            ([0x61, 0x3A, 0x20, 0x00], "is not YAML: control characters are not allowed"),
            ([0x22, 0x07, 0x22], "is not YAML: control characters are not allowed"), ([], "is empty"),
            ([0x22, 0x5C, 0x75, 0x44, 0x38, 0x30, 0x30, 0x22], "is not YAML: found invalid Unicode character"),
        ] as [([UInt8], String)])
    func notText(_ bytes: [UInt8], _ what: String) {
        expectProblem(Self.problems(bytes), "d:", "mistake", what)
    }

    @Test("what editors put in front does no harm")
    func byteOrderMark() throws {
        #expect(Self.problems([0xEF, 0xBB, 0xBF] + Array("routes: []\n".utf8)) == [])
        expectProblem(Self.problems([0xEF, 0xBB, 0xBF] + Array("routs: []\n".utf8)), "d:1:1: mistake")
    }

    @Test("documents are bounded one by one and together")
    func size() {
        let comment = "# " + String(repeating: "x", count: (16 << 20) - 2)
        expectProblem(Self.problems(comment), "d: mistake: is empty")
        expectProblem(Self.problems(comment + "x"), "d: mistake: is too large", "16777217 bytes", "at most 16MiB")
        let half = document("half", "routes: []\n# " + String(repeating: "x", count: 8 << 20))
        var other = half
        other.name = "other"
        let reading = PlantDefinition.read([half, other], variables: [:])
        #expect(reading.problems.count == 1)
        expectProblem(reading.problems.map(\.description), "other: mistake: is too large")
        // Sixteen million values in as many bytes.
        for unit in ["a,", "{},", "a\n- ", ": "] {
            let list = "routes: [" + String(repeating: unit, count: (15 << 20) / unit.utf8.count) + "]"
            expectProblem(Self.problems(list), "d: mistake: has too many values")
        }
    }

    @Test("many mistakes are counted, and long ones cut off")
    func manyProblems() throws {
        let entries = [String](repeating: "x", count: 30_000).joined(separator: ", ")
        let reading = PlantDefinition.read([document("d", "alarms: [\(entries)]")], variables: [:])
        #expect(reading.problems.count == DocumentCapacity.problems + 1)
        let last = try #require(reading.problems.last)
        #expect(last.what == "20000 further problems are not listed" && last.severity == .mistake)

        let doubtful = (0..<DocumentCapacity.problems).map { "{ filter: \"f\($0)\", area: a }" }
        let late = PlantDefinition.read(
            [
                document(
                    "d",
                    "routes: [{ name: r, topic: \"g/{x}\", payload: number }]\ntags: [\(doubtful.joined(separator: ", "))]\n"
                        + "alarms: [{ name: gateway-fault, tags: \"g/+\", high: { limit: 1 } }]")
            ], variables: [:])
        #expect(late.definition == nil)
        #expect(late.problems.last?.what == "1 further problems are not listed")

        let name = String(repeating: "n", count: 1 << 20)
        let keys = (0..<12_000).map { "k\($0): 1" }.joined(separator: ", ")
        let long = PlantDefinition.read([document("d", "alarms: [{ name: \(name), \(keys) }]")], variables: [:])
        #expect(long.problems.count > DocumentCapacity.problems)
        #expect(long.problems.allSatisfy { $0.what.utf8.count < 1000 })
        let text = Self.problems("routes: [{ name: r, topic: \"a/{x}\", payload: \(name) }]")
        #expect(text.allSatisfy { $0.utf8.count < 5000 } && !text.isEmpty)
    }

    @Test("variables do not multiply")
    func variables() {
        func problems(_ value: String) -> [String] {
            Self.problems(
                "alarms: [{ name: \"\(value)\", tags: a, high: { limit: 1 } }]",
                variables: ["A": String(repeating: "a", count: 1000)])
        }
        expectProblem(problems(String(repeating: "${A}", count: 1 << 18)), "d:1:18", "too much text in the place")
        let nested = String(repeating: "${B:-", count: 1 << 16) + String(repeating: "}", count: 1 << 16)
        expectProblem(problems(nested), "d:1:18", "too many defaults within each other")
        expectProblem(problems(String(repeating: "${B:-", count: 1 << 16)), "d:1:18", "has ${ without }")
        #expect(problems("${B:-${C:-${D:-x}}}") == [])
    }

    @Test("thousands of definitions of everything, each against all others")
    func many() throws {
        let numbers = 0..<1_500
        let text =
            "routes:\n"
            + numbers.map {
                "  - { name: r\($0), topic: \"f\($0)/{x}/{y}\", device: \"f\($0)/{x}\", payload: number }\n"
            }.joined() + "tags:\n"
            + numbers.map {
                "  - { filter: \"f\($0)/#\", area: a, range: { low: 0, high: 9 } }\n"
            }.joined() + "alarms:\n"
            + numbers.map {
                "  - { name: a\($0), tags: \"f\($0)/+/t\", high: { limit: 5 } }\n"
            }.joined() + "commands:\n"
            + numbers.map {
                "  - { name: go, devices: \"f\($0)/+\", topic: \"{device}/go\", execution: atMostOnce }\n"
            }.joined()
        let reading = PlantDefinition.read([document("d", text)], variables: [:])
        #expect(reading.problems == [])
        #expect(reading.definition?.commands.count == numbers.count)
    }

    @Test("the examples, cut off anywhere and with any bytes changed, never end the program")
    func mutations() throws {
        var random = SeededRandom(seed: 11)
        for name in ExampleConfiguration.plantDocuments + ["linekeeper.yaml"] {
            let sound = try ExampleConfiguration.document(name)
            let seam = [UInt8](":{}[]&*!|>'\"%@`#-?,\n\t $\0\u{FF}x".utf8)
            for _ in 0..<150 {
                var bytes = sound.bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let index = Int.random(in: bytes.indices, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[index] = seam.randomElement(using: &random) ?? 0
                    case 1: bytes.insert(seam.randomElement(using: &random) ?? 0, at: index)
                    case 2: bytes.remove(at: index)
                    default: bytes.removeSubrange(index...)
                    }
                    if bytes.isEmpty { break }
                }
                var changed = sound
                changed.bytes = bytes
                _ = PlantDefinition.read([changed], variables: [:])
                var reader = ConfigurationReader(variables: ["HOSTNAME": "g"], machine: InventedMachine())
                _ = reader.read(main: changed)
                _ = try? reader.configuration()
            }
        }
    }
}
