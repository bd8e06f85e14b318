import Foundation
import TestFixtures
import Testing
import ZooKeeperClient

extension EndToEnd {
    /// Whoever can write into the tree, or make a gateway write there, can neither end a program that shows it nor steer the
    /// terminal of its reader.
    @Suite("Strange nodes")
    struct StrangeNodesTests {
        private static let numbers = [
            "-9223372036854775808", "-9007199254740993", "-1", "0", "9007199254740993", "253402300800000",
            "9223372036854775807", "1e308", "-1e308", "1e19",
        ]
        private static let text = "a\u{202E}b\u{2066}c\u{200B}d\u{2028}e\u{E0041}f\u{9B}g"

        @Test("every listing, with every number and every deceptive text", .timeLimit(.minutes(5)))
        func listings() async throws {
            try await Stage.play("strange") { stage in
                // Given a tree with records in which every number is strange, one after the other, and every text,
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(
                    broker: "mqtt://127.0.0.1:1", tree: .servers(tree.connectString))
                let reader = try await stage.reader(configuration)
                let client = reader.client
                try await client.ensureChroot()
                var count = 0
                func put(_ parent: String, _ name: (Int) -> String, _ template: String) async throws {
                    let places = template.split(separator: "#", omittingEmptySubsequences: false)
                    for number in Self.numbers {
                        for strange in 1..<places.count {
                            count += 1
                            var text = String(places[0])
                            for (index, part) in places.enumerated().dropFirst() {
                                text += (index == strange ? number : "1767225600000") + part
                            }
                            text = text.replacing("@", with: Self.text)
                            let path = parent + "/" + name(count)
                            try await client.ensurePath(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
                            try await client.create(path, data: Array(text.utf8))
                        }
                    }
                }
                try await put("/tags/factory/line1", { "m\($0)" }, #"{"v":#,"q":"good","t":#,"r":#,"u":"@"}"#)
                try await put(
                    "/devices/factory/line1", { "m\($0)" },
                    #"{"device":"@","route":"@","firstSeen":#,"state":"online","since":#}"#)
                let alarm =
                    #"{"alarm":"hot","tag":"factory/line1/m","state":"ACKED","condition":"high","priority":"high","eventId":"@","occurrence":#,"value":#,"limit":#,"since":#,"ackBy":"@","ackAt":#,"comment":"@","epoch":#,"changedAt":#,"sampledAt":#,"revision":#}"#
                try await put("/alarms/factory/line1/m", { "@hot\($0)" }, alarm)
                let command =
                    #"{"device":"factory/line1/m","command":"@","parameters":{"rpm":#,"text":"@"},"by":"@","requestedAt":#,"deadline":#,"timeout":#,"state":"FAILED","attempt":#,"sentAt":#,"finishedAt":#,"detail":"@","result":{"x":#},"epoch":#}"#
                try await put("/commands", { "c\($0)" }, command)
                try await put(
                    "/journal", { "entry-" + String(String(10_000_000_000 + $0).dropFirst()) },
                    #"{"kind":"alarm","at":#,"gateway":"@","epoch":#,"by":"@","transition":"ACT","record":\#(alarm)}"#)
                try await put(
                    "/journal", { "entry-" + String(String(10_000_000_000 + $0).dropFirst()) },
                    #"{"kind":"@","at":#,"gateway":"@","by":"@","transition":"@","count":#,"@":"@"}"#)
                try await put(
                    "/gateways", { "g\($0)" }, #"{"gateway":"@","host":"@","pid":#,"version":"@","started":#}"#)

                // then every program that shows them ends as it should, with text that does nothing, and JSON that is some.
                let place = ["--server", tree.connectString, "--plant", "test"]
                var calls: [[String]] = [
                    ["tags"], ["devices"], ["alarms", "--all"], ["journal", "--last", "0"], ["command", "list"],
                    ["status"], ["tree", "ls", "--recursive"],
                ]
                for name in try await reader.children("/commands").shuffled().prefix(10) {
                    calls.append(["command", "show", name])
                }
                for arguments in calls {
                    for isJSON in [false, true] {
                        let outcome = try await stage.program.call(
                            arguments + place + (isJSON ? ["--json"] : []), in: stage.scratch)
                        // Records that are none are named on standard error; ghosts below /gateways need a person.
                        #expect([0, 1].contains(outcome.status), "\(outcome)")
                        #expect(!outcome.output.isEmpty || outcome.status == 1, "\(outcome)")
                        for output in [outcome.output, outcome.errors] {
                            let strange = output.unicodeScalars.filter { scalar in
                                scalar != "\n"
                                    && [.control, .format, .lineSeparator, .paragraphSeparator]
                                        .contains(scalar.properties.generalCategory)
                            }
                            #expect(strange.isEmpty, "\(arguments): \(strange.map { $0.value })")
                        }
                        if isJSON, outcome.status == 0 {
                            for line in outcome.lines { #expect(JSONLine(line) != nil, "\(arguments): \(line)") }
                        }
                    }
                }
                let alarms = try await stage.program.call(["alarms", "--all", "--json"] + place, in: stage.scratch)
                let comment = alarms.lines.compactMap { JSONLine($0)?["comment"] as? String }.first
                #expect(comment.map { Array($0.unicodeScalars) } == Array(Self.text.unicodeScalars))
            }
        }

        @Test("check, with deceptive text in the configuration that it quotes", .timeLimit(.minutes(5)))
        func check() async throws {
            try await Stage.play("strange-check") { stage in
                let file = try stage.scratch.write(
                    """
                    plant: "a/\u{202E}b\\nlinekeeper.yaml: all is well"
                    gateway: g
                    "unknown\\e[2J\u{200B}": 1
                    mqtt: { broker: "mqtt://\u{2066}" }
                    tree: { embedded: { data: ./x } }

                    """, to: "strange.yaml")
                for isJSON in [false, true] {
                    let outcome = try await stage.program.call(
                        ["check", "--config", file] + (isJSON ? ["--json"] : []), in: stage.scratch)
                    #expect(outcome.status == 1, "\(outcome)")
                    let shown = outcome.output + outcome.errors
                    #expect(
                        shown.unicodeScalars.allSatisfy {
                            $0 == "\n" || ![.control, .format, .lineSeparator].contains($0.properties.generalCategory)
                        }, "\(outcome)")
                    #expect(!shown.split(separator: "\n").contains { $0.hasPrefix("linekeeper.yaml: all is well") })
                    if isJSON { for line in outcome.lines { #expect(JSONLine(line) != nil, "\(line)") } }
                }
            }
        }
    }
}
