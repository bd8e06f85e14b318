public import Foundation

extension ChildProcess {
    /// Starts `program`, looked up in PATH and in the folders of system programs, with all its output in `logPath`.
    ///
    /// - Parameter install: the command that installs it, named in the error when it is missing.
    public convenience init(_ program: String, _ arguments: [String], logPath: String, install: String) throws {
        guard let executable = Self.find(program) else { throw FixtureError("\(program) is not installed: \(install)") }
        try self.init(name: program, executable: executable, arguments: arguments, output: logPath)
    }

    /// The absolute path of a program; nil when it is not installed.
    public static func find(_ program: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        // A user's PATH lacks the folders of system programs, where Debian puts brokers and servers.
        let folders =
            path.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"]
        return folders.map { $0 + "/" + program }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Its exit status, 128 and the signal's number when a signal ended it (as a shell says it); nil while it runs.
    public var exitStatus: Int32? {
        switch exit {
        case nil: nil
        case .exited(let status): status
        case .signalled(let number): 128 + number
        }
    }

    /// Everything it has written.
    public var log: String { outputPath == errorPath ? output : output + errors }

    /// Ends it with `number` and blocks until it is gone; SIGKILL follows when it takes longer than five seconds.
    public func stop(_ number: Int32 = SIGTERM) {
        signal(number)
        signal(SIGCONT)
        for round in 0..<10_000 where isRunning {
            if round == 5_000 { signal(SIGKILL) }
            usleep(1_000)
        }
    }
}
