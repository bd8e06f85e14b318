import Foundation
import Synchronization

/// Notes when the processor that it is tied to stood still: a virtual machine's host takes processors away, for milliseconds
/// at a time, and what was measured just then says nothing about who was measured.
///
/// Sleeps for ``StallWatch/period`` again and again and notes each time it was woken late. Ends with its standard input, and
/// prints `BEGIN END`, a line a stall, in microseconds since boot; a stall may have begun anywhere in the period before it
/// was noticed, and BEGIN is the period's begin. Whoever starts it ties it to a processor and gives it real-time priority:
/// otherwise waiting for a busy processor looks like a stall.
@main
struct StallWatch {
    /// Microseconds.
    static let period: Int64 = 300
    /// Less lateness than this is how the kernel wakes.
    static let tolerance: Int64 = 250

    private static let isEnding = Atomic<Bool>(false)

    static func main() {
        Thread {
            while readLine() != nil {}
            isEnding.store(true, ordering: .relaxed)
        }.start()
        var stalls: [(begin: Int64, end: Int64)] = []
        while !isEnding.load(ordering: .relaxed) {
            let begin = microseconds()
            let due = begin + period
            var time = timespec(tv_sec: Int(due / 1_000_000), tv_nsec: Int(due % 1_000_000 * 1000))
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
            let woken = microseconds()
            if woken - due > tolerance { stalls.append((begin, woken)) }
        }
        for stall in stalls { print(stall.begin, stall.end) }
    }

    private static func microseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
