public import Foundation
import Synchronization

/// A program started by a test, its output kept in files, ended by its process id.
///
/// Its process id stays reserved until ``exit`` is set: the zombie is reaped under the same lock that guards ``signal(_:)``,
/// so a signal can never reach a stranger that was given the id afterwards.
public final class ChildProcess: Sendable {
    /// How a process ended.
    public enum Exit: Sendable, Equatable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)

        public var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .signalled(let number): "signal \(number)"
            }
        }
    }

    public let name: String
    public let pid: pid_t
    /// Where its standard output and its standard error go; the same file when only one was named.
    public let outputPath: String
    public let errorPath: String
    private let state = Mutex<Exit?>(nil)

    /// Starts `executable` (an absolute path) with standard input from `input` (nothing when nil).
    ///
    /// - Parameter environment: added to the test's own.
    public init(
        name: String, executable: String, arguments: [String], environment: [String: String] = [:],
        workingDirectory: String? = nil, input: String? = nil, output: String, errors: String? = nil
    ) throws {
        self.name = name
        outputPath = output
        errorPath = errors ?? output
        pid = try Self.spawn(
            executable, arguments, environment, workingDirectory, input ?? "/dev/null", output, errors ?? output)
        ChildGuard.shared.started(pid)
        let pid = pid
        // One thread a child: it does nothing but wait, so that nobody has to poll for a death.
        Thread.detachNewThread { [self] in
            var info = siginfo_t()
            while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            state.withLock { exit in
                var status: Int32 = 0
                _ = waitpid(pid, &status, 0)
                exit = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
            }
            ChildGuard.shared.ended(pid)
        }
    }

    /// How it ended; nil while it runs (or is stopped).
    public var exit: Exit? { state.withLock { $0 } }
    public var isRunning: Bool { exit == nil }

    /// Sends a signal, unless the process has ended.
    public func signal(_ number: Int32) {
        state.withLock { exit in
            if exit == nil { _ = kill(pid, number) }
        }
    }

    /// Waits until it has ended; nil when it has not within `deadline`.
    public func waitForExit(within deadline: Duration) async -> Exit? {
        let end = ContinuousClock.now + deadline
        while exit == nil, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
        return exit
    }

    /// SIGTERM, and SIGKILL when it has not ended after `grace`. Works on a stopped process, too.
    @discardableResult
    public func end(grace: Duration = .seconds(5)) async -> Exit? {
        signal(SIGTERM)
        signal(SIGCONT)
        if let exit = await waitForExit(within: grace) { return exit }
        signal(SIGKILL)
        return await waitForExit(within: .seconds(10))
    }

    /// kill -9, and waits until it is gone.
    public func kill9() async {
        signal(SIGKILL)
        _ = await waitForExit(within: .seconds(10))
    }

    /// Everything it has written to standard output so far.
    public var output: String { Self.contents(of: outputPath) }
    /// Everything it has written to standard error so far.
    public var errors: String { Self.contents(of: errorPath) }

    /// The last lines of what it wrote, headed by its name: for a failed test's report.
    public func report(lines: Int = 60) -> String {
        var text = "---- \(name) (pid \(pid), \(exit.map { "\($0)" } ?? "running"))\n"
        for path in outputPath == errorPath ? [outputPath] : [outputPath, errorPath] {
            let all = Self.contents(of: path).split(separator: "\n", omittingEmptySubsequences: false)
            text += "---- \(path)\n" + all.suffix(lines).joined(separator: "\n") + "\n"
        }
        return text
    }

    private static func contents(of path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    private static func spawn(
        _ executable: String, _ arguments: [String], _ environment: [String: String], _ workingDirectory: String?,
        _ input: String, _ output: String, _ errors: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        if errors == output {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        } else {
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        }
        if let workingDirectory { SpawnActions.changeDirectory(&actions, workingDirectory) }
        SpawnActions.closeFrom(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The test runner may have signals blocked or ignored; a child starts with neither.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, executable, &actions, &attributes, &argv, &envp)
        guard code == 0 else {
            throw FixtureError("cannot start \(executable): \(String(cString: strerror(code)))")
        }
        return pid
    }
}
