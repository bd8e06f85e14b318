/// How fast a checkpoint is written.
///
/// What the log makes last waits behind whatever else the disk does. A checkpoint therefore takes its time: it should be
/// complete when the log has grown by nine tenths of what makes the next one due (PostgreSQL's
/// `checkpoint_completion_target`). Where the log grows faster than that, it does not rest at all, so the log cannot
/// outgrow its checkpoints; where the log stands still, it is bounded rests that let it end.
struct CheckpointPace: Sendable {
    /// About how many bytes the checkpoint will have.
    var checkpointBytes = 0
    /// How many bytes of log make one due.
    var logBytes = 0

    private static let target = 0.9
    private static let longestRest = Duration.milliseconds(4)

    /// How long to rest after a piece.
    ///
    /// - Parameters:
    ///   - took: How long the piece took.
    ///   - written: Bytes of the checkpoint that are written.
    ///   - logGrowth: Bytes of log since it began.
    func rest(after took: Duration, written: Int, logGrowth: Int) -> Duration {
        let isBehind = Double(logGrowth) * Double(checkpointBytes) > Double(written) * Double(logBytes) * Self.target
        return isBehind ? .zero : min(took * 8, Self.longestRest)
    }
}
