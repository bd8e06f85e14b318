import Primitives

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
    ///
    /// - Parameter options: further arguments of `linekeeper tree serve`.
    public init(
        program: LinekeeperProgram, scratch: Scratch, name: String = "tree", tick: Duration = .milliseconds(200),
        options: [String] = []
    ) async throws {
        port = try FreePort.tcp()
        self.program = program
        self.scratch = scratch
        self.name = name
        let milliseconds = tick.wholeMilliseconds
        arguments =
            [
                "tree", "serve", "--data", scratch.file(name), "--listen", "127.0.0.1:\(port)", "--tick-ms",
                "\(milliseconds)",
            ] + options
        try await start()
    }

    /// Starts it (again) on the same port with the same data.
    public func start() async throws {
        let process = try launch()
        try await eventually("the tree server listens", within: .seconds(20), seen: { process.report() }) {
            guard process.isRunning else { throw FixtureError("the tree server ended\n" + process.report()) }
            return FreePort.isListening(port)
        }
    }

    /// Starts it without waiting until it listens.
    @discardableResult
    public func launch() throws -> ChildProcess {
        let process = try program.start(arguments, name: name, in: scratch)
        running.current = process
        return process
    }

    public func stop() async { await running.current?.end() }
    public func kill9() async { await running.current?.kill9() }
}
