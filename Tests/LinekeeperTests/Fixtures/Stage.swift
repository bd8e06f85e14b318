import Foundation
import Synchronization
import TestFixtures
import Testing

/// Everything that one end-to-end test has started: ended in the opposite order, its logs printed when the test failed.
final class Stage: Sendable {
    @TaskLocal static var current: Stage?

    /// Lets a failed expectation reach the stage it failed on.
    static var reportingLogs: IssueHandlingTrait {
        .compactMapIssues { issue in
            Stage.current?.state.withLock { $0.failed = true }
            return issue
        }
    }

    private struct State {
        var failed = false
        var cleanups: [@Sendable () async -> Void] = []
        var reports: [@Sendable () -> String] = []
    }

    let scratch: Scratch
    let program: LinekeeperProgram
    private let state = Mutex(State())

    private init(_ name: String) throws {
        scratch = try Scratch(name)
        program = try LinekeeperProgram()
    }

    /// Plays `body` on a new stage.
    static func play(_ name: String, _ body: (Stage) async throws -> Void) async throws {
        let stage = try Stage(name)
        print("[\(name)] seed \(Run.seed), LINEKEEPER_SEED repeats it")
        do {
            try await $current.withValue(stage) { try await body(stage) }
        } catch {
            stage.state.withLock { $0.failed = true }
            await stage.clear(name)
            throw error
        }
        await stage.clear(name)
    }

    private func clear(_ name: String) async {
        let (failed, reports) = state.withLock { ($0.failed, $0.reports) }
        if failed {
            print("[\(name)] failed; everything it wrote is in \(scratch.path)")
            for report in reports { print(report()) }
        }
        for cleanup in state.withLock({ $0.cleanups }).reversed() { await cleanup() }
        if !failed { scratch.remove() }
    }

    func onEnd(_ cleanup: @escaping @Sendable () async -> Void) { state.withLock { $0.cleanups.append(cleanup) } }
    func report(_ report: @escaping @Sendable () -> String) { state.withLock { $0.reports.append(report) } }

    // MARK: What stands on it

    func broker(_ options: Mosquitto.Options = .init()) async throws -> Mosquitto {
        let broker = try await Mosquitto(options)
        onEnd { broker.stop() }
        report { [scratch] in
            let log = broker.log
            _ = try? scratch.write(log, to: "mosquitto.log")
            return "---- mosquitto\n" + log.split(separator: "\n").suffix(30).joined(separator: "\n")
        }
        return broker
    }

    /// A tree server of its own, and how to reach it.
    func tree(_ kind: TreeKind) async throws -> String {
        switch kind {
        case .served:
            return try await treeServer().connectString
        case .apache:
            let server = try await ApacheZooKeeper(scratch: scratch)
            onEnd { await server.stop() }
            report { server.process?.report() ?? "" }
            return server.connectString
        }
    }

    func treeServer() async throws -> TreeServer {
        let server = try await TreeServer(program: program, scratch: scratch)
        onEnd { await server.stop() }
        report { server.process?.report() ?? "" }
        return server
    }

    func gateway(_ id: String, _ configuration: PlantConfiguration) throws -> GatewayProcess {
        let gateway = try GatewayProcess(id, program: program, configuration: configuration, scratch: scratch)
        onEnd { await gateway.stop() }
        report { [scratch] in
            // What each thread was doing tells a gateway that hangs from one that waits.
            if let stacks = gateway.process?.stacks(scratch: scratch) {
                _ = try? scratch.write(stacks, to: id + ".stacks")
            }
            return gateway.process?.report(lines: 100) ?? ""
        }
        return gateway
    }

    /// A tree that a gateway is to keep itself.
    func embeddedTree() throws -> PlantConfiguration.Tree {
        .embedded(data: scratch.file("tree-data"), port: try FreePort.tcp())
    }

    /// A gateway that keeps its tree itself, once the tree can be reached.
    func gatewayWithTree(_ id: String, _ configuration: PlantConfiguration) async throws -> GatewayProcess {
        let gateway = try gateway(id, configuration)
        guard let port = configuration.tree.connectString.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw FixtureError("no port in \(configuration.tree.connectString)")
        }
        try await eventually(
            "its tree listens", within: .seconds(20), seen: { gateway.process?.report() ?? "" }
        ) { FreePort.isListening(port) }
        return gateway
    }

    func reader(_ configuration: PlantConfiguration) async throws -> TreeReader {
        let reader = try await TreeReader(configuration.connectString)
        onEnd { await reader.close() }
        return reader
    }

    func plant(_ broker: Mosquitto, machines: Int = 8) async throws -> PlantPublisher {
        let plant = try await PlantPublisher(port: broker.port, machines: machines, seed: Run.seed)
        onEnd { await plant.close() }
        return plant
    }

    func alarmEvents(_ broker: Mosquitto) async throws -> AlarmEventRecorder {
        let recorder = try await AlarmEventRecorder(port: broker.port)
        onEnd { await recorder.close() }
        return recorder
    }

    func device(_ broker: Mosquitto, answerAfter: Duration? = .zero) async throws -> TestDevice {
        let device = try await TestDevice(port: broker.port, answerAfter: answerAfter)
        onEnd { await device.close() }
        return device
    }

    func link(_ broker: Mosquitto, _ name: String) async throws -> BrokerLink {
        let link = try await BrokerLink(port: broker.port, clientID: name)
        onEnd { await link.close() }
        return link
    }

    /// Calls the program with `--config` of `gateway`.
    func call(_ arguments: [String], of gateway: GatewayProcess, within deadline: Duration = .seconds(30)) async throws
        -> LinekeeperProgram.Outcome
    {
        try await program.call(arguments + ["--config", gateway.configurationFile], in: scratch, within: deadline)
    }
}
