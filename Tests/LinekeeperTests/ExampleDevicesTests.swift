import Foundation
import JSON
import Plant
import TestFixtures
import Testing

extension EndToEnd {
    /// The example routes of all makes in one gateway, which hears what lies beside them as those devices say it.
    @Suite("Example routes at a real broker")
    struct ExampleDevicesTests {
        /// What the program lists, and what has to stand in it.
        private struct Listing {
            let stage: Stage
            let gateway: GatewayProcess

            private func rows(_ what: String) async throws -> [JSONValue] {
                let outcome = try await stage.call([what, "--json"], of: gateway)
                guard outcome.status == 0 else { throw FixtureError("\(outcome)") }
                return try outcome.lines.map { try JSONValue(parsing: Array($0.utf8)) }
            }

            /// Those of the plant, without the gateways' own.
            private func ofPlant(_ what: String, _ key: String) async throws -> [String: JSONValue] {
                let rows = try await rows(what).map { ($0[key]?.stringValue ?? "?", $0) }
                return Dictionary(rows.filter { !$0.0.hasPrefix("linekeeper/") }, uniquingKeysWith: { $1 })
            }

            func tags() async throws -> [String: JSONValue] { try await ofPlant("tags", "tag") }
            func devices() async throws -> [String: JSONValue] { try await ofPlant("devices", "device") }

            /// What does not stand as these lines of the examples say. A value is good, and its device online.
            func differences(from outcome: [String]) async throws -> [String] {
                async let listedTags = tags()
                async let listedDevices = devices()
                let (tags, devices) = try await (listedTags, listedDevices)
                var differences: [String] = []
                for line in outcome {
                    if let (device, isOnline) = ExampleMessage.presence(in: line) {
                        let state = devices[device]?["state"]?.stringValue ?? "none"
                        if state != (isOnline ? "online" : "offline") { differences.append("\(line): \(state)") }
                    } else if let tag = ExampleMessage.tag(in: line) {
                        let row = tags[tag]
                        let value = row?["v"].flatMap(TagValue.init(json:))?.description ?? "none"
                        let found = ExampleMessage.line(
                            tag: tag, value: value, unit: row?["u"]?.stringValue,
                            time: ExampleMessage.hasTime(line) ? row?["t"]?.intValue : nil)
                        let quality = row?["q"]?.stringValue ?? "none"
                        let device = ExampleDevicesTests.device(of: tag, among: devices.keys) ?? "?"
                        let state = devices[device]?["state"]?.stringValue ?? "none"
                        if found != line || quality != "good" || state != "online" {
                            differences.append("\(line): \(found), \(quality), \(device) \(state)")
                        }
                    }
                }
                return differences
            }

            /// Waits until everything stands as these lines say.
            func shows(_ outcome: [String]) async throws {
                try await eventually(
                    "what was said", within: .seconds(30), every: .milliseconds(50),
                    seen: { ((try? await differences(from: outcome)) ?? ["nothing listed"]).joined(separator: "\n") }
                ) { try await differences(from: outcome).isEmpty }
            }
        }

        /// The device of a tag of the examples: the one that it is below. The values of lines are below their topic instead.
        private static func device(of tag: String, among devices: some Sequence<String>) -> String? {
            let lines = "influx/"
            let path = tag.hasPrefix(lines) ? "telegraf/" + tag.dropFirst(lines.count) : tag
            return devices.filter { path.hasPrefix($0 + "/") }.max { $0.utf8.count < $1.utf8.count }
        }

        /// A gateway with these routes at a broker, where devices can say something.
        private static func makes(_ stage: Stage, routes: String) async throws -> (link: BrokerLink, listing: Listing) {
            let broker = try await stage.broker()
            let configuration = PlantConfiguration(
                broker: broker.url, tree: try stage.embeddedTree(), routes: routes, alarms: "alarms: []\n",
                commands: "commands: []\n")
            let gateway = try await stage.gatewayWithTree("gw-a", configuration)
            try await Conditions.standing(["gw-a"], try await stage.reader(configuration))
            return (try await stage.link(broker, "makes"), Listing(stage: stage, gateway: gateway))
        }

        /// Since 1970.
        private static var second: Int64 { Int64(Date().timeIntervalSince1970) }

        @Test(
            "values, units and times of all makes; Tasmota, zigbee2mqtt and Shelly are online, offline and online again by their own word",
            .timeLimit(.minutes(5)))
        func values() async throws {
            try await Stage.play("example-devices") { stage in
                // Given a gateway with the example routes of all makes,
                let (link, listing) = try await Self.makes(
                    stage, routes: try ExampleFiles.routes(of: ExampleFiles.makes))

                /// Has devices say something, measured now; by tag and device, what is to be of it in the end.
                var lastSecond: [String: Int64] = [:]
                func say(_ messages: [ExampleMessage]) async throws -> [String] {
                    var last: [String: String] = [:]
                    for message in messages {
                        // No two messages on a topic were measured in the same second, and none in one that has not come yet.
                        let next = (lastSecond[message.topic] ?? 0) + 1
                        try await eventually("the next second") { Self.second >= next }
                        let second = Self.second
                        lastSecond[message.topic] = second
                        let moved = try message.moved(to: second)
                        // The makes have the broker keep what tells of presence.
                        let isPresence = moved.outcome.contains { ExampleMessage.presence(in: $0) != nil }
                        try await link.publish(moved.topic, moved.payload, retain: isPresence)
                        for line in moved.outcome { last[ExampleMessage.tag(in: line) ?? message.topic] = line }
                    }
                    return Array(last.values)
                }

                // when the devices of all makes say one thing after the other, then each stands as the files say.
                let messages = try ExampleFiles.makes.map(ExampleMessage.all)
                for round in 0..<(messages.map(\.count).max() ?? 0) {
                    let outcome = try await say(messages.filter { round < $0.count }.map { $0[round] })
                    try await listing.shows(outcome)
                }

                // Nothing else became a tag or a device,
                let said = messages.joined().flatMap(\.outcome)
                let words = said.compactMap(ExampleMessage.presence)
                #expect(Set(try await listing.tags().keys) == Set(said.compactMap(ExampleMessage.tag)))
                let devices = Set(try await listing.devices().keys)
                let tagged = Set(said.compactMap(ExampleMessage.tag).compactMap { Self.device(of: $0, among: devices) })
                #expect(devices == tagged.union(words.map(\.device)))

                // and what the last words left offline has no good value, while the others are as they were.
                let gone = Set(words.filter { !$0.isOnline }.map(\.device))
                #expect(
                    gone == [
                        "tasmota/plug", "zigbee2mqtt/hall/lamp", "bridges/zigbee2mqtt", "shelly/shellyplus1pm-a1b2c3",
                    ])
                func isAsItShouldBe(_ row: JSONValue) -> Bool {
                    let device = Self.device(of: row["tag"]?.stringValue ?? "", among: devices) ?? ""
                    return row["q"]?.stringValue == (gone.contains(device) ? "stale" : "good")
                }
                try await eventually(
                    "their tags are stale, and no others",
                    seen: { "\((try? await listing.tags().values.filter { !isAsItShouldBe($0) }) ?? [])" }
                ) { try await listing.tags().values.allSatisfy(isAsItShouldBe) }

                // When they are there again, they are online and their values good.
                let again = messages.joined().filter { message in
                    message.outcome.contains { line in
                        if let (_, isOnline) = ExampleMessage.presence(in: line) { return isOnline }
                        return ExampleMessage.tag(in: line).flatMap { Self.device(of: $0, among: gone) } != nil
                    }
                }
                #expect(again.count > gone.count)
                try await listing.shows(try await say(again))
                #expect(try await listing.devices().values.allSatisfy { $0["state"]?.stringValue == "online" })
                #expect(try await listing.tags().values.allSatisfy { $0["q"]?.stringValue == "good" })
                #expect(listing.gateway.isRunning)
            }
        }

        /// The makes whose devices say nothing of being there, and how long their routes let them be silent.
        private static let silences = ["chirpstack": "25h", "rtl_433": "30m", "telegraf": "60s"]

        @Test(
            "ChirpStack, Telegraf and rtl_433 have no word of presence: by the staleAfter of their routes, here 3 s, they are stale, and online with their next value",
            .timeLimit(.minutes(5)))
        func staleness() async throws {
            try await Stage.play("example-silence") { stage in
                // Given a gateway with the routes of makes without presence, in which silence is noticed sooner,
                var routes = try ExampleFiles.routes(of: Self.silences.keys.sorted())
                #expect(!routes.contains("presence"))
                for silence in Self.silences.values {
                    let declared = "staleAfter: \(silence)\n"
                    #expect(routes.contains(declared))
                    routes = routes.replacingOccurrences(of: declared, with: "staleAfter: 3s\n")
                }
                let (link, listing) = try await Self.makes(stage, routes: routes)
                let messages = try Self.silences.keys.sorted().map { try #require(ExampleMessage.all(of: $0).first) }

                /// However long the looking takes, they do not fall silent before it is over.
                func speak() async throws {
                    try await eventually(
                        "the devices are heard", every: .milliseconds(50),
                        seen: { "\((try? await listing.tags()) ?? [:])" }
                    ) {
                        let moved = try messages.map { try $0.moved(to: Self.second) }
                        for message in moved { try await link.publish(message.topic, message.payload) }
                        return try await listing.differences(
                            from: moved.flatMap(\.outcome).map(ExampleMessage.withoutTime)
                        ).isEmpty
                    }
                }

                // when they have spoken and fall silent, then they are stale with their tags,
                try await speak()
                try await eventually(
                    "all are stale", seen: { "\((try? await listing.tags()) ?? [:])" }
                ) {
                    let (devices, tags) = (try await listing.devices(), try await listing.tags())
                    return devices.values.allSatisfy { $0["state"]?.stringValue == "stale" }
                        && tags.values.allSatisfy { $0["q"]?.stringValue == "stale" }
                }
                #expect(
                    Set(try await listing.devices().keys) == [
                        "lorawan/1f2e/0102030405060708", "radio/pi/Acurite-Tower/A/1234", "telegraf/press-pc",
                    ])

                // and with their next message they are back.
                try await speak()
            }
        }
    }
}
