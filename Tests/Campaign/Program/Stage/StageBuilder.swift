import CampaignOracle
import Foundation
import TestFixtures

/// Sets a round's stage: broker, tree, gateways, and those who publish, listen and answer.
struct StageBuilder: Sendable {
    let program: LinekeeperProgram
    let other: LinekeeperProgram?
    let apache: SharedApache
    let campaignScratch: Scratch

    func build(_ plan: RoundPlan, _ scratch: Scratch) async throws -> Scene {
        let plant = "round\(plan.number)"
        var cleanups: [@Sendable () async -> Void] = []
        do {
            return try await build(plan, plant, scratch, &cleanups)
        } catch {
            for cleanup in cleanups.reversed() { await cleanup() }
            throw error
        }
    }

    private func build(
        _ plan: RoundPlan, _ plant: String, _ scratch: Scratch, _ cleanups: inout [@Sendable () async -> Void]
    ) async throws -> Scene {
        let broker = try await Mosquitto(Self.brokerOptions(plan, scratch))
        cleanups.append {
            _ = try? scratch.write(broker.log, to: "mosquitto.log")
            broker.stop(SIGKILL)
        }
        let host = try await treeHost(plan, scratch)
        if let host, !isShared(plan) { cleanups.append { await host.close() } }
        let seats = try seats(plan, plant, scratch, broker, host)
        for seat in seats {
            cleanups.append { await seat.close() }
            // The first half of the gateways of a rolling upgrade begins with the other program.
            try seat.start(plan.kinds.contains(.upgrade) && seat.id == "gw-a" ? other : nil)
        }
        let reader = try await TreeReader("127.0.0.1:\(treePort(seats, host))/linekeeper/\(plant)")
        cleanups.append { await reader.close() }
        let ears = try await AlarmEars(port: broker.port, plant: plant)
        cleanups.append { await ears.close() }
        let sensors = try await Sensors(port: broker.port, scripts: CampaignPlant.scripts(plan))
        cleanups.append { await sensors.close() }
        let commands = try await CommandBench(port: broker.port, plant: plant)
        cleanups.append { await commands.close() }
        let scene = Scene(
            plan: plan, plant: plant, scratch: scratch, program: program, other: other, broker: broker, tree: host,
            seats: seats, reader: reader, ears: ears, sensors: sensors, commands: commands)
        for cleanup in cleanups { scene.onEnd(cleanup) }
        return scene
    }

    // MARK: Broker

    static let everything = "topic readwrite #\n"

    private static func brokerOptions(_ plan: RoundPlan, _ scratch: Scratch) throws -> Mosquitto.Options {
        var options = Mosquitto.Options()
        options.persistence = plan.settings.allSatisfy(\.keepsBroker)
        if plan.settings.contains(where: \.refusable) {
            let path = try scratch.write(everything, to: "mosquitto.acl")
            options.extra.append("acl_file \(path)")
        }
        return options
    }

    // MARK: Tree

    private func isShared(_ plan: RoundPlan) -> Bool {
        plan.tree == .apache && !plan.settings.contains { $0.ownTree }
    }

    private func treeHost(_ plan: RoundPlan, _ scratch: Scratch) async throws -> TreeHost? {
        switch plan.tree {
        case .embedded: nil
        case .served: .served(try await TreeServer(program: program, scratch: scratch))
        case .apache where isShared(plan): .apache(try await apache.server(campaignScratch))
        case .apache: .apache(try await ApacheZooKeeper(scratch: scratch))
        }
    }

    private func treePort(_ seats: [Seat], _ host: TreeHost?) -> Int {
        host?.port ?? seats.compactMap(\.embeddedPort).first ?? 0
    }

    // MARK: Gateways

    private func seats(
        _ plan: RoundPlan, _ plant: String, _ scratch: Scratch, _ broker: Mosquitto, _ host: TreeHost?
    ) throws -> [Seat] {
        try ["gw-a", "gw-b", "gw-c"].prefix(plan.gateways).map { id in
            let brokerLink =
                plan.settings.contains { $0.brokerLinks } ? try FaultProxy(target: broker.port) : nil
            let treeLink: FaultProxy? =
                if let host, plan.settings.contains(where: \.treeLinks) {
                    try FaultProxy(target: host.port)
                } else { nil }
            let tree: PlantConfiguration.Tree
            var embeddedPort: Int?
            if let host {
                tree = .servers("127.0.0.1:\(treeLink?.port ?? host.port)")
            } else {
                let port = try FreePort.tcp()
                embeddedPort = port
                tree = .embedded(data: scratch.file("tree"), port: port)
            }
            let configuration = CampaignFiles.configuration(
                plant: plant, broker: "mqtt://127.0.0.1:\(brokerLink?.port ?? broker.port)", tree: tree)
            let clock =
                plan.settings.contains(where: \.setsClocks) ? try SetClock(gateway: id, scratch: scratch) : nil
            return try Seat(
                id, program: program, configuration: configuration, scratch: scratch, brokerLink: brokerLink,
                treeLink: treeLink, embeddedPort: embeddedPort, clock: clock)
        }
    }
}
