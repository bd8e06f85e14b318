import CampaignOracle
import Foundation
import Primitives
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol

/// What others do to tree and broker, or beside the gateways.
enum OutsiderFaults {
    /// In a quiet moment: who deletes what is not announced yet takes its announcement with it.
    static func deleteJournal(_ scene: Scene) async throws {
        try await scene.sensors.hush()
        try? await Task.sleep(for: .milliseconds(1000))
        scene.struck()
        try await scene.journal.deleteRoot()
        scene.sensors.resume()
    }

    /// Nodes in /gateways that are no gateways: some stay, some belong to a live session of a stranger (S3).
    static func ghosts(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        for number in 1...6 {
            let isEphemeral = number % 2 == 0
            try await scene.reader.client.create(
                "/gateways/ghost-\(number)", data: isEphemeral ? Array("{}".utf8) : nil,
                mode: isEphemeral ? .ephemeral : .persistent)
            try? await Task.sleep(for: random.milliseconds(0...100))
        }
    }

    /// A further gateway whose broker is not there, beside healthy ones (S4).
    static func wrongBroker(_ scene: Scene) async throws {
        guard let tree = scene.tree else { return }
        let configuration = CampaignFiles.configuration(
            plant: scene.plant, broker: "mqtt://127.0.0.1:\(try FreePort.tcp())",
            tree: .servers("127.0.0.1:\(tree.port)"))
        let stranger = try Seat(
            "gw-x", program: scene.program, configuration: configuration, scratch: scene.scratch)
        scene.onEnd { await stranger.close() }
        scene.struck()
        try stranger.start()
        // It has joined when the tree says so; what it takes away shows afterwards.
        try await eventually("the further gateway is a member", within: .seconds(10)) {
            try await scene.reader.gateways().contains("gw-x")
        }
        try? await Task.sleep(for: .seconds(1))
    }

    /// Somebody says again and again on the broker that both gateways are dead (S8).
    static func forgedWills(_ scene: Scene) async throws {
        scene.note { $0.forbidsUnknown = true }
        scene.commands.answer(after: 700...1300)
        try await eventually("both gateways have said that they live") { scene.ears.notices.count >= 2 }
        try await scene.journal.update()
        let before = scene.journal.takeovers
        scene.struck()
        for _ in 0..<30 {
            for (topic, notice) in scene.ears.notices {
                let forged = String(decoding: notice, as: UTF8.self).replacingOccurrences(
                    of: "\"online\"", with: "\"offline\"")
                try? await scene.ears.publish(topic, Array(forged.utf8), retain: true)
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
        try await scene.standing()
        try await scene.journal.update()
        // Each life may be doubted once, and returns once.
        let takeovers = scene.journal.takeovers - before
        if takeovers > 3 { scene.note { $0.complaints.append("\(takeovers) takeovers by forged last wills in 6 s") } }
    }

    /// A second gateway with the name of the first, in a process namespace of its own, so that each looks dead to the other
    /// (B19).
    static func sameName(_ scene: Scene) async throws {
        let named = await scene.active()
        guard let unshare = ChildProcess.find("unshare") else {
            throw FixtureError("unshare is not installed: apt-get install util-linux")
        }
        scene.struck()
        let twin = try ChildProcess(
            name: "twin", executable: unshare,
            arguments: [
                "--pid", "--fork", "--kill-child", scene.program.path, "run", "--config", named.configurationFile,
            ], workingDirectory: scene.scratch.path, output: scene.scratch.file("twin.log"))
        scene.onEnd { await twin.kill9() }
        try? await Task.sleep(for: .seconds(5))
        guard twin.isRunning else { return }
        await twin.kill9()
        try await scene.standing()
    }
}
