import JSON

/// Reads the payloads of one route. Keeps no state; what it needs to work with is lent by `Ingest`.
///
/// A class only for speed: as a struct in the array of routes, its six references would be retained and released with
/// every message.
final class PayloadDecoder: Sendable {
    /// One value of a payload.
    enum Reading: Sendable {
        case value(TagValue)
        /// Not in this message; its tag keeps what it has.
        case absent
        case unusable(DecodeFailure)
    }

    /// What a payload said about its time.
    enum Time: Sendable {
        case none
        case at(Milliseconds)
        /// Something stands there that is no time.
        case unreadable
    }

    private enum Kind: Sendable {
        case json, number, text, bool
    }

    private let kind: Kind
    private let pointers: [JSONPointer]
    private let time: JSONPointer?
    private let plan: JSONScanPlan
    /// The plan's slot of each value, and of the time (-1 without one).
    private let valueSlots: ContiguousArray<Int>
    private let timeSlot: Int
    /// A single value must be there; of several, some may be missing.
    private let isSingle: Bool
    let valueCount: Int

    init(_ route: RouteDefinition) {
        var pointers: [JSONPointer] = []
        var isSingle = true
        switch route.payload {
        case .json(let value):
            kind = .json
            pointers = [value]
        case .jsonValues(let values):
            kind = .json
            pointers = values.map(\.pointer)
            isSingle = false
        case .number: kind = .number
        case .text: kind = .text
        case .bool: kind = .bool
        }
        self.pointers = pointers
        self.isSingle = isSingle
        time = route.time
        plan = JSONScanPlan(pointers + (route.time.map { [$0] } ?? []))
        valueSlots = ContiguousArray(plan.slots.prefix(pointers.count))
        timeSlot = route.time == nil ? -1 : (plan.slots.last ?? -1)
        valueCount = kind == .json ? pointers.count : 1
    }

    /// Fills `readings` with `valueCount` elements and gives the payload's time. On a throw `readings` means nothing.
    ///
    /// - Parameter isNumeric: of each of the route's values on this topic, from `first` on.
    @inline(__always)
    func decode(
        _ payload: borrowing Span<UInt8>, isNumeric: borrowing ContiguousArray<Bool>, from first: Int,
        limits: borrowing IngestLimits, scanner: inout JSONScanner, readings: inout ContiguousArray<Reading>,
        slowlyRead: inout UInt64
    ) throws(DecodeFailure) -> Time {
        readings.removeAll(keepingCapacity: true)
        switch kind {
        case .json:
            guard scanner.scan(payload, plan: plan) else {
                slowlyRead &+= 1
                return try decodeSlowly(
                    payload, isNumeric: isNumeric, from: first, limits: limits, scanner: &scanner, readings: &readings)
            }
            return try take(scanner, payload, isNumeric: isNumeric, from: first, limits: limits, readings: &readings)
        case .number:
            readings.append(.value(try Self.number(payload)))
        case .bool:
            guard let bool = Self.bool(payload) else { throw .notBool }
            readings.append(.value(.bool(bool)))
        case .text:
            let content = payload.extracting(PayloadContent.range(of: payload))
            guard content.count <= limits.textBytes else { throw .textTooLong(bytes: content.count) }
            let text = content.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
            guard let text else { throw .invalidUTF8 }
            readings.append(.value(.text(text)))
        }
        return .none
    }

    /// What a scan has found.
    @inline(__always)
    private func take(
        _ scanner: borrowing JSONScanner, _ payload: borrowing Span<UInt8>,
        isNumeric: borrowing ContiguousArray<Bool>, from first: Int, limits: borrowing IngestLimits,
        readings: inout ContiguousArray<Reading>
    ) throws(DecodeFailure) -> Time {
        var foundCount = 0
        for position in valueSlots.indices {
            let found = scanner.found[valueSlots[position]]
            if found.kind != .missing { foundCount &+= 1 }
            readings.append(try reading(found, payload, isNumeric: isNumeric[first &+ position], limits))
        }
        guard foundCount > 0 else { throw .missing }
        return timeSlot >= 0 ? time(scanner.found[timeSlot], payload) : .none
    }

    @inline(__always)
    private func reading(
        _ found: JSONScanner.Found, _ payload: borrowing Span<UInt8>, isNumeric: Bool, _ limits: borrowing IngestLimits
    ) throws(DecodeFailure) -> Reading {
        switch found.kind {
        case .integer: return .value(.integer(found.integer))
        case .number: return .value(.number(found.number))
        case .bool: return isNumeric ? try unusable(.boolForNumber) : .value(.bool(found.bool))
        case .text: return try text(payload.extracting(found.text), isNumeric: isNumeric, limits)
        case .missing: return try isSingle ? unusable(.missing) : .absent
        case .null: return try unusable(.null)
        case .container: return try unusable(.notScalar)
        }
    }

    /// A text that is known to be UTF-8. On a numeric tag it is a number in quotes, or unusable.
    private func text(
        _ text: borrowing Span<UInt8>, isNumeric: Bool, _ limits: borrowing IngestLimits
    ) throws(DecodeFailure) -> Reading {
        guard text.count <= limits.textBytes else { return try unusable(.textTooLong(bytes: text.count)) }
        guard isNumeric else {
            return .value(.text(text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }))
        }
        do throws(DecodeFailure) {
            return .value(try Self.number(text))
        } catch {
            return try unusable(error == .notNumber ? .textForNumber : error)
        }
    }

    /// Of a single value the whole message fails with it; of several only the one.
    private func unusable(_ failure: DecodeFailure) throws(DecodeFailure) -> Reading {
        if isSingle { throw failure }
        return .unusable(failure)
    }

    private func time(_ found: JSONScanner.Found, _ payload: borrowing Span<UInt8>) -> Time {
        switch found.kind {
        case .missing, .null: return .none
        case .integer: return .at(SourceTime.milliseconds(found.integer))
        case .number:
            if let time = SourceTime.milliseconds(found.number) { return .at(time) }
        case .text:
            if let time = SourceTime.milliseconds(payload.extracting(found.text)) { return .at(time) }
        case .bool, .container: break
        }
        return .unreadable
    }

    /// What the scanner does not understand as it stands: bytes around the document, rarer JSON, a document of which parts
    /// are broken.
    @inline(never)
    private func decodeSlowly(
        _ payload: borrowing Span<UInt8>, isNumeric: borrowing ContiguousArray<Bool>, from first: Int,
        limits: borrowing IngestLimits, scanner: inout JSONScanner, readings: inout ContiguousArray<Reading>
    ) throws(DecodeFailure) -> Time {
        let content = payload.extracting(PayloadContent.range(of: payload))
        if content.count < payload.count, scanner.scan(content, plan: plan) {
            return try take(scanner, content, isNumeric: isNumeric, from: first, limits: limits, readings: &readings)
        }
        let document: SalvagedJSON
        do throws(JSONError) {
            document = try SalvagedJSON(salvaging: content)
        } catch {
            throw DecodeFailure(error)
        }
        var foundCount = 0
        for position in pointers.indices {
            let part = document.lookUp(pointers[position])
            if case .missing = part {} else { foundCount += 1 }
            readings.append(try reading(part, isNumeric: isNumeric[first + position], limits))
        }
        guard foundCount > 0 else { throw .missing }
        return time.map { Self.time(of: document.lookUp($0)) } ?? .none
    }

    private static func time(of part: SalvagedJSON.Part) -> Time {
        switch part {
        case .missing, .scalar(.null): return .none
        case .scalar(.integer(let integer)): return .at(SourceTime.milliseconds(integer))
        case .scalar(.number(let number)):
            if let time = SourceTime.milliseconds(number) { return .at(time) }
        case .scalar(.string(let text)):
            let bytes = Array(text.utf8)
            if let time = SourceTime.milliseconds(bytes.span) { return .at(time) }
        case .scalar, .container, .broken: break
        }
        return .unreadable
    }

    private func reading(
        _ part: SalvagedJSON.Part, isNumeric: Bool, _ limits: borrowing IngestLimits
    ) throws(DecodeFailure) -> Reading {
        switch part {
        case .missing: return try isSingle ? unusable(.missing) : .absent
        case .broken(let error): return try unusable(DecodeFailure(error))
        case .container, .scalar(.array), .scalar(.object): return try unusable(.notScalar)
        case .scalar(.null): return try unusable(.null)
        case .scalar(.integer(let integer)): return .value(.integer(integer))
        case .scalar(.number(let number)): return .value(.number(number))
        case .scalar(.bool(let bool)): return isNumeric ? try unusable(.boolForNumber) : .value(.bool(bool))
        case .scalar(.string(let text)):
            let bytes = Array(text.utf8)
            return try self.text(bytes.span, isNumeric: isNumeric, limits)
        }
    }
}

extension PayloadDecoder {
    /// A decimal number as people and firmware write it: as in JSON, and with a leading `+`, leading zeros, or nothing
    /// before or after the point. Integers that fit stay integers.
    static func number(_ payload: borrowing Span<UInt8>) throws(DecodeFailure) -> TagValue {
        let range = PayloadContent.word(of: payload)
        if let value = plainNumber(payload, range) { return value }
        guard range.count <= JSONParser.numberLengthLimit else { throw .notNumber }
        var text: [UInt8] = []
        text.reserveCapacity(range.count &+ 2)
        var index = range.lowerBound
        if index < range.upperBound {
            if payload[index] == UInt8(ascii: "-") { text.append(payload[index]) }
            if payload[index] == UInt8(ascii: "-") || payload[index] == UInt8(ascii: "+") { index &+= 1 }
        }
        var digits = 0
        while index < range.upperBound, payload[index] &- UInt8(ascii: "0") < 10 {
            // Leading zeros are dropped; one digit must remain.
            if payload[index] != UInt8(ascii: "0") || digits > 0 {
                text.append(payload[index])
                digits &+= 1
            }
            index &+= 1
        }
        let hasInteger = index > range.lowerBound && payload[index &- 1] &- UInt8(ascii: "0") < 10
        if digits == 0 { text.append(UInt8(ascii: "0")) }
        if index < range.upperBound, payload[index] == UInt8(ascii: ".") {
            text.append(UInt8(ascii: "."))
            index &+= 1
            let start = index
            while index < range.upperBound, payload[index] &- UInt8(ascii: "0") < 10 {
                text.append(payload[index])
                index &+= 1
            }
            guard hasInteger || index > start else { throw .notNumber }
            if index == start { text.append(UInt8(ascii: "0")) }
        } else if !hasInteger {
            throw JSONParser.isNotFinite(payload, range) ? .notFinite : .notNumber
        }
        while index < range.upperBound {
            text.append(payload[index])
            index &+= 1
        }
        do {
            guard let value = TagValue(json: try JSONValue(parsing: text.span)) else { throw DecodeFailure.notNumber }
            return value
        } catch {
            throw (error as? JSONError)?.reason == .numberOutOfRange ? .notFinite : .notNumber
        }
    }

    /// A number as JSON writes it, without making anything of it.
    @inline(__always)
    private static func plainNumber(_ payload: borrowing Span<UInt8>, _ range: Range<Int>) -> TagValue? {
        var index = range.lowerBound
        guard index < range.upperBound else { return nil }
        var number = JSONNumber()
        guard number.scan(payload, &index), index == range.upperBound else { return nil }
        return number.isInteger
            ? .integer(Int64(bitPattern: number.bits)) : .number(Double(bitPattern: number.bits))
    }

    static func bool(_ payload: borrowing Span<UInt8>) -> Bool? {
        switch lowercased(payload, PayloadContent.word(of: payload)) {
        case "true", "1", "on", "yes": true
        case "false", "0", "off", "no": false
        default: nil
        }
    }

    /// A short ASCII word in lower case; anything longer than a word is none.
    private static func lowercased(_ payload: borrowing Span<UInt8>, _ range: Range<Int>) -> String {
        guard range.count <= 16 else { return "" }
        var word = ""
        for index in range {
            let byte = payload[index]
            guard byte < 0x80 else { return "" }
            word.unicodeScalars.append(Unicode.Scalar((0x41...0x5A).contains(byte) ? byte | 0x20 : byte))
        }
        return word
    }
}
