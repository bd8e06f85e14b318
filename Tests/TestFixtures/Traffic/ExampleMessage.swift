import Foundation

/// A message of `bridge-config/examples/*.messages`, and what it becomes.
public struct ExampleMessage: Sendable, CustomStringConvertible {
    public let topic: String
    public let payload: String
    /// A ``line(tag:value:unit:time:)`` for each value, or a ``line(device:isOnline:)``; none where it says nothing.
    public let outcome: [String]

    public var description: String { "\(topic) \(payload)" }

    /// The messages of a make: a topic and a payload in a line, and below it, indented, what they become.
    public static func all(of make: String) throws -> [ExampleMessage] {
        var found: [(head: Substring, outcome: [String])] = []
        for line in try ExampleFiles.text(make + ".messages").split(separator: "\n") {
            if !line.hasPrefix("    ") {
                found.append((line, []))
            } else if found.isEmpty {
                throw FixtureError("\(make).messages begins with an outcome")
            } else {
                found[found.count - 1].outcome.append(String(line.dropFirst(4)))
            }
        }
        return try found.map { head, outcome in
            guard !outcome.isEmpty else { throw FixtureError("\(make).messages does not say what \(head) becomes") }
            let parts = head.split(separator: " ", maxSplits: 1).map(String.init)
            return ExampleMessage(
                topic: parts[0], payload: parts.count > 1 ? parts[1] : "",
                outcome: outcome == ["nothing"] ? [] : outcome)
        }
    }

    /// A value as the files write it.
    ///
    /// - Parameter time: the value's own, in milliseconds; nil when the message has none.
    public static func line(tag: String, value: String, unit: String?, time: Int64?) -> String {
        "\(tag) = \(value)\(unit.map { " " + $0 } ?? "")\(time.map { timeMark + text(ofTime: $0) } ?? "")"
    }

    /// A device's word about being there as the files write it.
    public static func line(device: String, isOnline: Bool) -> String {
        "device \(device) is \(isOnline ? "online" : "offline")"
    }

    /// The device of a ``line(device:isOnline:)``, and what it says.
    public static func presence(in line: String) -> (device: String, isOnline: Bool)? {
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 4, words[0] == "device", words[2] == "is" else { return nil }
        return (words[1], words[3] == "online")
    }

    /// The tag of a ``line(tag:value:unit:time:)``.
    public static func tag(in line: String) -> String? {
        guard presence(in: line) == nil, let end = line.range(of: " = ") else { return nil }
        return String(line[..<end.lowerBound])
    }

    /// Whether a line's value has a time of its own.
    public static func hasTime(_ line: String) -> Bool { line.contains(timeMark) }

    /// A line without the time that its value may have.
    public static func withoutTime(_ line: String) -> String {
        line.range(of: timeMark).map { String(line[..<$0.lowerBound]) } ?? line
    }

    /// The same message, measured at another second: its time, where it has one, and the times in what becomes of it. The
    /// parts of the second stay.
    ///
    /// - Parameter second: since 1970.
    public func moved(to second: Int64) throws -> ExampleMessage {
        guard let dated = outcome.first(where: Self.hasTime), let mark = dated.range(of: Self.timeMark) else {
            return self
        }
        let old = String(dated[mark.upperBound...].prefix(Self.secondLength))
        guard let former = (try? Date(old + "Z", strategy: .iso8601)).map({ Int64($0.timeIntervalSince1970) }) else {
            throw FixtureError("no time in \(dated)")
        }
        let new = Self.text(ofSecond: second)
        // As text, as text of the zone that the files have besides, and as the beginning of a number of any unit.
        let moved =
            payload.replacingOccurrences(of: old, with: new)
            .replacingOccurrences(
                of: Self.text(ofSecond: former + 3600) + "+01:00", with: Self.text(ofSecond: second + 3600) + "+01:00"
            )
            .replacingOccurrences(of: "\(former)", with: "\(second)")
        guard moved != payload || former == second else { throw FixtureError("\(self) does not say \(old)") }
        return ExampleMessage(
            topic: topic, payload: moved, outcome: outcome.map { $0.replacingOccurrences(of: old, with: new) })
    }

    private static let timeMark = " at "
    /// Of `2026-11-30T10:00:00`.
    private static let secondLength = 19

    private static func text(ofSecond second: Int64) -> String {
        String(Date(timeIntervalSince1970: Double(second)).formatted(.iso8601).prefix(secondLength))
    }

    private static func text(ofTime time: Int64) -> String {
        let fraction = time % 1000 == 0 ? "" : "." + String(time % 1000 + 1000).dropFirst()
        return text(ofSecond: time / 1000) + fraction + "Z"
    }
}
