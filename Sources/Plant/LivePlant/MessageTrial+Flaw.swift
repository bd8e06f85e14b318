import JSON
import LineProtocol

extension MessageTrial {
    /// What of a message could not be read, and where.
    package struct Flaw: Sendable {
        package let failure: DecodeFailure
        /// The tag whose value it is; nil where it is the time, or a message that has several values, or is no value.
        package let tag: TagPath?
        /// Where the route looks for what could not be read: JSON Pointers, with wildcards as the route has them; an empty one is
        /// the whole document. None where the payload is no document.
        package let places: [String]

        /// The one place, or the part of the document in which all places are.
        package var place: String? {
            guard var common = places.first?.split(separator: "/", omittingEmptySubsequences: false) else { return nil }
            for place in places.dropFirst() {
                let steps = place.split(separator: "/", omittingEmptySubsequences: false)
                common = zip(common, steps).prefix { $0 == $1 }.map(\.0)
            }
            return common.joined(separator: "/")
        }
    }

    /// - Parameter tags: of the plant that has read the message.
    package func flaw(of outcome: MessageOutcome?, in payload: [UInt8], tags: TagTable) -> Flaw? {
        guard let outcome, let failure = outcome.failure else { return nil }
        if let tag = outcome.flaw?.tag {
            let path = tags[tag].path
            return Flaw(failure: failure, tag: path, places: place(of: path).map { [$0] } ?? [])
        }
        // Of several routes nothing tells which one could not read it.
        guard takers.count == 1, let taker = takers.first else { return Flaw(failure: failure, tag: nil, places: []) }
        return Flaw(
            failure: failure, tag: failure == .invalidTime ? nil : taker.onlyTag,
            places: taker.places(of: failure, in: payload))
    }

    /// Where the value of a tag stands.
    private func place(of tag: TagPath) -> String? {
        for taker in takers {
            guard let base = taker.tagBase, tag.levels.starts(with: base.levels) else { continue }
            let name = tag.levels.dropFirst(base.levels.count)
            if let value = taker.route.values(named: name).first { return taker.text(of: "\(value.place)") }
        }
        return nil
    }
}

extension MessageTrial.Taker {
    /// The tag that every message on the topic is about; nil where there are several, or the messages say which.
    fileprivate var onlyTag: TagPath? {
        switch route.payload {
        case .json, .cbor, .number, .text, .bool, .bytes: route.isSingle && tags.count == 1 ? tags.first : nil
        case .nothing, .lines, .sparkplug: nil
        }
    }

    /// Where the route looks for what could not be read.
    fileprivate func places(of failure: DecodeFailure, in payload: [UInt8]) -> [String] {
        if isPresence { return route.presence?.pointer.map { ["\($0)"] } ?? [] }
        switch route.payload {
        case .json, .cbor: break
        case .lines:
            guard case .line(let error) = failure, error.reason != .missingTagValue,
                let key = Self.fieldKey(before: error.offset, in: payload)
            else { return [] }
            return ["\(JSONPointer(tokens: [key]))"]
        case .number, .text, .bool, .bytes, .nothing, .sparkplug: return []
        }
        switch failure {
        case .invalidTime: return route.time.map { [text(of: "\($0)")] } ?? []
        case .calledBad: return route.quality.map { [text(of: "\($0.place)")] } ?? []
        case .noElements, .brokenElements, .tooManyElements: return route.each.map { ["\($0)"] } ?? []
        default: return route.values.map { text(of: "\($0.place)") } + route.wildcards.map { text(of: "\($0.place)") }
        }
    }

    /// A place within the document. Where it is one within an element, `+` stands for the element.
    fileprivate func text(of place: String) -> String { route.each.map { "\($0)/+\(place)" } ?? place }

    /// The key of the field of line protocol whose value begins at a byte; nil when none does.
    private static func fieldKey(before start: Int, in payload: [UInt8]) -> String? {
        let end = start - 1
        guard payload.indices.contains(end), payload[end] == UInt8(ascii: "=") else { return nil }
        var key: [UInt8] = []
        var index = end - 1
        while index >= 0 {
            let isEscaped = index > 0 && payload[index - 1] == UInt8(ascii: "\\")
            let byte = payload[index]
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "=") {
                if !isEscaped { break }
                index -= 1
            }
            key.append(byte)
            index -= 1
        }
        return String(validating: key.reversed(), as: UTF8.self)
    }
}
