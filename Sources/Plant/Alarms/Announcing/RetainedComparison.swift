/// Compares what the broker retains of the alarms with their records in the tree.
///
/// The broker's side comes in one message at a time, by ``retained(_:payload:)``; then ``differing(from:)`` says which
/// records have to be published again.
public struct RetainedComparison: Sendable {
    /// What it holds at most, about 150,000 records: anybody who may publish there can have the broker retain more.
    public static let maximumBytes = 128 << 20
    /// What an entry costs beside its text.
    private static let bytesPerEntry = 128

    private let maximumBytes: Int
    /// By what follows `…/alarms/` in the topic.
    private var payloads: [String: [UInt8]] = [:]
    private var bytes = 0
    /// Messages for which there was no room. To the comparison the broker does not retain them, so that their records are
    /// published once too often.
    public private(set) var overflowed = 0

    public init(maximumBytes: Int = Self.maximumBytes) { self.maximumBytes = maximumBytes }

    public var count: Int { payloads.count }

    /// The broker retains this message of an alarm.
    public mutating func retained(_ alarm: String, payload: [UInt8]) {
        if let former = payloads.removeValue(forKey: alarm) { bytes -= Self.size(alarm, former) }
        let size = Self.size(alarm, payload)
        guard bytes + size <= maximumBytes else {
            overflowed += 1
            return
        }
        bytes += size
        payloads[alarm] = payload
    }

    private static func size(_ alarm: String, _ payload: [UInt8]) -> Int {
        alarm.utf8.count + payload.count + bytesPerEntry
    }

    /// The alarms of which the broker retains a record and that have none, in the order of their names. What is no record of
    /// the alarm that its topic names is left alone.
    public func strays(besides records: some Sequence<AlarmRecord>) -> [AlarmRecord] {
        let known = Set(records.map(\.path.description))
        return payloads.compactMap { name, payload in
            guard !known.contains(name), let record = try? AlarmRecord(parsing: payload),
                record.path.description == name
            else { return nil }
            return record
        }.sorted { $0.path < $1.path }
    }

    /// The records that the broker has not, or of which it has another copy; the most urgent first.
    public func differing(from records: some Sequence<AlarmRecord>) -> [AlarmRecord] {
        records.filter { payloads[$0.path.description] != $0.serialized() }.sorted { left, right in
            if left.priority != right.priority { return left.priority > right.priority }
            let (isLeftActive, isRightActive) = (left.condition != .normal, right.condition != .normal)
            return isLeftActive != isRightActive ? isLeftActive : left.path < right.path
        }
    }
}
