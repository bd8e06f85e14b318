import SparkplugB

/// What one message of an edge node says of one of its devices, or of the edge node itself: first whether it is there, then its
/// samples, then which tags have no value any more.
///
/// One message may release several: those that waited for it, or for the end of the time that they may wait.
struct EdgeRelease: Sendable {
    /// The number of the device's own topic.
    let topic: Int
    /// A device of the edge node that only the tree knows, and which has no topic; nil: the topic's.
    var device: DeviceID?
    /// When the message came that says it.
    let receivedAt: Milliseconds
    /// When it was sent, as it says, by a clock that can be right; nil when it does not say.
    var sentAt: Milliseconds?
    /// Whether its samples are from a birth, which tells values that may have changed long ago.
    var isBirth = false
    /// What the device has become; nil when it has stayed what it was.
    var state: EdgeNodeState?
    /// Of ``EdgeNodes/samples`` and ``EdgeNodes/staleTags``.
    var samples: Range<Int>
    var staleTags: Range<Int>
    var isNewDevice = false
}
