import Foundation

/// The built `linekeeper` program.
public struct LinekeeperProgram: Sendable {
    /// Absolute path of the executable.
    public let path: String

    /// The program at `path`, which must be absolute.
    public init(path: String) throws {
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw FixtureError("no linekeeper program at \(path)")
        }
        self.path = path
    }

    /// Finds it: `$LINEKEEPER_BINARY`, else beside the test bundle, else in `.build` of the package.
    public init() throws {
        let environment = ProcessInfo.processInfo.environment
        var candidates = [environment["LINEKEEPER_BINARY"]].compactMap { $0 }
        if candidates.isEmpty {
            let bundle = URL(fileURLWithPath: CommandLine.arguments.first ?? "").deletingLastPathComponent()
            let here = FileManager.default.currentDirectoryPath
            candidates = [
                bundle.path + "/linekeeper", here + "/.build/debug/linekeeper", here + "/.build/release/linekeeper",
            ]
        }
        guard let path = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw FixtureError(
                "no linekeeper program at \(candidates.joined(separator: ", ")); build it with: swift build --product linekeeper"
            )
        }
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// What a call of the program left behind.
    public struct Outcome: Sendable, CustomStringConvertible {
        public let arguments: [String]
        public let exit: ChildProcess.Exit
        public let output: String
        public let errors: String

        public var status: Int32? {
            if case .exited(let status) = exit { status } else { nil }
        }
        /// Lines of standard output.
        public var lines: [String] { output.split(separator: "\n").map(String.init) }
        public var description: String {
            "linekeeper \(arguments.joined(separator: " ")): \(exit)\n\(output)\(errors)"
        }
    }

    /// Runs a subcommand to its end. Throws when it has not ended within `deadline`.
    public func call(
        _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:],
        within deadline: Duration = .seconds(30)
    ) async throws -> Outcome {
        let calls = try scratch.folder("calls")
        let stem = "\(calls)/\(arguments.first ?? "none")-\(UUID().uuidString.prefix(8))"
        let process = try ChildProcess(
            name: "linekeeper \(arguments.joined(separator: " "))", executable: path, arguments: arguments,
            environment: environment, workingDirectory: scratch.path, output: stem + ".out", errors: stem + ".err")
        guard let exit = await process.waitForExit(within: deadline) else {
            await process.kill9()
            throw FixtureError("not done within \(deadline): \(process.report())")
        }
        return Outcome(arguments: arguments, exit: exit, output: process.output, errors: process.errors)
    }

    /// Starts a subcommand that stays; its output goes to `<name>.log` (appended when it was started before).
    public func start(
        _ arguments: [String], name: String, in scratch: Scratch, environment: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(
            name: name, executable: path, arguments: arguments, environment: environment,
            workingDirectory: scratch.path, output: scratch.file(name + ".log"))
    }
}
