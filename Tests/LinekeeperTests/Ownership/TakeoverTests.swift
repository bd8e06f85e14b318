import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantee: "gateway process killed: no tag's last value, no alarm occurrence is lost; another gateway is active in
    /// well under a second".
    @Suite("Takeover")
    struct TakeoverTests {
        @Test(
            "kill -9 of the active gateway while sensors publish and alarms move", .timeLimit(.minutes(10)),
            arguments: TreeKind.allCases)
        func killActive(_ kind: TreeKind) async throws {
            try await Stage.play("takeover-\(kind)") { stage in
                // Given two gateways on one tree, sensors that publish and alarms that move.
                let broker = try await stage.broker()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(try await stage.tree(kind)))
                var gateways: [String: GatewayProcess] = [:]
                for id in ["gw-a", "gw-b"] { gateways[id] = try stage.gateway(id, configuration) }
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let events = try await stage.alarmEvents(broker)
                let plant = try await stage.plant(broker, machines: 16)
                plant.start(every: .milliseconds(25), flipChance: 0.15)

                var elected = Times()
                var announced = Times()
                for round in 1...Run.kills {
                    let before = events.events.count
                    try await eventually("alarms move") { events.events.count > before + 40 }
                    let active = try #require(try await reader.activeProcessor())
                    let victim = try #require(gateways[active.gateway])

                    // When the active one is killed,
                    let struck = ContinuousClock.now
                    victim.strike()

                    // then the other one is elected, and announces.
                    let next = try await eventuallyValue(
                        "another active alarm processor (round \(round))", within: .seconds(20), every: .milliseconds(2)
                    ) { try await reader.activeProcessor().flatMap { $0.epoch == active.epoch ? nil : $0 } }
                    elected.add(.now - struck)
                    #expect(next.gateway != active.gateway)
                    #expect(next.epoch > active.epoch)
                    let first = try await eventuallyValue("an announcement of the new epoch", within: .seconds(20)) {
                        events.events.first { $0.record.epoch == next.epoch }
                    }
                    announced.add(first.at - struck)

                    await victim.kill9()
                    try victim.start()
                    try await Conditions.standing(["gw-a", "gw-b"], reader)
                }
                await plant.stop()
                #expect(plant.failures.isEmpty)

                // In the end every occurrence is recorded exactly once, none is lost, and every tag holds its last value.
                try await Conditions.lastValuesStand(plant, reader)
                try await Conditions.journalHolds(plant.expectedChanges, reader)

                // Each recorded transition has been announced at least once; epochs of an alarm never go back.
                let journal = try await reader.alarmJournal()
                try await eventually(
                    "every recorded transition is announced",
                    seen: { "\(journal.count) recorded, \(Set(events.events.map(\.key)).count) announced" }
                ) {
                    Set(journal.compactMap(Self.key)).isSubset(of: Set(events.events.map(\.key)))
                }
                #expect(events.unreadable.isEmpty)
                var newest: [String: Int64] = [:]
                for event in events.events.withoutRepetitions {
                    let alarm = event.record.tag
                    #expect(
                        event.record.epoch >= newest[alarm, default: 0],
                        "\(alarm) announced by an older epoch: \(event)")
                    newest[alarm] = max(event.record.epoch, newest[alarm, default: 0])
                }
                let recorded = journal.count
                print(
                    """
                    takeover on \(kind.rawValue): elected after \(elected.description); first announcement after \
                    \(announced.description); \(plant.published) samples, \(recorded) transitions, \
                    \(events.events.count - Set(events.events.map(\.key)).count) announcements repeated
                    """)
                if Run.isLong { #expect(elected.median < .milliseconds(300)) }
            }
        }

        @Test(
            "a gateway that ends by a mistake of its own is replaced as fast as one that is killed",
            .timeLimit(.minutes(3)))
        func trap() async throws {
            try await Stage.play("takeover-trap") { stage in
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                var gateways: [String: GatewayProcess] = [:]
                for id in ["gw-a", "gw-b"] { gateways[id] = try stage.gateway(id, configuration) }
                let reader = try await stage.reader(configuration)
                for number in [SIGILL, SIGTRAP, SIGSEGV] {
                    try await Conditions.standing(["gw-a", "gw-b"], reader)
                    let active = try #require(try await reader.activeProcessor())
                    let victim = try #require(gateways[active.gateway])
                    let struck = ContinuousClock.now
                    victim.strike(number)
                    _ = try await eventuallyValue(
                        "another active alarm processor", within: .seconds(20), every: .milliseconds(2)
                    ) { try await reader.activeProcessor().flatMap { $0.epoch == active.epoch ? nil : $0 } }
                    let elapsed = ContinuousClock.now - struck
                    print("takeover after signal \(number): \(elapsed)")
                    // A back-trace would take seconds; the session ends after four.
                    #expect(elapsed < .seconds(2))
                    #expect(await victim.process?.waitForExit(within: .seconds(5)) == .signalled(number))
                    try victim.start()
                }
            }
        }

        private static func key(_ line: JournalLine) -> String? {
            guard let record = line.record, let transition = line.transition else { return nil }
            return record.eventId + " " + transition + " " + record.state
        }
    }
}
