import JSON
import LineProtocol
import OrderedCollections

// Points of line protocol: each is read as the object of its fields.
extension PayloadDecoder {
    /// Fills the workspace's readings with one for each value, or its news. On a throw they mean nothing.
    ///
    /// - Parameters:
    ///   - fields: of one point.
    ///   - tags: has the tag of each value, from `first` on.
    func decode(
        _ fields: ArraySlice<LineProtocolField>, in payload: borrowing Span<UInt8>,
        tags: borrowing ContiguousArray<BoundTag>, from first: Int, limits: borrowing IngestLimits,
        workspace: inout Workspace
    ) throws(DecodeFailure) {
        workspace.readings.removeAll(keepingCapacity: true)
        workspace.isBad = false
        let isKnown = self.fields.find(fields, in: payload, into: &workspace.fields)
        if !isKnown, !wildcards.isEmpty, !learnt.isClosed {
            let document = Self.document(fields, in: payload)
            workspace.news = learnt.news(
                in: document, wildcards: wildcards, others: namedPlaces, limit: limits.learntPerTopic)
            if !workspace.news.isEmpty { return }
        }
        var foundCount = 0
        for position in rules.indices {
            let isNumeric = tags[first &+ position].isNumeric
            guard let value = workspace.fields[self.fields.ofRule[position]] else {
                if let fallback = rules[position].fallback {
                    foundCount &+= 1
                    workspace.readings.append(try checked(fallback, isNumeric: isNumeric))
                } else {
                    workspace.readings.append(.absent)
                }
                continue
            }
            foundCount &+= 1
            let hasConversion = rules[position].conversion != nil
            let raw = try reading(
                .scalar(Self.json(value, in: payload)), isNumeric: isNumeric && !hasConversion, limits)
            workspace.readings.append(try converted(raw, position, isNumeric: isNumeric))
        }
        guard foundCount > 0 || !wildcards.isEmpty else { throw .missing }
        if let quality, self.fields.ofQuality >= 0, let word = workspace.fields[self.fields.ofQuality] {
            workspace.isBad = Self.isCalledBad(quality, .scalar(Self.json(word, in: payload)))
        }
    }

    private static func document(
        _ fields: ArraySlice<LineProtocolField>, in payload: borrowing Span<UInt8>
    ) -> SalvagedJSON {
        var members = OrderedDictionary<String, SalvagedJSON>()
        for field in fields { members[field.key.string(in: payload)] = .sound(json(field.value, in: payload)) }
        return .object(members, rest: nil)
    }

    private static func json(_ value: LineProtocolField.Value, in payload: borrowing Span<UInt8>) -> JSONValue {
        switch value {
        case .float(let number): .number(number)
        case .integer(let integer): .integer(integer)
        case .unsigned(let integer): Int64(exactly: integer).map(JSONValue.integer) ?? .number(Double(integer))
        case .bool(let bool): .bool(bool)
        case .text(let text): .string(text.string(in: payload))
        }
    }
}
