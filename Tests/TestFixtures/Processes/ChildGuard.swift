import Foundation
import Synchronization

/// Ends the children of a test process that died without ending them itself (a crash, a kill, Ctrl-C).
///
/// A small shell reads the ids of children from a pipe that only this process holds open; when the pipe closes, it kills
/// those that are left. PR_SET_PDEATHSIG would not do: it fires when the *thread* that started the child ends.
final class ChildGuard: Sendable {
    static let shared = ChildGuard()

    /// Write end of the pipe; -1 when the guard could not be started (children then depend on the tests' own tidiness).
    private let pipe = Mutex<Int32>(-1)

    private init() {
        let script = """
            trap '' INT TERM HUP
            left=' '
            while read -r sign pid; do
                case $sign in
                    +) left="$left$pid " ;;
                    -) left=$(printf '%s' "$left" | sed "s/ $pid / /") ;;
                esac
            done
            for pid in $left; do kill -9 "$pid" 2>/dev/null; done
            """
        var ends: [Int32] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        SpawnActions.closeFrom(&actions, 3)
        var argv: [UnsafeMutablePointer<CChar>?] =
            ["/bin/sh", "-c", script].map { (text: String) in strdup(text) } + [nil]
        defer { argv.forEach { free($0) } }
        var pid: pid_t = 0
        if posix_spawn(&pid, "/bin/sh", &actions, nil, &argv, environ) == 0 {
            let end = ends[1]
            pipe.withLock { $0 = end }
        } else {
            close(ends[1])
        }
        close(ends[0])
    }

    func started(_ pid: pid_t) { tell("+ \(pid)\n") }
    func ended(_ pid: pid_t) { tell("- \(pid)\n") }

    private func tell(_ line: String) {
        pipe.withLock { pipe in
            guard pipe >= 0 else { return }
            _ = line.withCString { write(pipe, $0, strlen($0)) }
        }
    }
}
