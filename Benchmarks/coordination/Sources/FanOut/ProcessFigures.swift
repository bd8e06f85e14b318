import Foundation

/// What the system tells of a process.
enum ProcessFigures {
    static func residentMegabytes(_ pid: Int32?) -> Double {
        guard let pid, let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else {
            return 0
        }
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS") }
        return Double(line?.split(separator: " ").dropFirst().first ?? "0").map { $0 / 1024 } ?? 0
    }

    /// Tells of a process's work even when the machine is busy with something else.
    static func processorMilliseconds(_ pid: Int32?) -> Double {
        guard let pid, let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task") else {
            return 0
        }
        return threads.reduce(0) { sum, thread in
            let path = "/proc/\(pid)/task/\(thread)/schedstat"
            let nanoseconds = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: " ").first
            return sum + (nanoseconds.flatMap { Double($0) } ?? 0) / 1e6
        }
    }

    static func ownProcessorMilliseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
    }
}
