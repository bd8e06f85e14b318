import Foundation

/// What came of a run.
struct LoadResult {
    var name: String
    var operations: Int
    var seconds: Double
    /// Of each request, in nanoseconds.
    var latencies: [Int64] = []
    var errors = 0
    /// Processor time of this program during the load.
    var clientSeconds = 0.0

    var json: String {
        let sorted = latencies.sorted()
        func microseconds(_ share: Double) -> String {
            guard !sorted.isEmpty else { return "null" }
            let index = min(sorted.count - 1, Int(Double(sorted.count) * share))
            return String(format: "%.1f", Double(sorted[index]) / 1000)
        }
        let rate = String(format: "%.1f", Double(operations) / max(seconds, 1e-9))
        return "{\"load\":\"\(name)\",\"operations\":\(operations),\"seconds\":\(String(format: "%.3f", seconds)),"
            + "\"per_second\":\(rate),\"p50_us\":\(microseconds(0.5)),\"p99_us\":\(microseconds(0.99)),"
            + "\"p999_us\":\(microseconds(0.999)),\"max_us\":\(microseconds(1)),\"errors\":\(errors),"
            + "\"client_cpu_us_per_op\":\(String(format: "%.2f", clientSeconds * 1e6 / Double(max(1, operations))))}"
    }
}

/// Nanoseconds of a clock that never goes back.
func steadyNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Processor seconds that this process has used.
func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
