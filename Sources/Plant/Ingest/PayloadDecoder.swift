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
    @inline(__always)
    func decode(
        _ payload: borrowing Span<UInt8>, limits: borrowing IngestLimits, scanner: inout JSONScanner,
        readings: inout ContiguousArray<Reading>, slowlyRead: inout UInt64
    ) throws(DecodeFailure) -> Time {
        readings.removeAll(keepingCapacity: true)
        switch kind {
        case .json:
            guard scanner.scan(payload, plan: plan) else {
                slowlyRead &+= 1
                return try decodeSlowly(payload, limits: limits, readings: &readings)
            }
            var foundCount = 0
            for slot in valueSlots {
                let found = scanner.found[slot]
                if found.kind != .missing { foundCount &+= 1 }
                readings.append(try reading(found, payload, limits))
            }
            guard foundCount > 0 else { throw .missing }
            guard timeSlot >= 0 else { return .none }
            return try time(scanner.found[timeSlot], payload)
        case .number:
            readings.append(.value(try Self.number(payload)))
        case .bool:
            guard let bool = Self.bool(payload) else { throw .notBool }
            readings.append(.value(.bool(bool)))
        case .text:
            guard payload.count <= limits.textBytes else { throw .textTooLong(bytes: payload.count) }
            let text = payload.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
            guard let text else { throw .invalidUTF8 }
            readings.append(.value(.text(text)))
        }
        return .none
    }

    @inline(__always)
    private func reading(
        _ found: JSONScanner.Found, _ payload: borrowing Span<UInt8>, _ limits: borrowing IngestLimits
    ) throws(DecodeFailure) -> Reading {
        switch found.kind {
        case .integer: return .value(.integer(found.integer))
        case .number: return .value(.number(found.number))
        case .bool: return .value(.bool(found.bool))
        case .text:
            guard found.text.count <= limits.textBytes else {
                return try unusable(.textTooLong(bytes: found.text.count))
            }
            // The scanner has found it to be UTF-8.
            let text = payload.extracting(found.text).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
            return .value(.text(text))
        case .missing: return try isSingle ? unusable(.missing) : .absent
        case .null: return try unusable(.null)
        case .container: return try unusable(.notScalar)
        }
    }

    /// Of a single value the whole message fails with it; of several only the one.
    private func unusable(_ failure: DecodeFailure) throws(DecodeFailure) -> Reading {
        if isSingle { throw failure }
        return .unusable(failure)
    }

    private func time(_ found: JSONScanner.Found, _ payload: borrowing Span<UInt8>) throws(DecodeFailure) -> Time {
        switch found.kind {
        case .missing, .null: return .none
        case .integer: return .at(SourceTime.milliseconds(found.integer))
        case .number:
            if let time = SourceTime.milliseconds(found.number) { return .at(time) }
        case .text:
            if let time = SourceTime.milliseconds(payload.extracting(found.text)) { return .at(time) }
        case .bool, .container: break
        }
        throw .invalidTime
    }

    /// The same by way of the full reader.
    @inline(never)
    private func decodeSlowly(
        _ payload: borrowing Span<UInt8>, limits: borrowing IngestLimits, readings: inout ContiguousArray<Reading>
    ) throws(DecodeFailure) -> Time {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: payload)
        } catch {
            throw .json(error)
        }
        var foundCount = 0
        for pointer in pointers {
            let found = document.value(at: pointer)
            if found != nil { foundCount += 1 }
            readings.append(try reading(found, limits))
        }
        guard foundCount > 0 else { throw .missing }
        switch time.flatMap({ document.value(at: $0) }) {
        case nil, .null: return .none
        case .integer(let integer): return .at(SourceTime.milliseconds(integer))
        case .number(let number):
            if let time = SourceTime.milliseconds(number) { return .at(time) }
        case .string(let text):
            let bytes = Array(text.utf8)
            if let time = SourceTime.milliseconds(bytes.span) { return .at(time) }
        case .bool, .array, .object: break
        }
        throw .invalidTime
    }

    private func reading(_ json: JSONValue?, _ limits: borrowing IngestLimits) throws(DecodeFailure) -> Reading {
        switch json {
        case nil: return try isSingle ? unusable(.missing) : .absent
        case .null: return try unusable(.null)
        case .array, .object: return try unusable(.notScalar)
        case .integer(let integer): return .value(.integer(integer))
        case .number(let number): return .value(.number(number))
        case .bool(let bool): return .value(.bool(bool))
        case .string(let text):
            guard text.utf8.count <= limits.textBytes else { return try unusable(.textTooLong(bytes: text.utf8.count)) }
            return .value(.text(text))
        }
    }
}

extension PayloadDecoder {
    /// A payload without the white space around it. Devices end their payloads with line feeds and zeros.
    static func trimmed(_ payload: borrowing Span<UInt8>) -> Range<Int> {
        var start = 0
        var end = payload.count
        while start < end, isBlank(payload[start]) { start &+= 1 }
        while end > start, isBlank(payload[end &- 1]) { end &-= 1 }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte) || byte == 0
    }

    /// A decimal number as people and firmware write it: as in JSON, and with a leading `+`, leading zeros, or nothing
    /// before or after the point. Integers that fit stay integers.
    static func number(_ payload: borrowing Span<UInt8>) throws(DecodeFailure) -> TagValue {
        let range = trimmed(payload)
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
            throw isInfinite(payload, range) ? .notFinite : .notNumber
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

    private static func isInfinite(_ payload: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        let word = lowercased(payload, range)
        return ["nan", "inf", "infinity"].contains(
            word.first == "+" || word.first == "-" ? String(word.dropFirst()) : word)
    }

    static func bool(_ payload: borrowing Span<UInt8>) -> Bool? {
        switch lowercased(payload, trimmed(payload)) {
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
