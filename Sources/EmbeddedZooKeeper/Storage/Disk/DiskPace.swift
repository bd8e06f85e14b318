/// Whether the disk is so quick that waiting for it takes about as long as handing a batch to another thread and being
/// woken by it.
struct DiskPace {
    /// What all batches of late took, weighted towards the last ones.
    private var average = Duration.milliseconds(1)
    /// So many are left for the other thread after one that took long.
    private var probation = 0

    private static let quick = Duration.microseconds(300)
    private static let slow = Duration.milliseconds(5)
    private static let probationAfterSlow = 64

    var isQuick: Bool { probation == 0 && average < Self.quick }

    mutating func note(_ took: Duration) {
        if took >= Self.slow {
            probation = Self.probationAfterSlow
        } else if probation > 0 {
            probation -= 1
        }
        // One slow batch counts once, and not for long.
        average += (min(took, Self.slow) - average) / 8
    }
}
