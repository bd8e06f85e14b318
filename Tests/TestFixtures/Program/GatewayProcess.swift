/// One gateway of a test: `linekeeper run` with a configuration of its own, stopped and started at will.
public final class GatewayProcess: Sendable {
    public let id: String
    /// Path of its `linekeeper.yaml`.
    public let configurationFile: String
    private let program: LinekeeperProgram
    private let scratch: Scratch
    private let running = ProcessSlot()

    public var process: ChildProcess? { running.current }

    /// Writes the configuration and starts the gateway; see ``TreeReader`` for conditions to wait for.
    public init(_ id: String, program: LinekeeperProgram, configuration: PlantConfiguration, scratch: Scratch) throws {
        self.id = id
        self.program = program
        self.scratch = scratch
        configurationFile = try configuration.write(gateway: id, to: scratch)
        try start()
    }

    /// Starts it (again).
    public func start() throws {
        running.current = try program.start(["run", "--config", configurationFile], name: id, in: scratch)
    }

    public var isRunning: Bool { running.current?.isRunning ?? false }
    /// A clean stop; its exit.
    @discardableResult
    public func stop() async -> ChildProcess.Exit? { await running.current?.end(grace: .seconds(20)) }
    public func kill9() async { await running.current?.kill9() }
    /// kill -9 without waiting for the process to be gone: the moment that a takeover is measured from.
    public func strike(_ number: Int32 = 9) { running.current?.signal(number) }
    public func pause() { running.current?.signal(19) }
    public func resume() { running.current?.signal(18) }
}
