import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantee: "gateway paused (SIGSTOP) longer than its session, then continued: nothing that it does afterwards reaches
    /// the tree; it announces no alarm and sends no command as an owner".
    @Suite("Paused gateway")
    struct PausedGatewayTests {
        @Test("SIGSTOP for three session timeouts, then SIGCONT", .timeLimit(.minutes(5)), arguments: TreeKind.allCases)
        func stopAndContinue(_ kind: TreeKind) async throws {
            try await Stage.play("paused-\(kind)") { stage in
                // Given two gateways with sessions of two seconds, and the active one in the middle of its work,
                let broker = try await stage.broker()
                var configuration = PlantConfiguration(broker: broker.url, tree: .servers(try await stage.tree(kind)))
                configuration.sessionTimeout = "2s"
                let gateways = [
                    "gw-a": try stage.gateway("gw-a", configuration), "gw-b": try stage.gateway("gw-b", configuration),
                ]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let events = try await stage.alarmEvents(broker)
                let device = try await stage.device(broker)
                let plant = try await stage.plant(broker)
                plant.start(flipChance: 0.2)
                try await eventually("alarms move") { events.events.count > 10 }
                let before = try #require(try await reader.activeProcessor())
                let paused = try #require(gateways[before.gateway])
                let ownedBefore = try await reader.shardOwners().values.filter { $0.gateway == paused.id }.map(\.epoch)
                let watch = TagOrderWatch(reader, plant.tags)

                // when it is stopped with commands on their way to it,
                let devices = plant.devices
                let owned = try await devices.asyncFilter { try await reader.owner(device: $0) == paused.id }
                paused.pause()
                let stopped = ContinuousClock.now
                for (index, device) in owned.enumerated() {
                    let survivor = try #require(gateways.values.first { $0.id != paused.id })
                    let sent = try await stage.call(
                        ["command", "send", device, "stroke", "--id", "paused-\(index)", "--no-wait"], of: survivor)
                    #expect(sent.status == 0, "\(sent)")
                }
                let after = try await eventuallyValue("a successor", within: .seconds(20)) {
                    try await reader.activeProcessor().flatMap { $0.epoch == before.epoch ? nil : $0 }
                }
                #expect(after.gateway != before.gateway)
                try await Task.sleep(until: stopped + .seconds(6))

                // and continued while everything goes on,
                let eventsBefore = events.events.count
                let commandsBefore = device.arrivals.count
                paused.resume()
                try await eventually("announcements go on") { events.events.count > eventsBefore + 20 }
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                await plant.stop()
                try await Conditions.lastValuesStand(plant, reader)

                // then no entry, record or message of its old epoch comes after the successor's first one,
                let journal = try await reader.alarmJournal()
                let firstOfSuccessor = try #require(journal.first { $0.epoch == after.epoch }?.sequence)
                let late = journal.filter { $0.epoch == before.epoch && $0.sequence > firstOfSuccessor }
                #expect(late.isEmpty, "journal entries of the deposed epoch: \(late)")
                let lateEvents = events.events[eventsBefore...].filter { $0.record.epoch <= before.epoch }
                #expect(lateEvents.isEmpty, "announced by the deposed processor: \(lateEvents)")
                // no command is sent by an owner that was deposed, and none is sent twice,
                let lateCommands = device.arrivals[commandsBefore...].filter {
                    $0.epoch.map(ownedBefore.contains) ?? false
                }
                #expect(lateCommands.isEmpty, "sent by a deposed owner: \(lateCommands)")
                #expect(device.counts.allSatisfy { $0.value == 1 }, "\(device.counts)")
                // no tag ever went back to an older sample,
                let back = await watch.end()
                #expect(back.isEmpty, "\(back.count) went back, first \(back.prefix(5).joined(separator: "; "))")
                // and the alarms are those that the samples make.
                try await Conditions.journalHolds(plant.expectedChanges, reader)
                #expect(paused.isRunning)
            }
        }

        /// What was said while nobody listened waits at the broker. It is heard before time is let pass.
        @Test(
            "a lone gateway stopped for longer than devices may be silent and alarms are delayed",
            .timeLimit(.minutes(3)))
        func whatWasSaidMeanwhileCounts() async throws {
            try await Stage.play("paused-alone") { stage in
                // Given a gateway whose devices may be silent for two seconds, and which speak all the time,
                let broker = try await stage.broker()
                var configuration = PlantConfiguration(
                    broker: broker.url, tree: .servers(try await stage.treeServer().connectString))
                configuration.routes = PlantConfiguration.machineRoutes.replacingOccurrences(of: "600s", with: "2s")
                configuration.routes += """
                      - name: ovens
                        topic: oven/{oven}/{metric}
                        device: oven/{oven}
                        payload: json
                        value: /v
                        time: /ts

                    """
                configuration.alarms += """
                      - name: overheating
                        tags: oven/+/heat
                        high: { limit: 80, priority: high }
                        onDelay: 4s

                    """
                let gateway = try stage.gateway("gw-a", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a"], reader)
                let plant = try await stage.plant(broker)
                plant.start(flipChance: 0)
                func devices() async throws -> [String: String] {
                    var records: [String: String] = [:]
                    for device in plant.devices { records[device] = try await reader.text("/devices/" + device) }
                    return records
                }
                try await eventually("the devices are online") {
                    try await devices().values.allSatisfy { $0.contains("\"online\"") }
                }
                let before = try await devices()
                let oven = try await stage.link(broker, "oven")
                func milliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
                func heat(_ value: Double) async throws -> Int64 {
                    let now = milliseconds()
                    try await oven.publish("oven/1/heat", #"{"v": \#(value), "ts": \#(now)}"#)
                    return now
                }
                func isHeard(_ tag: String, since time: Int64) async throws {
                    try await eventually("\(tag) is heard") { try await reader.tag(tag)?.t ?? 0 >= time }
                }

                // when it is stopped for longer than that, more than once, and an oven is too hot from a moment before,
                // for less than its alarm's delay,
                for _ in 1...3 {
                    try await Conditions.standing(["gw-a"], reader)
                    try await isHeard("oven/1/heat", since: try await heat(90))
                    gateway.pause()
                    try await Task.sleep(for: .seconds(3.4))
                    let cooled = try await heat(60)
                    try await Task.sleep(for: .seconds(1.6))
                    gateway.resume()
                    let resumed = milliseconds()
                    try await isHeard("oven/1/heat", since: cooled)
                    try await isHeard(try #require(plant.tags.first), since: resumed)
                }

                // then each device has been online all the time, there was no alarm,
                try await Conditions.standing(["gw-a"], reader)
                #expect(try await devices() == before)
                let journal = try await reader.alarmJournal()
                #expect(journal.isEmpty, "\(journal)")
                // and one that stays too hot does raise it.
                _ = try await heat(90)
                try await eventually("the alarm") { try await !reader.alarmJournal().isEmpty }
                await plant.stop()
                #expect(gateway.isRunning)
            }
        }
    }
}

extension Sequence {
    func asyncFilter(_ isIncluded: (Element) async throws -> Bool) async rethrows -> [Element] {
        var result: [Element] = []
        for element in self where try await isIncluded(element) { result.append(element) }
        return result
    }
}
