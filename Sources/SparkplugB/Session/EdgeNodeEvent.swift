/// What follows from what an edge node has said, in the order in which it follows.
public enum EdgeNodeEvent: Hashable, Sendable {
    case sample(SparkplugSample)
    /// The tag has no value any more: its metric is not in the last birth, or its row is gone. `at` is when the message came that
    /// says so.
    case tagStale(SparkplugTagID, at: Int64)
    /// All tags of the device, or of the edge node itself, are stale unless it is online. What an edge node becomes that is not
    /// online, its devices become as well that only the caller knows. `at` is the moment that counts for the
    /// edge node, by its own clock where it has told it; `receivedAt` is when the message came, or the time ended.
    case stateChanged(SparkplugDeviceID, EdgeNodeState, at: Int64, receivedAt: Int64)
    /// The time in which devices follow the birth of their edge node is over. A device that the caller knows from before and that
    /// this session does not is not there, and a tag that it knows from before and that no birth has named has no value.
    case birthsOver(at: Int64)
    /// A rebirth request (``SparkplugCommand/rebirth(at:)``) is due. The caller publishes it when it can, unless
    /// ``EdgeNodeSession/isRebirthDue`` has become false, and says so with ``EdgeNodeSession/rebirthSent(at:)``.
    case rebirthNeeded(RebirthReason)
    /// A metric, a device or a value that is not taken; at most ``EdgeNodeCapacities/refusalsPerMessage`` per message are named,
    /// all are counted.
    case refused(SparkplugDeviceID, name: String, EdgeNodeRefusal)
    /// A message that is no payload.
    case unreadable(SparkplugMessageType, SparkplugError)
}

/// Whether an edge node or a device is there.
///
///     unborn ──birth──▶ online ──death──▶ offline
///        │               ▲  │               │
///        │               │  └──silence──▶ stale
///        │               └──────birth───────┘ (from stale also with the next message in order)
///        └──death──▶ offline, ──silence──▶ stale
public enum EdgeNodeState: String, Hashable, Sendable {
    /// Nothing has been heard of it that tells what its metrics are.
    case unborn
    case online
    /// Its death has been heard.
    case offline
    /// It has not answered, or a birth of its edge node was not followed by its own.
    case stale
}

/// Why a birth is needed.
public enum RebirthReason: String, Hashable, Sendable {
    case dataBeforeBirth = "data before a birth"
    case unknownMetric = "data of a metric that is in no birth"
    case unknownDevice = "data of a device that has not been born"
    case gap = "messages are missing"
    case missedMessages = "messages were missed while the broker was away"
    case silence = "nothing has been heard since the broker is back"
    case unclearDeath = "a death, and perhaps a birth behind it that was missed"
}

/// Why something that an edge node has named is not taken.
public enum EdgeNodeRefusal: Hashable, Sendable, CustomStringConvertible {
    case mistake(SparkplugError)
    case name(SparkplugTagName.Refusal)
    /// Another metric of the device has a value of that name already.
    case nameTaken
    case tooManyMetrics
    case tooManyNameBytes
    case tooManyDevices

    public var description: String {
        switch self {
        case .mistake(let error): error.description
        case .name(let refusal): refusal.description
        case .nameTaken: "another metric has a tag of this name"
        case .tooManyMetrics: "the edge node has too many metrics"
        case .tooManyNameBytes: "the names of the edge node are too long, taken together"
        case .tooManyDevices: "the edge node has too many devices"
        }
    }
}
