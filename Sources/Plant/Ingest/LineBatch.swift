import LineProtocol

/// The points of one message in line protocol, by the series that they belong to: a measurement with its tags.
struct LineBatch: Sendable {
    struct Point: Sendable {
        /// The number of the topic as which its series is bound.
        let topic: Int
        let time: Int64?
        let fields: Range<Int>
        /// In the message.
        let position: Int
    }

    /// The name by which templates know the measurement.
    static let measurementName = "measurement"

    var scanner = LineProtocolScanner()
    /// In the order of the message, then by series and time.
    var points: ContiguousArray<Point> = []
    var fields: [LineProtocolField] = []
    /// The topic, a zero and the series as it is written: as what the series is bound.
    var key: [UInt8] = []
    /// What is new in this message, with whether its device is.
    var new: [Int: Bool] = [:]
    /// The tags that came with the series that are new.
    var newTags: Range<Int> = 0..<0

    mutating func removeAll() {
        scanner.restart()
        points.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        new.removeAll(keepingCapacity: true)
        newTags = 0..<0
    }

    /// Makes the key of the point that has just been read.
    mutating func makeKey(_ topic: borrowing Span<UInt8>, _ content: borrowing Span<UInt8>) {
        key.removeAll(keepingCapacity: true)
        for index in topic.indices { key.append(topic[index]) }
        key.append(0)
        let end = scanner.tags.last?.value.range.upperBound ?? scanner.measurement.range.upperBound
        for index in scanner.measurement.range.lowerBound..<end { key.append(content[index]) }
    }

    /// What the names in templates stand for in the point that has just been read, with the values of its tags in the order of
    /// their keys.
    func names(in content: borrowing Span<UInt8>) -> (captures: [String: String], levels: [String]) {
        let measurement = Self.level(scanner.measurement.string(in: content))
        var captures: [String: String] = [:]
        for tag in scanner.tags { captures[tag.key.string(in: content)] = Self.level(tag.value.string(in: content)) }
        let keys = captures.keys.sorted { $0.precedesByBytes($1) }
        let levels = [measurement] + keys.compactMap { captures[$0] }
        captures[Self.measurementName] = measurement
        return (captures, levels)
    }

    /// A text as one level of a topic: what cannot stand in one is percent-encoded.
    private static func level(_ text: String) -> String {
        guard text.utf8.contains(where: { "/+#".utf8.contains($0) }) else { return text }
        return text.replacing("/", with: "%2F").replacing("+", with: "%2B").replacing("#", with: "%23")
    }
}
