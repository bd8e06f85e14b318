import Foundation

extension ChildProcess {
    /// What each of its threads is doing, told by gdb; nil when it has ended or gdb is not installed.
    public func stacks(scratch: Scratch) -> String? {
        guard isRunning, let debugger = Self.find("gdb") else { return nil }
        let output = scratch.file("gdb-\(pid).log")
        guard
            let gdb = try? ChildProcess(
                name: "gdb", executable: debugger,
                arguments: [
                    "-p", "\(pid)", "-batch", "-ex", "set pagination off", "-ex", "thread apply all backtrace 30",
                ],
                output: output)
        else { return nil }
        for _ in 0..<600 where gdb.isRunning { usleep(50_000) }
        gdb.stop(SIGKILL)
        // gdb leaves the process stopped when it is killed half-way.
        signal(SIGCONT)
        return gdb.output
    }
}
