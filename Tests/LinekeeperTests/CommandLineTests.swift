import Foundation
import TestFixtures
import Testing

@testable import linekeeper

extension EndToEnd {
    /// Exit statuses, `--json`, and messages that say what to do next.
    @Suite("Command line")
    struct CommandLineTests {
        @Test("exit statuses without anything running", .timeLimit(.minutes(2)))
        func statuses() async throws {
            try await Stage.play("cli-statuses") { stage in
                let configuration = PlantConfiguration(
                    broker: "mqtt://127.0.0.1:\(try FreePort.tcp())", tree: .servers("127.0.0.1:\(try FreePort.tcp())"))
                let file = try configuration.write(gateway: "nobody", to: stage.scratch)
                func status(_ arguments: String...) async throws -> LinekeeperProgram.Outcome {
                    try await stage.program.call(arguments, in: stage.scratch)
                }
                for help in [
                    ["--help"], ["run", "--help"], ["command", "send", "--help"], ["tree", "serve", "--help"],
                ] {
                    let outcome = try await stage.program.call(help, in: stage.scratch)
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(outcome.output.contains("USAGE"))
                }
                for wrong in [["no-such-thing"], ["tags", "--no-such-option"], ["command", "send"]] {
                    let outcome = try await stage.program.call(wrong, in: stage.scratch)
                    #expect(outcome.status == 2, "\(outcome)")
                    #expect(outcome.output.isEmpty)
                    #expect(!outcome.errors.isEmpty)
                }
                for unreachable in [["status"], ["tags"], ["alarms"], ["journal"], ["command", "list"]] {
                    let outcome = try await stage.program.call(unreachable + ["--config", file], in: stage.scratch)
                    #expect(outcome.status == 3, "\(outcome)")
                    #expect(!outcome.errors.isEmpty)
                }
                let missing = try await status("check", "--config", "nowhere.yaml")
                #expect(missing.status == 1 || missing.status == 2, "\(missing)")
                let good = try await status("check", "--config", file)
                #expect(good.status == 0, "\(good)")
            }
        }

        @Test(
            "output that cannot be written is an error; what cannot be said on standard error changes no status",
            .timeLimit(.minutes(5)))
        func unwritable() async throws {
            try await Stage.play("cli-output") { stage in
                let configuration = PlantConfiguration(broker: "mqtt://127.0.0.1:1", tree: .servers("127.0.0.1:2"))
                let file = try configuration.write(gateway: "nobody", to: stage.scratch)
                let errors = try stage.scratch.folder("errors") + "/text"
                func shell(_ command: String) throws -> (status: Int32, errors: String) {
                    let process = Process()
                    process.executableURL = URL(filePath: "/bin/sh")
                    process.arguments = [
                        "-c", command.replacingOccurrences(of: "PROGRAM", with: "'\(stage.program.path)'"),
                    ]
                    try process.run()
                    process.waitUntilExit()
                    return (process.terminationStatus, (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "")
                }
                for target in ["/dev/full", "&-"] {
                    for command in ["check --config '\(file)'", "--version"] {
                        let outcome = try shell("PROGRAM \(command) >\(target) 2>'\(errors)'")
                        #expect(outcome.status == 1, "\(command) >\(target)")
                        #expect(outcome.errors.contains("standard output cannot be written"), "\(outcome.errors)")
                    }
                }
                #expect(try shell("PROGRAM check --config '\(file)' 2>&- >/dev/null").status == 0)
                #expect(try shell("PROGRAM tags --no-such-option 2>/dev/full").status == 2)
                #expect(try shell("PROGRAM check --config '\(file)' | head -n 1 >/dev/null").status == 0)
            }
        }

        @Test("check names every mistake with file, line and what was expected", .timeLimit(.minutes(5)))
        func mistakes() async throws {
            try await Stage.play("cli-check") { stage in
                var configuration = PlantConfiguration(
                    broker: "mqtt://127.0.0.1:1883", tree: .servers("127.0.0.1:2181"))
                configuration.routes = PlantConfiguration.machineRoutes.replacingOccurrences(
                    of: "staleAfter", with: "stalAfter")
                configuration.alarms = PlantConfiguration.machineAlarms.replacingOccurrences(
                    of: "limit: 80", with: "limit: hot")
                configuration.commands = PlantConfiguration.machineCommands.replacingOccurrences(
                    of: "execution: atMostOnce", with: "execution: sometimes")
                let file = try configuration.write(gateway: "gw", to: stage.scratch)
                let outcome = try await stage.program.call(["check", "--config", file], in: stage.scratch)
                #expect(outcome.status == 1, "\(outcome)")
                let text = outcome.output + outcome.errors
                for (name, content, word) in [
                    ("routes.yaml", configuration.routes, "stalAfter"), ("alarms.yaml", configuration.alarms, "hot"),
                    ("commands.yaml", configuration.commands, "sometimes"),
                ] {
                    let lines = content.split(separator: "\n", omittingEmptySubsequences: false)
                    let line = try #require(lines.firstIndex { $0.contains(word) }) + 1
                    #expect(text.contains("\(name):\(line)"), "no mention of \(name):\(line) in:\n\(text)")
                    #expect(text.contains(word), "no mention of \(word) in:\n\(text)")
                }
            }
        }

        @Test("check shows what a topic and a payload would become", .timeLimit(.minutes(5)))
        func explain() async throws {
            try await Stage.play("cli-explain") { stage in
                let configuration = PlantConfiguration(
                    broker: "mqtt://127.0.0.1:1883", tree: .servers("127.0.0.1:2181"))
                let file = try configuration.write(gateway: "gw", to: stage.scratch)
                let known = try await stage.program.call(
                    [
                        "check", "--config", file, "--topic", "factory/line1/press1/temperature", "--payload",
                        "{\"v\":81.5}",
                    ],
                    in: stage.scratch)
                #expect(known.status == 0, "\(known)")
                #expect(known.output.contains("factory/line1/press1/temperature"))
                #expect(known.output.contains("81.5"))
                let dated = try await stage.program.call(
                    [
                        "check", "--config", file, "--topic", "factory/line1/press1/temperature", "--payload",
                        "{\"v\":20,\"ts\":1700000000000}",
                    ],
                    in: stage.scratch)
                #expect(dated.output.contains("source time \(ClockText.text(1_700_000_000_000))"), "\(dated)")
                // Numbers come from outside, and are of any size.
                for number in ["9.3e18", "-1e19", "1e308"] {
                    let huge = try await stage.program.call(
                        [
                            "check", "--config", file, "--topic", "factory/line1/press1/temperature", "--payload",
                            "{\"v\":\(number)}",
                        ],
                        in: stage.scratch)
                    #expect(huge.status == 0, "\(huge)")
                }
                let unknown = try await stage.program.call(
                    ["check", "--config", file, "--topic", "office/lamp", "--payload", "1"], in: stage.scratch)
                #expect(unknown.status == 1, "\(unknown)")
            }
        }

        @Test("check shows what a tag is and what cannot be read, and refuses an alarm that can never fire")
        func explainValues() async throws {
            try await Stage.play("cli-values") { stage in
                var configuration = PlantConfiguration(
                    broker: "mqtt://127.0.0.1:1883", tree: .servers("127.0.0.1:2181"))
                configuration.alarms += """
                    tags:
                      - { filter: factory/+/+/temperature, description: Oil, area: hall1/press, range: { low: 0, high: 120 } }

                    """
                let file = try configuration.write(gateway: "gw", to: stage.scratch)
                func trial(_ payload: String, _ more: String...) async throws -> LinekeeperProgram.Outcome {
                    try await stage.program.call(
                        [
                            "check", "--config", file, "--topic", "factory/line1/press1/temperature", "--payload",
                            payload,
                        ] + more, in: stage.scratch)
                }
                let quoted = try await trial("{\"v\":\"97.3\"}")
                #expect(quoted.status == 0 && quoted.output.contains("= 97.3"), "\(quoted)")
                #expect(quoted.output.contains("active: high"), "\(quoted)")
                #expect(quoted.output.contains("Oil; area hall1/press; range 0 to 120"), "\(quoted)")
                let json = try await trial("{\"v\":97,\"ts\":\"noon\"}", "--json")
                for part in [#""area":"hall1/press""#, #""range":{"low":0"#, #""q":"uncertain""#] {
                    #expect(json.output.contains(part), "\(part) in \(json)")
                }
                let time = try await trial("{\"v\":97,\"ts\":\"noon\"}")
                #expect(time.status == 0 && time.output.contains("the time of reception counts"), "\(time)")
                let text = try await trial("{\"v\":\"broken\"}")
                #expect(text.status == 1 && text.output.contains("where the tag has numbers"), "\(text)")
                #expect(text.output.contains("not evaluated until the next good value"), "\(text)")

                configuration.routes = configuration.routes.replacingOccurrences(
                    of: "payload: json\n    value: /v\n    time: /ts", with: "payload: bool")
                let blind = try configuration.write(gateway: "blind", to: stage.scratch)
                let refused = try await stage.program.call(["check", "--config", blind], in: stage.scratch)
                #expect(refused.status == 1 && refused.errors.contains("can never fire"), "\(refused)")
                #expect(!refused.output.contains("all is well"), "\(refused)")
            }
        }

        @Test("check --listen explains what arrives", .timeLimit(.minutes(5)))
        func listening() async throws {
            try await Stage.play("cli-listen") { stage in
                let broker = try await stage.broker()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers("127.0.0.1:2"))
                let file = try configuration.write(gateway: "gw", to: stage.scratch)
                func listen(_ more: String...) async throws -> LinekeeperProgram.Outcome {
                    try await stage.program.call(
                        ["check", "--config", file, "--listen", "3s"] + more, in: stage.scratch)
                }
                let silence = try await listen()
                #expect(silence.status == 1 && silence.errors.contains("nothing arrived on #"), "\(silence)")
                // The broker keeps them, so they arrive with the subscription.
                let link = try await stage.link(broker, "sensor")
                try await link.publish("factory/line1/press1/temperature", "{\"v\":71.5}", retain: true)
                try await link.publish("tele/plug1/SENSOR", "{}", retain: true)
                let heard = try await listen()
                #expect(heard.status == 0, "\(heard)")
                for part in [
                    "route   machines (", "factory/line1/press1/temperature = 71.5",
                    "route   machines took 1 message on 1 topic", "no route takes tele/plug1/#: 1 message",
                ] {
                    #expect(heard.output.contains(part), "\(part) in \(heard)")
                }
                try await link.publish("factory/line1/press2/temperature", "{\"v\":\"broken", retain: true)
                let broken = try await listen("--topic", "factory/+/press2/#", "--json")
                #expect(broken.status == 1 && !broken.output.contains("press1"), "\(broken)")
                #expect(broken.output.contains("\"understood\":false"), "\(broken)")
                let wrong = try await listen("--topic", "a/#/b")
                #expect(wrong.status == 2, "\(wrong)")
            }
        }

        @Test(
            "a recording that leaves its dates open is refused with the option that settles it", .timeLimit(.minutes(5))
        )
        func openDates() async throws {
            try await Stage.play("cli-replay") { stage in
                let file = try stage.scratch.write("time,a\n1/2/2024 13:05,45.5\n", to: "us.csv")
                let broker = "mqtt://127.0.0.1:\(try FreePort.tcp())"
                func replay(_ more: String...) async throws -> LinekeeperProgram.Outcome {
                    try await stage.program.call(["replay", file, "--broker", broker] + more, in: stage.scratch)
                }
                let open = try await replay()
                #expect(open.status == 1 && open.errors.contains("--dates day-first or --dates month-first"), "\(open)")
                #expect(try await replay("--dates", "sideways").status == 2)
                // Settled, it goes as far as the broker, which is not there.
                #expect(try await replay("--dates", "month-first").status == 3)
            }
        }

        @Test("a broker that refuses what a simulated plant publishes is named, with status 3", .timeLimit(.minutes(5)))
        func refusedPlant() async throws {
            try await Stage.play("cli-simulate") { stage in
                var options = Mosquitto.Options()
                options.extra = ["acl_file \(try stage.scratch.write("topic read #\n", to: "acl"))"]
                let broker = try await stage.broker(options)
                let outcome = try await stage.program.call(
                    ["simulate", "--broker", broker.url, "--devices", "1", "--duration", "1s"], in: stage.scratch)
                #expect(outcome.status == 3 && outcome.output.contains("1 device, "), "\(outcome)")
                #expect(outcome.errors.contains("the broker refused the message"), "\(outcome)")
            }
        }

        @Test("a node is changed only if it has the version that is asked for", .timeLimit(.minutes(5)))
        func nodes() async throws {
            try await Stage.play("cli-tree") { stage in
                let tree = try await stage.treeServer()
                func call(_ arguments: String...) async throws -> LinekeeperProgram.Outcome {
                    try await stage.program.call(
                        ["tree"] + arguments + ["--root", "--server", tree.connectString], in: stage.scratch)
                }
                #expect(try await call("create", "/note", "a").status == 0)
                #expect(try await call("set", "/note", "b", "--if-version", "0").output == "version 1\n")
                #expect(try await call("set", "/note", "c", "--if-version", "0").status == 1)
                // As earlier versions spelled it.
                #expect(try await call("set", "/note", "c", "--version", "1").output == "version 2\n")
                let both = try await call("delete", "/note", "--version", "2", "--if-version", "2")
                #expect(both.status == 2, "\(both)")
                #expect(try await call("delete", "/note", "--if-version", "2").output == "deleted 1 node\n")
                let help = try await call("set", "--help")
                #expect(help.output.split(separator: "--version").count == 2, "\(help)")
                let root = try await call("stat", "/")
                #expect(root.output.contains("made with the tree") && !root.output.contains("ago"), "\(root)")
            }
        }

        @Test("listings, acknowledgement and commands against a running gateway", .timeLimit(.minutes(3)))
        func listings() async throws {
            try await Stage.play("cli-listings") { stage in
                // Given a gateway, a plant and an alarm,
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                var configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                configuration.alarms += "tags: [{ filter: factory/line1/#, area: hall1 }]\n"
                let gateway = try stage.gateway("gw-a", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a"], reader)
                let events = try await stage.alarmEvents(broker)
                let device = try await stage.device(broker)
                let link = try await stage.link(broker, "sensor")
                let tag = "factory/line1/press1/temperature"
                try await link.publish(tag, "{\"v\":91.5,\"ts\":\(Self.now())}")
                try await eventually("the alarm is announced") { events.events.contains { $0.record.tag == tag } }

                // every listing is a table for people and one JSON object a line for programs,
                for listing in [["status"], ["tags"], ["devices"], ["alarms"], ["journal"], ["command", "list"]] {
                    let table = try await stage.call(listing, of: gateway)
                    #expect(table.status == 0, "\(table)")
                    let json = try await stage.call(listing + ["--json"], of: gateway)
                    #expect(json.status == 0, "\(json)")
                    for line in json.lines { #expect(JSONLine(line) != nil, "\(listing) --json: \(line)") }
                }
                let tags = try await stage.call(["tags", "factory/line1/#", "--json"], of: gateway)
                #expect(tags.lines.count == 1)
                #expect(JSONLine(tags.lines.first ?? "")?["v"] as? Double == 91.5, "\(tags)")
                #expect(JSONLine(tags.lines.first ?? "")?["area"] as? String == "hall1", "\(tags)")
                let none = try await stage.call(["tags", "office/#", "--json"], of: gateway)
                #expect(none.output.isEmpty)
                let status = try await stage.call(["status"], of: gateway)
                #expect(status.output.contains("gw-a"))
                let acts = try await stage.call(["journal", "--kind", "operator"], of: gateway)
                #expect(acts.status == 0 && acts.output.isEmpty && acts.errors == "no entry of that kind\n", "\(acts)")
                let gateways = try await stage.call(["devices", "forget", "linekeeper/gateways/+"], of: gateway)
                #expect(gateways.status == 0 && gateways.errors.contains("by its name"), "\(gateways)")

                // an operator acknowledges from the command line, once,
                let ack = try await stage.call(
                    ["alarms", "ack", tag, "overtemperature", "--by", "anna", "--comment", "seen"], of: gateway)
                #expect(ack.status == 0, "\(ack)")
                try await eventually("the acknowledgement is recorded") {
                    try await reader.alarm(tag, "overtemperature")?.state == "ACKED"
                }
                let record = try await reader.alarm(tag, "overtemperature")
                #expect(record?.ackBy == "anna")
                #expect(record?.comment == "seen")
                try await eventually("and announced") { events.events.contains { $0.record.state == "ACKED" } }
                let unknown = try await stage.call(
                    ["alarms", "ack", "factory/line1/press1/nothing", "overtemperature"], of: gateway)
                #expect(unknown.status == 1, "\(unknown)")
                try await link.publish(tag, "{\"v\":20,\"ts\":\(Self.now())}")
                try await eventually("the acknowledged alarm goes back to normal") {
                    try await reader.alarm(tag, "overtemperature")?.state == "NORM"
                }

                // and sends commands: done, refused for its parameters, refused for its device's answer.
                let sent = try await stage.call(
                    ["command", "send", "factory/line1/press1", "setSpeed", "rpm=1200", "--id", "cli-1", "--json"],
                    of: gateway)
                #expect(sent.status == 0, "\(sent)")
                #expect(JSONLine(sent.lines.last ?? "")?["state"] as? String == "SUCCEEDED", "\(sent)")
                #expect(device.counts["cli-1"] == 1)
                let tooFast = try await stage.call(
                    ["command", "send", "factory/line1/press1", "setSpeed", "rpm=99999", "--id", "cli-2"], of: gateway)
                #expect(tooFast.status == 1, "\(tooFast)")
                #expect(device.counts["cli-2"] == nil)
                #expect(try await reader.command("cli-2")?.state ?? "REJECTED" == "REJECTED")
                let unknownCommand = try await stage.call(
                    ["command", "send", "factory/line1/press1", "dance", "--id", "cli-3"], of: gateway)
                #expect(unknownCommand.status == 1, "\(unknownCommand)")
                device.answer(after: nil)
                let silent = try await stage.call(
                    [
                        "command", "send", "factory/line1/press1", "setSpeed", "rpm=1", "--id", "cli-4", "--timeout",
                        "1s",
                    ],
                    of: gateway)
                #expect(silent.status == 1, "\(silent)")
                #expect(try await reader.command("cli-4")?.state == "TIMED_OUT")
                let show = try await stage.call(["command", "show", "cli-1", "--json"], of: gateway)
                #expect(JSONLine(show.lines.first ?? "")?["id"] as? String == "cli-1", "\(show)")
                let nowhere = try await stage.call(["command", "show", "never-was"], of: gateway)
                #expect(nowhere.status == 1, "\(nowhere)")

                // A clean stop ends with status 0 and takes the gateway's nodes with it.
                #expect(await gateway.stop() == .exited(0))
                try await eventually("its nodes are gone") {
                    guard try await reader.gateways().isEmpty else { return false }
                    return try await reader.candidates().isEmpty
                }
            }
        }

        @Test(
            "what nothing defines any more is named at the start, shown, acknowledged and removed",
            .timeLimit(.minutes(3)))
        func orphans() async throws {
            try await Stage.play("cli-orphans") { stage in
                // Given an alarm that stands when its definition is renamed,
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                var configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                let reader = try await stage.reader(configuration)
                let first = try stage.gateway("gw-a", configuration)
                try await Conditions.standing(["gw-a"], reader)
                let events = try await stage.alarmEvents(broker)
                let link = try await stage.link(broker, "sensor")
                let tag = "factory/line1/press1/temperature"
                try await link.publish(tag, "{\"v\":91.5,\"ts\":\(Self.now())}")
                try await eventually("the alarm is announced") { events.events.contains { $0.record.tag == tag } }
                #expect(await first.stop() == .exited(0))
                configuration.alarms = configuration.alarms.replacingOccurrences(of: "overtemperature", with: "tooHot")
                // (while nothing runs, alarms are no answer, and tags and devices come with a warning)
                for (listing, status) in [("alarms", 1), ("tags", 0), ("devices", 0)] as [(String, Int32)] {
                    let unattended = try await stage.call([listing], of: first)
                    #expect(unattended.status == status, "\(unattended)")
                    #expect(unattended.errors.contains("no gateway runs"), "\(unattended)")
                }
                let gateway = try stage.gateway("gw-a", configuration)
                try await Conditions.standing(["gw-a"], reader)

                // then the gateway says so, the listing shows it, and it can be acknowledged,
                let log = gateway.process?.log ?? ""
                #expect(log.contains("does not define any more") && log.contains("\(tag)/overtemperature"), "\(log)")
                func orphaned(_ listing: String...) async throws -> [String] {
                    try await stage.call(listing + ["--json"], of: gateway).lines
                        .filter { JSONLine($0)?["orphaned"] as? Bool == true }
                }
                #expect(try await orphaned("alarms").count == 1)
                #expect(try await orphaned("tags").isEmpty)
                #expect(try await orphaned("devices").isEmpty)
                let ack = try await stage.call(["alarms", "ack", tag, "overtemperature", "--by", "anna"], of: gateway)
                #expect(ack.status == 0, "\(ack)")

                // while its successor stays where it is;
                try await link.publish(tag, "{\"v\":92.5,\"ts\":\(Self.now())}")
                try await eventually("the renamed alarm") { try await reader.alarm(tag, "tooHot")?.state == "UNACK" }
                let standing = try await stage.call(["alarms", "forget", tag, "tooHot"], of: gateway)
                #expect(standing.status == 1 && standing.errors.contains("its tag is known"), "\(standing)")
                let online = try await stage.call(["devices", "forget", "factory/line1/press1"], of: gateway)
                #expect(online.status == 1 && online.errors.contains("online"), "\(online)")

                // and all that is orphaned goes, on the broker as well.
                let forgotten = try await stage.call(["alarms", "forget", "--orphaned", "--by", "anna"], of: gateway)
                #expect(forgotten.status == 0 && forgotten.output.contains("overtemperature"), "\(forgotten)")
                #expect(try await reader.alarm(tag, "overtemperature") == nil)
                #expect(try await orphaned("alarms").isEmpty)
                let journal = try await stage.call(["journal"], of: gateway)
                #expect(journal.output.contains("FORGOTTEN") && journal.output.contains("anna"), "\(journal)")
                try await eventually("the event") { events.allEvents.contains { $0.transition == "FORGOTTEN" } }
                // A route that is gone orphans its devices and tags; one removal takes all of a device.
                #expect(await gateway.stop() == .exited(0))
                configuration.routes = configuration.routes.replacingOccurrences(of: "machines", with: "machinery")
                    .replacingOccurrences(of: "factory/{line}", with: "works/{line}")
                configuration.alarms = configuration.alarms.replacingOccurrences(of: "factory/", with: "works/")
                let second = try stage.gateway("gw-a", configuration)
                try await Conditions.standing(["gw-a"], reader)
                for listing in [["tags"], ["devices"], ["alarms", "--all"]] {
                    let lines = try await stage.call(listing + ["factory/#", "--json"], of: second).lines
                    #expect(lines.count == 1 && lines.allSatisfy { JSONLine($0)?["orphaned"] as? Bool == true })
                }
                let device = try await stage.call(["devices", "forget", "--orphaned"], of: second)
                #expect(
                    device.output == "forgotten: device factory/line1/press1 with 1 tag and 1 alarm\n", "\(device)")
                for listing in [["tags"], ["devices"], ["alarms", "--all"]] {
                    #expect(try await stage.call(listing + ["factory/#", "--json"], of: second).lines.isEmpty)
                }
                let nothing = try await stage.call(["alarms", "forget", "--orphaned"], of: second)
                #expect(nothing.status == 0 && nothing.errors.contains("no alarm is orphaned"), "\(nothing)")
                for wrong in [["alarms", "forget", tag], ["tags", "forget"], ["devices", "forget", ""]] {
                    #expect(try await stage.call(wrong, of: second).status == 2)
                }
            }
        }

        private static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
    }
}
