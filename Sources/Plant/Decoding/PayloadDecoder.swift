import CBOR
import JSON
import Primitives

/// Reads the payloads of one route, or of one topic of a route with wildcards. Keeps no state; what it needs to work with is
/// lent by `Ingest`.
///
/// A class only for speed: as a struct in the array of routes, all its references would be retained and released with every
/// message.
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
        /// A local time of the route's zone, as if it were UTC.
        case local(Milliseconds)
        /// Something stands there that is no time.
        case unreadable
    }

    /// What decoders are lent, so that a message allocates nothing.
    struct Workspace: Sendable {
        fileprivate var scanner = JSONScanner()
        /// The values of the last message, in the order of the decoder's.
        var readings: ContiguousArray<Reading> = []
        /// What the last message has that its topic has not shown before; the readings mean nothing then.
        var news: [LearntValues.News] = []
        /// What the last message calls all its values.
        var quality = QualityRule.Verdict.good
        /// What it calls each of them by itself; empty when none has a word of its own.
        var ownQualities: ContiguousArray<QualityRule.Verdict> = []
        /// Of a point: what each name of the decoder has, and what has been found out about the names.
        var fields = FieldNames.Found()
        /// JSON that was left to the full reader.
        var slowlyRead: UInt64 = 0

        /// What could not be read was in a part of the payload that begins at that byte.
        fileprivate mutating func advanceFailures(by start: Int) {
            guard start > 0 else { return }
            for index in readings.indices {
                guard case .unusable(let failure) = readings[index] else { continue }
                readings[index] = .unusable(failure.advanced(by: start))
            }
        }
    }

    private let payload: RouteDefinition.Payload
    let rules: ContiguousArray<ValueRule>
    let wildcards: [WildcardRule]
    let learnt: LearntValues
    let namedPlaces: Set<JSONPointer>
    private let time: JSONPointer?
    let timeUnit: TimeUnit?
    private let hasZone: Bool
    let quality: QualityRule?
    private let plan: JSONScanPlan
    /// Of points of line protocol.
    let fields: FieldNames
    /// The plan's slot of each value, and of the time (-1 without one).
    private let valueSlots: ContiguousArray<Int>
    private let timeSlot: Int
    /// Of the word for the quality; -1 without one.
    private let qualitySlot: Int
    /// Of each value's own word for its quality, -1 without one; empty when none has one.
    private let ownQualitySlots: ContiguousArray<Int>
    /// The slots of places that become tags once they have a value.
    private let awaitedSlots: ContiguousArray<Int>
    /// A single value must be there; of several, some may be missing.
    private let isSingle: Bool
    /// Whether every value is taken as it stands.
    private let isPlain: Bool

    /// - Parameter learnt: what messages of the topic have shown, for a route with wildcards.
    init(_ route: RouteDefinition, learnt: LearntValues = LearntValues()) {
        let rules = route.values + learnt.values
        payload = route.payload
        self.rules = ContiguousArray(rules)
        wildcards = route.wildcards
        self.learnt = learnt
        namedPlaces = route.namedPlaces
        time = route.time
        timeUnit = route.timeUnit
        hasZone = route.timeZone != nil
        quality = route.quality
        // Of several samples one may lack the value.
        isSingle = route.isSingle && route.each == nil
        isPlain = rules.allSatisfy { $0.conversion == nil && $0.fallback == nil }
        plan = JSONScanPlan(
            rules.map(\.place) + learnt.seen.map(\.place) + (route.time.map { [$0] } ?? [])
                + (route.quality.map { [$0.place] } ?? []) + rules.compactMap(\.quality?.place),
            patterns: learnt.isClosed ? [] : wildcards.map(\.place),
            closed: learnt.seen.filter(\.isExceptedWhole).map(\.place))
        fields = route.payload == .lines ? FieldNames(rules, learnt, quality: route.quality) : FieldNames()
        valueSlots = ContiguousArray(plan.slots.prefix(rules.count))
        awaitedSlots = ContiguousArray(
            learnt.isClosed ? [] : zip(learnt.seen, plan.slots[rules.count...]).filter(\.0.isAwaited).map(\.1))
        let afterPlaces = rules.count + learnt.seen.count
        timeSlot = route.time == nil ? -1 : plan.slots[afterPlaces]
        qualitySlot = route.quality == nil ? -1 : plan.slots[afterPlaces + (route.time == nil ? 0 : 1)]
        var ownSlots = plan.slots.suffix(rules.count { $0.quality != nil })
        ownQualitySlots =
            ownSlots.isEmpty ? [] : ContiguousArray(rules.map { $0.quality == nil ? -1 : ownSlots.removeFirst() })
    }

    /// Fills the workspace's readings with one for each value and gives the payload's time. On a throw they mean nothing.
    ///
    /// - Parameter tags: has the tag of each value, from `first` on.
    @inline(__always)
    func decode(
        _ payload: borrowing Span<UInt8>, tags: borrowing ContiguousArray<BoundTag>, from first: Int,
        limits: borrowing IngestLimits, workspace: inout Workspace
    ) throws(DecodeFailure) -> Time {
        workspace.readings.removeAll(keepingCapacity: true)
        workspace.quality = .good
        workspace.ownQualities.removeAll(keepingCapacity: true)
        switch self.payload {
        case .json:
            guard workspace.scanner.scan(payload, plan: plan) else {
                return try decodeSlowly(payload, tags: tags, from: first, limits: limits, workspace: &workspace)
            }
            return try take(payload, tags: tags, from: first, limits: limits, workspace: &workspace)
        case .number:
            let number = isPlain ? try Self.number(payload) : try converted(try Self.word(payload, limits), 0)
            workspace.readings.append(.value(number))
        case .bool:
            guard let bool = Self.bool(payload) else { throw .notBool }
            workspace.readings.append(.value(.bool(bool)))
        case .text:
            let text =
                isPlain
                ? try Self.text(payload, PayloadContent.range(of: payload), limits)
                : try converted(try Self.word(payload, limits), 0)
            workspace.readings.append(.value(text))
        case .cbor:
            return try decodeCBOR(payload, tags: tags, from: first, limits: limits, workspace: &workspace)
        case .bytes:
            let text = Base64.text(payload.withUnsafeBufferPointer { Array($0) })
            guard text.utf8.count <= limits.textBytes else { throw .textTooLong(bytes: text.utf8.count) }
            workspace.readings.append(.value(.text(text)))
        // Points and metrics are read one by one.
        case .nothing, .lines, .sparkplug: throw .missing
        }
        return .none
    }

    @inline(never)
    private func decodeCBOR(
        _ payload: borrowing Span<UInt8>, tags: borrowing ContiguousArray<BoundTag>, from first: Int,
        limits: borrowing IngestLimits, workspace: inout Workspace
    ) throws(DecodeFailure) -> Time {
        if wildcards.isEmpty, let value = try? CBORDecoder.decode(payload) {
            var isObject = false
            if case .object = value { isObject = true }
            return try take(
                tags: tags, from: first, limits: limits, workspace: &workspace, isObject: isObject
            ) { value.lookUp($0) }
        }
        let document: SalvagedJSON
        do throws(CBORError) {
            document = try SalvagedJSON(salvagingCBOR: payload)
        } catch {
            throw error.reason == .notFinite ? .notFinite : .cbor(error)
        }
        return try take(document, tags: tags, from: first, limits: limits, workspace: &workspace)
    }

    /// A payload that is one word, without the white space around it.
    private static func word(
        _ payload: borrowing Span<UInt8>, _ limits: borrowing IngestLimits
    ) throws(DecodeFailure) -> TagValue {
        try text(payload, PayloadContent.word(of: payload), limits)
    }

    private static func text(
        _ payload: borrowing Span<UInt8>, _ range: Range<Int>, _ limits: borrowing IngestLimits
    ) throws(DecodeFailure) -> TagValue {
        guard range.count <= limits.textBytes else { throw .textTooLong(bytes: range.count) }
        let text = payload.extracting(range).withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
        guard let text else { throw .invalidUTF8 }
        return .text(text)
    }

    /// What a scan has found.
    @inline(__always)
    private func take(
        _ payload: borrowing Span<UInt8>, tags: borrowing ContiguousArray<BoundTag>, from first: Int,
        limits: borrowing IngestLimits, workspace: inout Workspace
    ) throws(DecodeFailure) -> Time {
        for slot in awaitedSlots {
            switch workspace.scanner.found[slot].kind {
            case .missing, .null, .container: break
            case .integer, .number, .bool, .text:
                return try decodeSlowly(payload, tags: tags, from: first, limits: limits, workspace: &workspace)
            }
        }
        var foundCount = 0
        for position in valueSlots.indices {
            let found = workspace.scanner.found[valueSlots[position]]
            if found.kind != .missing { foundCount &+= 1 }
            let isNumeric = tags[first &+ position].isNumeric
            if isPlain {
                workspace.readings.append(try reading(found, payload, isNumeric: isNumeric, limits))
            } else if found.kind == .missing, let fallback = rules[position].fallback, Self.isObject(payload) {
                foundCount &+= 1
                workspace.readings.append(try checked(fallback, isNumeric: isNumeric))
            } else {
                let hasConversion = rules[position].conversion != nil
                let raw = try reading(found, payload, isNumeric: isNumeric && !hasConversion, limits)
                workspace.readings.append(try converted(raw, position, isNumeric: isNumeric))
            }
        }
        guard foundCount > 0 || !wildcards.isEmpty else { throw .missing }
        if let quality, qualitySlot >= 0 {
            workspace.quality = Self.verdict(quality, workspace.scanner.found[qualitySlot], payload)
        }
        for position in ownQualitySlots.indices {
            let slot = ownQualitySlots[position]
            guard slot >= 0, let quality = rules[position].quality else {
                workspace.ownQualities.append(.good)
                continue
            }
            workspace.ownQualities.append(Self.verdict(quality, workspace.scanner.found[slot], payload))
        }
        return timeSlot >= 0 ? time(workspace.scanner.found[timeSlot], payload) : .none
    }

    /// Only an object can leave something out.
    private static func isObject(_ payload: borrowing Span<UInt8>) -> Bool {
        let range = PayloadContent.word(of: payload)
        return !range.isEmpty && payload[range.lowerBound] == UInt8(ascii: "{")
    }

    private func converted(_ value: TagValue, _ position: Int) throws(DecodeFailure) -> TagValue {
        guard let conversion = rules[position].conversion else { return value }
        return try conversion(value)
    }

    /// What a value's rule makes of it, when it can be read.
    func converted(_ raw: Reading, _ position: Int, isNumeric: Bool) throws(DecodeFailure) -> Reading {
        guard case .value(let value) = raw, let conversion = rules[position].conversion else { return raw }
        let converted: TagValue
        do throws(DecodeFailure) {
            converted = try conversion(value)
        } catch {
            return try unusable(error)
        }
        return try checked(converted, isNumeric: isNumeric)
    }

    /// A value that the route gives, which may be none for a tag with numbers.
    func checked(_ value: TagValue, isNumeric: Bool) throws(DecodeFailure) -> Reading {
        switch value {
        case .bool where isNumeric: return try unusable(.boolForNumber)
        case .text where isNumeric: return try unusable(.textForNumber)
        default: return .value(value)
        }
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
        case .integer:
            if let time = SourceTime.milliseconds(found.integer, timeUnit) { return .at(time) }
        case .number:
            if let time = SourceTime.milliseconds(found.number, timeUnit) { return .at(time) }
        case .text:
            return Self.time(payload.extracting(found.text), unit: timeUnit, hasZone: hasZone)
        case .bool, .container: break
        }
        return .unreadable
    }

    /// - Parameter hasZone: whether the route says of which zone times without a zone are.
    static func time(_ text: borrowing Span<UInt8>, unit: TimeUnit?, hasZone: Bool) -> Time {
        guard let time = SourceTime.milliseconds(text, unit) else { return .unreadable }
        return hasZone && SourceTime.isLocal(text) ? .local(time) : .at(time)
    }

    /// What a word calls the values; no word says nothing.
    private static func verdict(
        _ rule: QualityRule, _ found: JSONScanner.Found, _ payload: borrowing Span<UInt8>
    ) -> QualityRule.Verdict {
        switch found.kind {
        case .missing, .null: return .good
        case .integer: return rule.verdict("\(found.integer)")
        case .number: return rule.verdict(TagValue.number(found.number).description)
        case .bool: return rule.verdict("\(found.bool)")
        case .text:
            let text = payload.extracting(found.text).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
            return rule.verdict(text)
        case .container: return .bad
        }
    }

    static func verdict(_ rule: QualityRule, _ part: SalvagedJSON.Part) -> QualityRule.Verdict {
        switch part {
        case .missing, .scalar(.null): .good
        case .broken, .container: .bad
        case .scalar(let value): TagValue(json: value).map { rule.verdict($0.description) } ?? .bad
        }
    }

    /// What the scanner does not understand as it stands: bytes around the document, rarer JSON, a document of which parts
    /// are broken, and what the topic has not shown before.
    @inline(never)
    private func decodeSlowly(
        _ payload: borrowing Span<UInt8>, tags: borrowing ContiguousArray<BoundTag>, from first: Int,
        limits: borrowing IngestLimits, workspace: inout Workspace
    ) throws(DecodeFailure) -> Time {
        workspace.slowlyRead &+= 1
        let range = PayloadContent.range(of: payload)
        let content = payload.extracting(range)
        if content.count < payload.count, workspace.scanner.scan(content, plan: plan) {
            return try take(content, tags: tags, from: first, limits: limits, workspace: &workspace)
        }
        let document: SalvagedJSON
        do throws(JSONError) {
            document = try SalvagedJSON(salvaging: content)
        } catch {
            throw DecodeFailure(error).advanced(by: range.lowerBound)
        }
        do throws(DecodeFailure) {
            let time = try take(document, tags: tags, from: first, limits: limits, workspace: &workspace)
            workspace.advanceFailures(by: range.lowerBound)
            return time
        } catch {
            throw error.advanced(by: range.lowerBound)
        }
    }

    /// What a document has, or what is new in it.
    private func take(
        _ document: SalvagedJSON, tags: borrowing ContiguousArray<BoundTag>, from first: Int,
        limits: borrowing IngestLimits, workspace: inout Workspace
    ) throws(DecodeFailure) -> Time {
        if !wildcards.isEmpty {
            workspace.news = learnt.news(
                in: document, wildcards: wildcards, others: namedPlaces, limit: limits.learntPerTopic)
            if !workspace.news.isEmpty { return .none }
        }
        var isObject = false
        if case .object = document { isObject = true }
        return try take(
            tags: tags, from: first, limits: limits, workspace: &workspace, isObject: isObject
        ) { document.lookUp($0) }
    }

    private func take(
        tags: borrowing ContiguousArray<BoundTag>, from first: Int, limits: borrowing IngestLimits,
        workspace: inout Workspace, isObject: Bool, lookUp: (JSONPointer) -> SalvagedJSON.Part
    ) throws(DecodeFailure) -> Time {
        var foundCount = 0
        for position in rules.indices {
            let part = lookUp(rules[position].place)
            let isNumeric = tags[first + position].isNumeric
            var isMissing = false
            if case .missing = part { isMissing = true }
            if isMissing, isObject, let fallback = rules[position].fallback {
                foundCount += 1
                workspace.readings.append(try checked(fallback, isNumeric: isNumeric))
                continue
            }
            if !isMissing { foundCount += 1 }
            let raw = try reading(part, isNumeric: isNumeric && rules[position].conversion == nil, limits)
            workspace.readings.append(try converted(raw, position, isNumeric: isNumeric))
        }
        guard foundCount > 0 || !wildcards.isEmpty else { throw .missing }
        if let quality { workspace.quality = Self.verdict(quality, lookUp(quality.place)) }
        if !ownQualitySlots.isEmpty {
            for rule in rules {
                workspace.ownQualities.append(rule.quality.map { Self.verdict($0, lookUp($0.place)) } ?? .good)
            }
        }
        return time.map { time(of: lookUp($0)) } ?? .none
    }

    private func time(of part: SalvagedJSON.Part) -> Time {
        switch part {
        case .missing, .scalar(.null): return .none
        case .scalar(.integer(let integer)):
            if let time = SourceTime.milliseconds(integer, timeUnit) { return .at(time) }
        case .scalar(.number(let number)):
            if let time = SourceTime.milliseconds(number, timeUnit) { return .at(time) }
        case .scalar(.string(let text)):
            let bytes = Array(text.utf8)
            return Self.time(bytes.span, unit: timeUnit, hasZone: hasZone)
        case .scalar, .container, .broken: break
        }
        return .unreadable
    }

    func reading(
        _ part: SalvagedJSON.Part, isNumeric: Bool, _ limits: borrowing IngestLimits
    ) throws(DecodeFailure) -> Reading {
        switch part {
        case .missing: return try isSingle ? unusable(.missing) : .absent
        case .broken(let error):
            return try unusable(payload == .json || error.reason == .notFinite ? DecodeFailure(error) : .part(error))
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
