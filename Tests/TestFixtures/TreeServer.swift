/// `linekeeper tree serve` on a free port.
public final class TreeServer: Sendable {
    public let port: Int
    private let program: LinekeeperProgram
    private let scratch: Scratch
    private let name: String
    private let arguments: [String]
    private let running = ProcessSlot()

    public var connectString: String { "127.0.0.1:\(port)" }
    public var process: ChildProcess? { running.current }

    /// Starts a server with its data below `scratch` and waits until it listens.
    public init(
        program: LinekeeperProgram, scratch: Scratch, name: String = "tree", tick: Duration = .milliseconds(200)
    ) async throws {
        port = try FreePort.tcp()
        self.program = program
        self.scratch = scratch
        self.name = name
        let milliseconds = tick.components.seconds * 1000 + tick.components.attoseconds / 1_000_000_000_000_000
        arguments = [
            "tree", "serve", "--data", scratch.file(name), "--listen", "127.0.0.1:\(port)", "--tick-ms",
            "\(milliseconds)",
        ]
        try await start()
    }

    /// Starts it (again) on the same port with the same data.
    public func start() async throws {
        let process = try program.start(arguments, name: name, in: scratch)
        running.current = process
        try await eventually("the tree server listens", within: .seconds(20), seen: { process.report() }) {
            guard process.isRunning else { throw FixtureError("the tree server ended\n" + process.report()) }
            return FreePort.isListening(port)
        }
    }

    public func stop() async { await running.current?.end() }
    public func kill9() async { await running.current?.kill9() }
}
