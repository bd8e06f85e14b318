package import OrderedCollections

/// A JSON document of which parts may be broken: each broken part costs itself alone.
///
/// Firmware prints a bare `nan` for one of five sensors, and a full buffer cuts a message off. The strict reader refuses
/// such a document as a whole, and four healthy sensors with it. This one keeps every part that stands between sound
/// delimiters. It is asked only after `JSONScanner` has given up, so it need not be fast, only linear and bounded.
///
/// | document | becomes |
/// | --- | --- |
/// | valid | what `JSONValue(parsing:)` makes of it |
/// | a value that is no JSON (`nan`, `007`, a string with a line feed in it) | that value is broken |
/// | something between a value and the next delimiter (`1 x,`, a missing comma) | that value is broken, and so is every member that is not found in the same object |
/// | a number, a comma and a digit where a name should be (`21,5` for 21.5) | the same: the number is perhaps not whole |
/// | a name given twice | that member is broken |
/// | the end in the middle | the value that it cuts is broken, and so is every member that is not found |
/// | a brace that closes a bracket, or the reverse | what came before stands; every member that is not found is broken |
/// | a comma too many | nothing is lost |
/// | nothing, no JSON at all, or more than one document | refused |
package indirect enum SalvagedJSON: Sendable {
    /// A scalar.
    case sound(JSONValue)
    /// `rest` tells why members may be missing; nil when they are just not there.
    case object(OrderedDictionary<String, SalvagedJSON>, rest: JSONError?)
    case array([SalvagedJSON], rest: JSONError?)
    case broken(JSONError)

    /// Reads what can be read of one document. Throws when nothing can.
    package init(salvaging bytes: borrowing Span<UInt8>) throws(JSONError) {
        self = try JSONSalvage.document(bytes)
    }

    /// What stands at a place.
    package enum Part: Sendable {
        case missing
        case scalar(JSONValue)
        case container
        /// The place is broken, or lies in a part that is.
        case broken(JSONError)
    }

    /// What stands at that place.
    package func lookUp(_ pointer: JSONPointer) -> Part {
        var current = self
        for token in pointer.tokens {
            let (next, rest): (SalvagedJSON?, JSONError?) =
                switch current {
                case .broken(let error): (nil, error)
                case .sound: (nil, nil)
                case .object(let members, let rest): (members[token], rest)
                case .array(let elements, let rest):
                    (JSONPointer.arrayIndex(token).flatMap { $0 < elements.count ? elements[$0] : nil }, rest)
                }
            guard let next else { return rest.map { .broken($0) } ?? .missing }
            current = next
        }
        return switch current {
        case .broken(let error): .broken(error)
        case .sound(let value): .scalar(value)
        case .object, .array: .container
        }
    }

    /// The document without its broken parts; nil when nothing is left. A broken element of an array becomes `null`.
    package var soundParts: JSONValue? {
        switch self {
        case .broken: nil
        case .sound(let value): value
        case .object(let members, _): .object(members.compactMapValues(\.soundParts))
        case .array(let elements, _): .array(elements.map { $0.soundParts ?? .null })
        }
    }

    package var isBroken: Bool { if case .broken = self { true } else { false } }

    /// Whether nothing in it is broken.
    var isWhole: Bool {
        switch self {
        case .broken: false
        case .sound: true
        case .object(let members, let rest): rest == nil && members.values.allSatisfy(\.isWhole)
        case .array(let elements, let rest): rest == nil && elements.allSatisfy(\.isWhole)
        }
    }
}

extension JSONValue {
    /// What stands at a place, as of a document that may be broken.
    package func lookUp(_ pointer: JSONPointer) -> SalvagedJSON.Part {
        switch value(at: pointer) {
        case nil: .missing
        case .array, .object: .container
        case let value?: .scalar(value)
        }
    }
}

/// The reader behind `SalvagedJSON`. Recursion is bounded as in `JSONParser`, whose scalars it takes; every byte is
/// visited a fixed number of times.
private enum JSONSalvage {
    static func document(_ bytes: borrowing Span<UInt8>) throws(JSONError) -> SalvagedJSON {
        var index = 0
        JSONParser.skipWhitespace(bytes, &index)
        guard index < bytes.count else { throw JSONError(.empty, at: index) }
        let document: SalvagedJSON
        switch bytes[index] {
        case UInt8(ascii: "{"): document = object(bytes, &index, depth: 0)
        case UInt8(ascii: "["): document = array(bytes, &index, depth: 0)
        default:
            let start = index
            do throws(JSONError) {
                document = .sound(try JSONParser.parseValue(bytes, &index, depth: 0))
            } catch {
                throw named(error, bytes, start..<bytes.count)
            }
        }
        JSONParser.skipWhitespace(bytes, &index)
        guard index == bytes.count else { throw JSONError(.trailingBytes, at: index) }
        switch document {
        case .object(let members, let rest?):
            if members.values.allSatisfy(\.isBroken) { throw rest }
        case .array(let elements, let rest?):
            if elements.allSatisfy(\.isBroken) { throw rest }
        case .sound, .object, .array, .broken: break
        }
        return document
    }

    /// Reads from `{` past the `}` that closes it, or to the end.
    private static func object(_ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int) -> SalvagedJSON {
        index &+= 1
        var members = OrderedDictionary<String, SalvagedJSON>()
        var rest: JSONError?
        var last: String?
        while true {
            JSONParser.skipWhitespace(bytes, &index)
            guard index < bytes.count else {
                return .object(members, rest: rest ?? JSONError(.unexpectedEnd, at: index))
            }
            switch bytes[index] {
            case UInt8(ascii: ","):
                index &+= 1
                continue
            case UInt8(ascii: "}"):
                index &+= 1
                return .object(members, rest: rest)
            case UInt8(ascii: "]"):
                rest = rest ?? JSONError(.unexpectedByte, at: index)
                index = bytes.count
                return .object(members, rest: rest)
            default: break
            }
            let start = index
            do throws(JSONError) {
                let name = try JSONParser.parseName(bytes, &index)
                let value = value(bytes, &index, depth: depth &+ 1, rest: &rest)
                members[name] = members[name] == nil ? value : .broken(JSONError(.duplicateKey, at: start))
                last = name
            } catch {
                rest = rest ?? error
                // `21,5` is how half the world writes 21.5: the number before may not be whole.
                if bytes[start] &- UInt8(ascii: "0") < 10, let name = last, case .sound(let value) = members[name],
                    value.doubleValue != nil
                {
                    members[name] = .broken(error)
                }
                last = nil
                _ = skip(bytes, &index, from: start)
            }
        }
    }

    /// Reads from `[` past the `]` that closes it, or to the end.
    private static func array(_ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int) -> SalvagedJSON {
        index &+= 1
        var elements: [SalvagedJSON] = []
        var rest: JSONError?
        while true {
            JSONParser.skipWhitespace(bytes, &index)
            guard index < bytes.count else {
                return .array(elements, rest: rest ?? JSONError(.unexpectedEnd, at: index))
            }
            switch bytes[index] {
            case UInt8(ascii: "]"):
                index &+= 1
                return .array(elements, rest: rest)
            case UInt8(ascii: "}"):
                rest = rest ?? JSONError(.unexpectedByte, at: index)
                index = bytes.count
                return .array(elements, rest: rest)
            case UInt8(ascii: ","):
                elements.append(.broken(JSONError(.unexpectedByte, at: index)))
            default:
                elements.append(value(bytes, &index, depth: depth &+ 1, rest: &rest))
            }
            if index < bytes.count, bytes[index] == UInt8(ascii: ",") { index &+= 1 }
        }
    }

    /// Reads one value of an object or array, up to the delimiter after it.
    private static func value(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int, rest: inout JSONError?
    ) -> SalvagedJSON {
        JSONParser.skipWhitespace(bytes, &index)
        let start = index
        let error: JSONError
        var resumption = start
        do throws(JSONError) {
            let found: SalvagedJSON
            var isContainer = true
            switch index < bytes.count ? bytes[index] : 0 {
            case UInt8(ascii: "{") where depth < JSONParser.depthLimit: found = object(bytes, &index, depth: depth)
            case UInt8(ascii: "[") where depth < JSONParser.depthLimit: found = array(bytes, &index, depth: depth)
            default:
                found = .sound(try JSONParser.parseValue(bytes, &index, depth: depth))
                isContainer = false
            }
            JSONParser.skipWhitespace(bytes, &index)
            guard index < bytes.count else {
                // A container says itself what it lacks; a scalar at the end may be cut.
                return isContainer ? found : .broken(JSONError(.unexpectedEnd, at: index))
            }
            switch bytes[index] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): return found
            default: break
            }
            error = JSONError(.unexpectedByte, at: index)
            if isContainer { resumption = index }
        } catch let failure {
            error = failure
        }
        let strings = skip(bytes, &index, from: resumption)
        // Another member may have gone with it, unless the strings are the value's own one.
        let own = start < bytes.count && bytes[start] == UInt8(ascii: "\"") ? 1 : 0
        if strings > own { rest = rest ?? error }
        return .broken(named(error, bytes, start..<index))
    }

    /// Moves to the comma, brace or bracket that ends what begins at `start`, past strings and whatever is nested in it.
    /// Gives the number of strings.
    private static func skip(_ bytes: borrowing Span<UInt8>, _ index: inout Int, from start: Int) -> Int {
        var strings = 0
        index = start
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: ","):
                if depth == 0 { return strings }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return strings }
                depth &-= 1
            case UInt8(ascii: "\""):
                strings &+= 1
                index &+= 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index &+= bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                if index >= bytes.count {
                    // Not closed: whatever was to come is in it.
                    index = bytes.count
                    return strings &+ 1
                }
            default: break
            }
            index &+= 1
        }
        return strings
    }

    /// The error, by the name of what stands there when that is known.
    private static func named(_ error: JSONError, _ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> JSONError {
        JSONParser.isNotFinite(bytes, range) ? JSONError(.notFinite, at: range.lowerBound) : error
    }
}
