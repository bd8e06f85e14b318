/// One value that the campaign published on one topic, at QoS 1, again and again with the same bytes until the broker had
/// acknowledged it.
package struct Sample: Sendable, Hashable {
    package let value: Double
    /// Its own time; for a topic without source times the moment at which it was first sent.
    package let time: Int64
    /// By the wall clock: when the broker had acknowledged it.
    package let acknowledgedAt: Int64
    /// How far a gateway's date may be from `time`: 0 with a source time.
    package let tolerance: Int64
    /// False when the broker may have forgotten it, or a named exception lets it be lost: then both histories are right.
    package var isCertain: Bool

    package init(
        value: Double, time: Int64, acknowledgedAt: Int64, tolerance: Int64 = 0, isCertain: Bool = true
    ) {
        self.value = value
        self.time = time
        self.acknowledgedAt = acknowledgedAt
        self.tolerance = tolerance
        self.isCertain = isCertain
    }
}
