import JSON
import LineProtocol
import OrderedCollections

// Points of line protocol: each is read as the object of its fields.
extension PayloadDecoder {
    /// Fills the workspace's readings with one for each value. False when the point has something that its topic has not shown
    /// before; the readings mean nothing then.
    ///
    /// - Parameters:
    ///   - fields: of one point.
    ///   - tags: has the tag of each value, from `first` on.
    func decode(
        _ fields: ArraySlice<LineProtocolField>, in payload: borrowing Span<UInt8>,
        tags: borrowing ContiguousArray<BoundTag>, from first: Int, limits: borrowing IngestLimits,
        workspace: inout Workspace
    ) -> Bool {
        workspace.readings.removeAll(keepingCapacity: true)
        workspace.quality = .good
        workspace.ownQualities.removeAll(keepingCapacity: true)
        let isKnown = self.fields.find(fields, in: payload, into: &workspace.fields)
        if !isKnown, !wildcards.isEmpty, !learnt.isClosed { return false }
        // A point that has nothing the route looks for leaves nothing out either: it is about something else.
        let isMeant = !wildcards.isEmpty || self.fields.ofRule.contains { workspace.fields[$0] != nil }
        for position in rules.indices {
            let isNumeric = tags[first &+ position].isNumeric
            let value = workspace.fields[self.fields.ofRule[position]]
            workspace.readings.append(reading(value, position, in: payload, isNumeric, limits, isMeant: isMeant))
        }
        if let quality, self.fields.ofQuality >= 0, let word = workspace.fields[self.fields.ofQuality] {
            workspace.quality = Self.verdict(quality, .scalar(Self.json(word, in: payload)))
        }
        for (rule, name) in zip(rules, self.fields.ofOwnQuality) {
            guard let quality = rule.quality, let word = workspace.fields[name] else {
                workspace.ownQualities.append(.good)
                continue
            }
            workspace.ownQualities.append(Self.verdict(quality, .scalar(Self.json(word, in: payload))))
        }
        return true
    }

    private func reading(
        _ value: LineProtocolField.Value?, _ position: Int, in payload: borrowing Span<UInt8>, _ isNumeric: Bool,
        _ limits: borrowing IngestLimits, isMeant: Bool
    ) -> Reading {
        do throws(DecodeFailure) {
            guard let value else {
                guard isMeant, let fallback = rules[position].fallback else { return .absent }
                return try checked(fallback, isNumeric: isNumeric)
            }
            let hasConversion = rules[position].conversion != nil
            let raw = try reading(
                .scalar(Self.json(value, in: payload)), isNumeric: isNumeric && !hasConversion, limits)
            return try converted(raw, position, isNumeric: isNumeric)
        } catch {
            return .unusable(error)
        }
    }

    /// The fields as an object.
    static func document(
        _ fields: some Sequence<LineProtocolField>, in payload: borrowing Span<UInt8>
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
