import JSON
import TestFixtures
import Testing

extension EndToEnd {
    /// The example routes and commands with devices that speak as those makes do: a command, and its effect.
    @Suite("Commands in the devices' own form")
    struct DeviceCommandTests {
        private static let makes = ["tasmota", "zigbee2mqtt", "shelly", "chirpstack"]

        private static func configuration(_ broker: Mosquitto, _ tree: String, more: String = "") throws
            -> PlantConfiguration
        {
            PlantConfiguration(
                broker: broker.url, tree: .servers(tree),
                routes: try ExampleFiles.routes(of: makes),
                alarms: "alarms: []\n",
                commands: "commands:\n"
                    + (try makes.map { try ExampleFiles.entries("\($0).commands.yaml", "commands") }
                        .joined(separator: "\n")) + more)
        }

        private static let correlating = """

              - name: do
                devices: "cell/{name}"
                topic: "cell/{name}/do"
                payload: { text: "go" }
                execution: idempotent
                answer: { topic: "cell/{name}/done", id: correlation, succeeded: { /result: { exists: true } } }

            """

        private func devices(_ stage: Stage, _ broker: Mosquitto) async throws -> HomeDevices {
            let devices = try await HomeDevices(port: broker.port)
            stage.onEnd { await devices.close() }
            return devices
        }

        @Test(
            "each example's commands have their effect, and are told by answer, tag, or neither",
            .timeLimit(.minutes(5)))
        func effects() async throws {
            try await Stage.play("device-commands") { stage in
                // Given a gateway with the example routes and commands,
                let broker = try await stage.broker()
                let configuration = try Self.configuration(
                    broker, try await stage.treeServer().connectString, more: Self.correlating)
                let gateway = try stage.gateway("gw-a", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a"], reader)
                let devices = try await devices(stage, broker)
                let check = try await stage.call(["check"], of: gateway)
                #expect(check.status == 0, "\(check)")
                devices.jam("jammed")

                func send(_ arguments: String..., becomes state: String, status: Int32 = 0) async throws {
                    let sent = try await stage.call(["command", "send"] + arguments, of: gateway)
                    #expect(sent.status == status, "\(arguments): \(sent)")
                    #expect(sent.output.contains("  \(state)"), "\(arguments): \(sent)")
                    if !state.contains(" ") { #expect(!sent.output.contains("\(state) VERIFIED"), "\(sent)") }
                }

                // Tasmota: a tag tells.
                try await send("tasmota/plug", "power", "on=true", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("plug", "POWER") == "ON")
                try await send("tasmota/plug", "power", "on=false", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("plug", "POWER") == "OFF")
                try await send("tasmota/strip", "power", "on=true", "output=POWER2", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("strip", "POWER2") == "ON")
                try await send("tasmota/lamp", "dimmer", "level=40", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("lamp", "Dimmer") == 40)
                try await send("tasmota/plug", "toggle", becomes: "PUBLISHED")
                try await eventually("toggled") { devices.value("plug", "POWER") == "ON" }
                #expect(devices.arrivals(on: "cmnd/plug/POWER") == ["ON", "OFF", "TOGGLE"])
                try await send("tasmota/jammed", "power", "on=true", becomes: "TIMED_OUT MISMATCH", status: 1)

                // zigbee2mqtt: its state tells, in a tag of a device with several levels, too.
                try await send("zigbee2mqtt/hall/lamp", "state", "on=true", becomes: "SUCCEEDED VERIFIED")
                try await send("zigbee2mqtt/hall/lamp", "brightness", "level=100", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("hall/lamp", "state") == "ON" && devices.value("hall/lamp", "brightness") == 100)
                try await send("zigbee2mqtt/desk", "state", "on=false", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("desk", "state") == "OFF")

                // Shelly: its answer tells, and its tag; when nothing changes, the answer alone.
                let shelly = "shelly/shellyplus1pm-a1"
                try await send(shelly, "switch", "on=true", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("shellyplus1pm-a1", "output") == true)
                try await send(shelly, "switch", "on=true", becomes: "SUCCEEDED")
                try await send(shelly, "toggle", becomes: "SUCCEEDED")
                #expect(devices.value("shellyplus1pm-a1", "output") == false)
                try await send(shelly, "switch", "on=true", "output=switch:3", becomes: "FAILED", status: 1)

                // ChirpStack: a later uplink tells, whatever its own events say.
                let valve = "lorawan/1f2e/0102030405060708"
                try await send(valve, "valve", "open=true", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("0102030405060708", "valve") == ["open": true])
                try await send(valve, "valve", "open=false", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("0102030405060708", "valve") == ["open": false])
                try await send(valve, "interval", "minutes=15", becomes: "SUCCEEDED VERIFIED")
                #expect(devices.value("0102030405060708", "interval") == 15)
                try await send(valve, "restart", becomes: "PUBLISHED")
                try await eventually("restarted") { devices.value("0102030405060708", "interval") == nil }
                try await send(valve, "valve", "open=false", becomes: "SUCCEEDED VERIFIED")
                devices.jam("0102030405060708")
                try await send(
                    valve, "valve", "open=true", "--timeout", "3s", becomes: "TIMED_OUT MISMATCH", status: 1)

                // MQTT 5: correlation data tells.
                try await send("cell/a", "do", becomes: "SUCCEEDED")

                // What cannot be a level of a topic is not sent.
                let wrong = try await stage.call(
                    ["command", "send", "tasmota/plug", "power", "on=true", "output=a/b"], of: gateway)
                #expect(wrong.status == 1 && wrong.errors.contains("output"), "\(wrong)")
                #expect(devices.arrivals(on: "cmnd/plug/POWER").count == 3)

                // Nothing is sent to see what would be.
                let trial = try await stage.call(
                    ["check", "--command", "power", "--device", "tasmota/plug", "on=true"], of: gateway)
                #expect(trial.status == 0 && trial.output.contains("topic   cmnd/plug/POWER, QoS 1"), "\(trial)")
                #expect(trial.output.contains("verify  tasmota/plug/POWER = true, within 5s"), "\(trial)")
                for (arguments, status) in [
                    (["--command", "power", "--device", "tasmota/plug"], 1),
                    (["--command", "powr", "--device", "tasmota/plug", "on=true"], 1),
                    (["--command", "power", "on=true"], 2), (["on=true"], 2),
                    (["--command", "power", "--device", "tasmota/plug", "--topic", "a"], 2),
                    (["--command", "toggle", "--device", "tasmota/plug", "--json"], 0),
                ] as [([String], Int32)] {
                    let outcome = try await stage.call(["check"] + arguments, of: gateway)
                    #expect(outcome.status == status, "\(arguments): \(outcome)")
                }
                #expect(devices.arrivals(on: "cmnd/plug/POWER").count == 3)
            }
        }

        private static let slow = """

              - name: once
                devices: "tasmota/{name}"
                topic: "cmnd/{name}/POWER"
                parameters: { on: { type: bool, map: { true: "ON", false: "OFF" } } }
                payload: { text: "{on}" }
                execution: atMostOnce
                timeout: 60s
                verify: { tag: "{device}/POWER", value: "{on}" }
              - name: again
                devices: "tasmota/{name}"
                topic: "cmnd/{name}/POWER"
                parameters: { on: { type: bool, map: { true: "ON", false: "OFF" } } }
                payload: { text: "{on}" }
                execution: idempotent
                timeout: 60s
                verify: { tag: "{device}/POWER", value: "{on}" }

            """

        @Test("the owner is killed while it verifies: its successor sees what the tags show", .timeLimit(.minutes(5)))
        func ownerDies() async throws {
            try await Stage.play("device-commands-takeover") { stage in
                // Given two gateways that share devices which take long to do what they are told,
                let broker = try await stage.broker()
                let configuration = try Self.configuration(
                    broker, try await stage.treeServer().connectString, more: Self.slow)
                let gateways = [try stage.gateway("gw-a", configuration), try stage.gateway("gw-b", configuration)]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let devices = try await devices(stage, broker)
                devices.take(.seconds(12))
                let names = (0..<10).map { "p\($0)" }
                func owned(by gateway: String) async throws -> [String] {
                    try await names.asyncFilter { try await reader.owner(device: "tasmota/" + $0) == gateway }
                }
                for name in names { try await devices.say("tele/\(name)/LWT", "Online") }
                try await eventually("the devices are shared", within: .seconds(30)) {
                    (1..<names.count).contains(try await owned(by: "gw-a").count)
                }
                let victims = try await owned(by: "gw-a")

                // when the owner of some dies after the devices have got their commands and before they have done them,
                func command(_ index: Int) -> String { index % 2 == 0 ? "once" : "again" }
                for (index, name) in names.enumerated() {
                    let sent = try await stage.call(
                        ["command", "send", "tasmota/" + name, command(index), "on=true", "--id", name, "--no-wait"],
                        of: gateways[1])
                    #expect(sent.status == 0, "\(sent)")
                }
                try await eventually("all of them are at their devices", within: .seconds(10)) {
                    names.allSatisfy { !devices.arrivals(on: "cmnd/\($0)/POWER").isEmpty }
                }
                try await eventually("and recorded as sent", within: .seconds(10)) {
                    try await names.asyncFilter { try await reader.command($0)?.state != "SENT" }.isEmpty
                }
                gateways[0].strike()

                // then every one is verified, and none that may be sent once was sent twice.
                try await eventually(
                    "every command has come to its end", within: .seconds(60),
                    seen: {
                        var seen: [String] = []
                        for name in names {
                            seen.append("\(name) \((try? await reader.command(name)?.state) ?? "none")")
                        }
                        return seen.joined(separator: ", ")
                    }
                ) {
                    try await names.asyncFilter { try await reader.command($0)?.state == "SENT" }.isEmpty
                }
                for (index, name) in names.enumerated() {
                    let record = try #require(try await reader.command(name))
                    #expect(record.state == "SUCCEEDED" && record.verification == "VERIFIED", "\(record)")
                    let count = devices.arrivals(on: "cmnd/\(name)/POWER").count
                    let isVictims = victims.contains(name)
                    if command(index) == "once" { #expect(count == 1, "\(name) was sent \(count) times") }
                    if isVictims { #expect(record.gateway == "gw-b", "\(record)") }
                }
            }
        }
    }
}
