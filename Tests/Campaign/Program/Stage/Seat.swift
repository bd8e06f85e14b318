import Foundation
import Synchronization
import TestFixtures

/// One gateway of a round: its configuration, its process, and the links that can fail.
final class Seat: Sendable {
    let id: String
    let configurationFile: String
    /// nil where it reaches broker or tree directly.
    let brokerLink: FaultProxy?
    let treeLink: FaultProxy?
    /// Where its own tree listens, when it has one.
    let embeddedPort: Int?
    /// Where its clock can be set.
    let clock: SetClock?
    private let scratch: Scratch
    private let state: Mutex<(program: LinekeeperProgram, process: ChildProcess?)>

    init(
        _ id: String, program: LinekeeperProgram, configuration: PlantConfiguration, scratch: Scratch,
        brokerLink: FaultProxy? = nil, treeLink: FaultProxy? = nil, embeddedPort: Int? = nil,
        clock: SetClock? = nil
    ) throws {
        self.id = id
        self.scratch = scratch
        self.brokerLink = brokerLink
        self.treeLink = treeLink
        self.embeddedPort = embeddedPort
        self.clock = clock
        configurationFile = try configuration.write(gateway: id, to: scratch)
        state = Mutex((program, nil))
    }

    var process: ChildProcess? { state.withLock { $0.process } }

    /// Starts it (again), with another program where one is given.
    func start(_ other: LinekeeperProgram? = nil) throws {
        let program = state.withLock { state in
            if let other { state.program = other }
            return state.program
        }
        let process = try program.start(
            ["run", "--config", configurationFile], name: id, in: scratch, environment: clock?.environment ?? [:])
        state.withLock { $0.process = process }
    }

    /// kill -9 without waiting until it is gone.
    func strike() { process?.signal(SIGKILL) }
    func kill9() async { await process?.kill9() }
    func pause() { process?.signal(SIGSTOP) }
    func resume() { process?.signal(SIGCONT) }
    /// A clean stop.
    func stop() async { await process?.end(grace: .seconds(10)) }

    func close() async {
        await process?.end(grace: .seconds(3))
        brokerLink?.close()
        treeLink?.close()
    }
}
