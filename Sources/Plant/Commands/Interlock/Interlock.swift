/// A condition on tags that must hold at the moment when a command is sent, such as
/// `factory/line1/guard/closed == true and not ({device}/mode == "manual")`.
///
///     expression := conjunction { "or" conjunction }
///     conjunction := term { "and" term }
///     term := "not" term | "(" expression ")" | tag operator literal
///     operator := == != < <= > >=                       literal := number | true | false | "text"
///
/// A tag is written bare or in quotes (`"factory/line 1/guard"`); `{device}` in it is the command's device. Every tag that the
/// expression names must be known, good and fresh, even in a branch that does not decide: a command whose conditions cannot
/// be seen is refused.
///
/// A good tag is a fresh one only where something would have made it stale (``RouteDefinition/vouchesForItsTags``, or a greatest
/// age) and its device is there: what the broker had kept of a device that nobody has heard does not count.
public struct Interlock: Sendable, Hashable, CustomStringConvertible {
    enum Comparison: String, Sendable, Hashable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    indirect enum Node: Sendable, Hashable {
        /// `tag` is an index into ``Interlock/tags``.
        case compare(tag: Int, Comparison, TagValue)
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
    }

    /// The expression as it was written.
    public let text: String
    let root: Node
    /// The tags that it names, each once, with `{device}` still in place.
    package let tags: [String]

    /// Parses an expression.
    public init(_ text: String) throws(Mistake) {
        var parser = InterlockParser(text)
        root = try parser.parse()
        tags = parser.tags
        self.text = text
    }

    public var description: String { text }

    /// Where an expression is wrong.
    public struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        /// Column of the first character that does not fit, from 1.
        public var column: Int
        public var text: String

        public var description: String { "column \(column): \(text)" }
    }

    /// A tag's latest value.
    public struct Reading: Sendable, Hashable {
        public var value: TagValue?
        public var quality: Quality
        /// Whether it is uncertain only because the time of its own is in doubt: the value is what the device has said.
        public var isTimeInDoubt: Bool
        public var receivedAt: Milliseconds
        /// The time of its own that it has.
        public var sourceTime: Milliseconds?
        /// Whether the broker had kept it: then it is from before it was received.
        public var isRetained: Bool
        /// Whether a birth of Sparkplug B has told it, which says what was so anyway.
        public var isFromBirth: Bool
        /// Whether this gateway has heard it itself, and not from what the broker had kept while it was away. Verifications
        /// ask for that.
        public var isHeard: Bool
        /// Whether the tag would not be good, had it fallen silent.
        public var isVouchedFor: Bool
        /// Whether its device is there.
        public var device: DeviceState

        public init(
            value: TagValue?, quality: Quality, isTimeInDoubt: Bool = false, receivedAt: Milliseconds,
            sourceTime: Milliseconds? = nil, isRetained: Bool = false, isFromBirth: Bool = false, isHeard: Bool = true,
            isVouchedFor: Bool = false,
            device: DeviceState = .online
        ) {
            self.value = value
            self.quality = quality
            self.isTimeInDoubt = isTimeInDoubt
            self.receivedAt = receivedAt
            self.sourceTime = sourceTime
            self.isRetained = isRetained
            self.isFromBirth = isFromBirth
            self.isHeard = isHeard
            self.isVouchedFor = isVouchedFor
            self.device = device
        }
    }

    public enum Verdict: Sendable, Hashable {
        case satisfied
        /// Why the command must not go out, naming the tag.
        case refused(String)
    }

    /// The tags that must be read for a command to `device`.
    public func inputs(device: TagPath) -> [String] { tags.map { Self.resolve($0, device: device) } }

    /// Judges readings, given in the order of ``inputs(device:)``; nil stands for a tag that nobody has heard of.
    /// - Parameter maximumAge: how long ago a reading may have been received; nil for any time.
    public func verdict(
        _ readings: [Reading?], device: TagPath, at now: Milliseconds, maximumAge: Milliseconds? = nil
    ) -> Verdict {
        guard readings.count == tags.count else { return .refused("interlock: its inputs were not read") }
        var values: [TagValue] = []
        for (index, tag) in inputs(device: device).enumerated() {
            guard let reading = readings[index], let value = reading.value else {
                return .refused("interlock: \(tag) has no value")
            }
            guard reading.quality == .good else { return .refused("interlock: \(tag) is \(reading.quality.name)") }
            guard reading.device == .online else {
                return .refused("interlock: the device of \(tag) is \(reading.device.rawValue)")
            }
            guard reading.isVouchedFor || maximumAge != nil else {
                return .refused(
                    "interlock: nothing tells whether \(tag) has fallen silent; give its route presence, or staleAfter and reporting, or this command interlockInputAge"
                )
            }
            if let maximumAge {
                let (age, overflow) = now.subtractingReportingOverflow(reading.receivedAt)
                if overflow || age > maximumAge { return .refused("interlock: \(tag) is older than \(maximumAge) ms") }
            }
            values.append(value)
        }
        switch evaluate(root, values) {
        case .success(true): return .satisfied
        case .success(false):
            let readings = inputs(device: device).indices.map {
                "\(Self.resolve(tags[$0], device: device)) is \(values[$0])"
            }
            return .refused("interlock not satisfied: \(text); \(readings.joined(separator: ", "))")
        case .failure(let mismatch):
            return .refused(
                "interlock: \(Self.resolve(tags[mismatch.tag], device: device)) is \(mismatch.value), which cannot be compared with \(mismatch.literal)"
            )
        }
    }

    private struct Mismatch: Error {
        var tag: Int
        var value: TagValue
        var literal: TagValue
    }

    /// Both sides of `and` and `or` are evaluated: a value of the wrong type must not hide behind the other side.
    private func evaluate(_ node: Node, _ values: [TagValue]) -> Result<Bool, Mismatch> {
        switch node {
        case .compare(let tag, let comparison, let literal):
            guard let holds = Self.compare(values[tag], comparison, literal) else {
                return .failure(Mismatch(tag: tag, value: values[tag], literal: literal))
            }
            return .success(holds)
        case .not(let inner): return evaluate(inner, values).map { !$0 }
        case .and(let left, let right):
            return evaluate(left, values).flatMap { left in evaluate(right, values).map { left && $0 } }
        case .or(let left, let right):
            return evaluate(left, values).flatMap { left in evaluate(right, values).map { left || $0 } }
        }
    }

    /// nil when the two are of kinds that cannot be compared.
    private static func compare(_ value: TagValue, _ comparison: Comparison, _ literal: TagValue) -> Bool? {
        switch (value, literal) {
        case (.integer(let left), .integer(let right)): return order(left, comparison, right)
        case (.bool(let left), .bool(let right)): return equality(left == right, comparison)
        case (.text(let left), .text(let right)): return equality(left.utf8.elementsEqual(right.utf8), comparison)
        case (.integer, _), (.number, _), (.bool, _), (.text, _):
            guard let left = value.doubleValue, let right = literal.doubleValue else { return nil }
            return order(left, comparison, right)
        }
    }

    private static func order<Value: Comparable>(_ left: Value, _ comparison: Comparison, _ right: Value) -> Bool {
        switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }

    private static func equality(_ areEqual: Bool, _ comparison: Comparison) -> Bool? {
        switch comparison {
        case .equal: areEqual
        case .notEqual: !areEqual
        case .less, .lessOrEqual, .greater, .greaterOrEqual: nil
        }
    }

    private static func resolve(_ tag: String, device: TagPath) -> String {
        let marker = "{device}"
        guard tag.contains("{") else { return tag }
        var result = ""
        var rest = tag[...]
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            rest = rest[open...]
            guard rest.hasPrefix(marker) else { break }
            result += device.text
            rest = rest.dropFirst(marker.count)
        }
        return result + rest
    }
}
