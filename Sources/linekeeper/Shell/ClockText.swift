import Plant

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Moments in the machine's time zone.
enum ClockText {
    /// `2026-11-21 07:33:12.250`
    static func text(_ time: Milliseconds) -> String {
        var seconds = time_t(time / 1000)
        var parts = tm()
        // Total: beyond the years that the machine's calendar holds, the number.
        guard localtime_r(&seconds, &parts) != nil else { return "\(time) ms" }
        let date = "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        let fraction = Int32(truncatingIfNeeded: (time % 1000 + 1000) % 1000)
        return
            "\(date) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction < 100 ? "0" : "")\(two(fraction))"
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
