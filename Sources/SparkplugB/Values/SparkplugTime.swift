/// Times in payloads, in milliseconds since 1970 UTC.
enum SparkplugTime {
    /// The moments that a clock shows: from 1970 to the end of the year 9999.
    static let shownByClocks: ClosedRange<Int64> = 0...253_402_300_799_999

    /// nil for what is no time.
    @inline(__always)
    static func checked(_ time: UInt64) -> Int64? {
        guard let time = Int64(exactly: time), shownByClocks.contains(time) else { return nil }
        return time
    }
}
