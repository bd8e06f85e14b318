/// Compares what the broker retains of the alarms with their records in the tree.
///
/// The broker's side comes in one message at a time, by ``retained(_:payload:)``; then ``differing(from:)`` says which
/// records have to be published again.
public struct RetainedComparison: Sendable {
    /// By what follows `…/alarms/` in the topic.
    private var payloads: [String: [UInt8]] = [:]

    public init() {}

    public var count: Int { payloads.count }

    /// The broker retains this message of an alarm.
    public mutating func retained(_ alarm: String, payload: [UInt8]) { payloads[alarm] = payload }

    /// The records that the broker has not, or of which it has another copy; the most urgent first. What the broker
    /// retains of an alarm that has no record is left alone.
    public func differing(from records: some Sequence<AlarmRecord>) -> [AlarmRecord] {
        records.filter { payloads[$0.path.description] != $0.serialized() }.sorted { left, right in
            if left.priority != right.priority { return left.priority > right.priority }
            let (isLeftActive, isRightActive) = (left.condition != .normal, right.condition != .normal)
            return isLeftActive != isRightActive ? isLeftActive : left.path < right.path
        }
    }
}
