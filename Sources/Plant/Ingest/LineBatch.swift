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

    /// What a series has its tags below, for its route.
    struct Base: Sendable, Hashable {
        let route: Int
        let path: TagPath
    }

    /// The name by which templates know the measurement.
    static let measurementName = "measurement"

    var scanner = LineProtocolScanner()
    /// In the order of the message, then by series.
    var points: ContiguousArray<Point> = []
    var fields: [LineProtocolField] = []
    /// As what the series of a point is bound.
    var key: [UInt8] = []
    /// What is new in this message, with whether its device is.
    var new: [Int: Bool] = [:]
    /// The tags that came with what is new.
    var newTags: Range<Int> = 0..<0
    private var found = FieldNames.Found()

    mutating func removeAll() {
        scanner.restart()
        points.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        new.removeAll(keepingCapacity: true)
        newTags = 0..<0
    }

    /// Makes the key of the point that has just been read: the same, however its tags are ordered.
    ///
    /// - Parameter number: of the topic for the route: two routes that share the topic have series of their own.
    mutating func makeKey(_ topic: borrowing Span<UInt8>, of number: Int, _ content: borrowing Span<UInt8>) {
        key.removeAll(keepingCapacity: true)
        for index in topic.indices { key.append(topic[index]) }
        // No topic and no name has a zero in it; behind that, L stands for a series and R for a further route.
        key.append(0)
        key.append(UInt8(ascii: "L"))
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: number).littleEndian) { key.append(contentsOf: $0) }
        append(scanner.measurement.range, content)
        if hasTagsInOrder(content) {
            guard let first = scanner.tags.first, let last = scanner.tags.last else { return }
            append(first.key.range.lowerBound - 1..<last.value.range.upperBound, content)
        } else {
            let order = scanner.tags.indices.sorted { left, right in
                let difference = Self.compare(scanner.tags[left].key.range, scanner.tags[right].key.range, content)
                return difference != 0 ? difference < 0 : left < right
            }
            for index in order {
                let tag = scanner.tags[index]
                // With the comma before it.
                append(tag.key.range.lowerBound - 1..<tag.value.range.upperBound, content)
            }
        }
    }

    private mutating func append(_ range: Range<Int>, _ content: borrowing Span<UInt8>) {
        for index in range { key.append(content[index]) }
    }

    private func hasTagsInOrder(_ content: borrowing Span<UInt8>) -> Bool {
        for index in scanner.tags.indices.dropFirst() {
            let (left, right) = (scanner.tags[index - 1].key.range, scanner.tags[index].key.range)
            if Self.compare(left, right, content) > 0 { return false }
        }
        return true
    }

    private static func compare(_ left: Range<Int>, _ right: Range<Int>, _ content: borrowing Span<UInt8>) -> Int {
        for offset in 0..<min(left.count, right.count) {
            let difference = Int(content[left.lowerBound + offset]) - Int(content[right.lowerBound + offset])
            if difference != 0 { return difference }
        }
        return left.count - right.count
    }

    /// Whether the point that has just been read has a field that a route looks for.
    mutating func hasField(
        of names: FieldNames, isAnyTaken: Bool, in content: borrowing Span<UInt8>
    ) -> Bool {
        if isAnyTaken { return true }
        _ = names.find(scanner.fields, in: content, into: &found)
        return names.ofRule.contains { found[$0] != nil }
    }

    /// What the tags of the point that has just been read have their names below, and what the names in templates stand for.
    func names(
        of route: RouteDefinition, in content: borrowing Span<UInt8>
    ) throws(MessageOutcome.Refusal) -> (base: TagPath, captures: [String: String]) {
        let topic = String(decoding: key.prefix { $0 != 0 }, as: UTF8.self)
        let measurement = Self.level(scanner.measurement.string(in: content))
        var tags: [String: String] = [:]
        for tag in scanner.tags { tags[tag.key.string(in: content)] = Self.level(tag.value.string(in: content)) }
        // A name of the topic goes before a tag that is called the same.
        let captures = tags.merging([Self.measurementName: measurement]) { _, own in own }
            .merging(route.topic.match(topic) ?? [:]) { _, ofTopic in ofTopic }
        for name in route.device.names + (route.lineTag?.names ?? []) where captures[name] == nil {
            throw .missingName(name)
        }
        do {
            if let tag = route.lineTag { return (try TagPath(tag.filled(captures) ?? ""), captures) }
            let levels = tags.keys.sorted { $0.precedesByBytes($1) }.compactMap { tags[$0] }
            return (try TagPath(([topic, measurement] + levels).joined(separator: "/")), captures)
        } catch {
            throw .path(error)
        }
    }

    /// A text as one level of a topic: what cannot stand in one is percent-encoded.
    private static func level(_ text: String) -> String {
        guard text.utf8.contains(where: { "/+#%".utf8.contains($0) }) else { return text }
        return text.replacing("%", with: "%25").replacing("/", with: "%2F").replacing("+", with: "%2B")
            .replacing("#", with: "%23")
    }
}
