import JSON

/// What one alarm has that is not recorded yet, as a gateway keeps it on its disk while the tree cannot take it: the edges that
/// it computed, in their order.
public struct SpooledAlarm: Sendable, Hashable {
    public let path: AlarmPath
    let edges: [AlarmEdge]
    /// The date of the recorded edge that they follow; nil when none was. As long as it is the newest, none of them is recorded.
    let after: Milliseconds?

    init(path: AlarmPath, edges: [AlarmEdge], after: Milliseconds?) {
        self.path = path
        self.edges = edges
        self.after = after
    }

    /// How many transitions will follow, at most.
    public var count: Int { edges.count }
}

/// The text of a spool: a first line that says what it is, and one line of JSON for each edge.
///
///     {"spool":"alarm-transitions","version":1}
///     {"tag":"factory/line1/press1/temperature","alarm":"overtemperature","condition":"high","limits":["high"],"time":…,
///      "shown":…,"sampledAt":…,"computedAt":…,"after":…,"value":91.5,"ownTime":true}
///
/// A line that cannot be read costs itself alone; so does the first.
public struct AlarmSpool: Sendable {
    /// A larger file is none of ours: it has room for all that may wait (``AlarmBook/Limits/pendingTotal``, and one for each
    /// alarm of the most tags) in lines of a kilobyte.
    public static let sizeLimit = 256 << 20

    public private(set) var alarms: [SpooledAlarm] = []
    /// Bytes of a line; tag and alarm have their own limits.
    fileprivate static let lineLimit = 64 << 10

    /// Lines that could not be read.
    public private(set) var mistakes = 0
    /// The first of them, in words.
    public private(set) var firstMistake: String?

    public init(_ alarms: [SpooledAlarm]) { self.alarms = alarms }

    /// Transitions in all of it.
    public var count: Int { alarms.reduce(0) { $0 + $1.count } }

    /// - Throws: for what says that it is something else, or of a later version.
    public init(parsing bytes: [UInt8]) throws {
        // Line by line: a list of the lines of a file that has nothing else would be many times as large as the file.
        var rest = bytes[...]
        func nextLine() -> ArraySlice<UInt8> {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest[line.endIndex...].dropFirst()
            return line
        }
        if try Self.isHeader(Array(nextLine())) == false {
            rest = bytes[...]
            mistakes = 1
            firstMistake = "line 1: does not say what the file is"
        }
        var positions: [AlarmPath: Int] = [:]
        var edges: [(path: AlarmPath, edges: [AlarmEdge], after: Milliseconds?)] = []
        var number = mistakes == 0 ? 1 : 0
        while !rest.isEmpty {
            let line = nextLine()
            number += 1
            if line.isEmpty { continue }
            do throws(RecordMistake) {
                let (path, edge, after) = try AlarmEdge.reading(Array(line))
                let position = positions[path] ?? edges.count
                if position == edges.count {
                    positions[path] = position
                    edges.append((path, [], after))
                }
                edges[position].edges.append(edge)
            } catch {
                // That has been said.
                if number == 1 { continue }
                mistakes += 1
                if firstMistake == nil { firstMistake = "line \(number): \(error)" }
            }
        }
        alarms = edges.map { SpooledAlarm(path: $0.path, edges: $0.edges, after: $0.after) }
    }

    /// The text, the alarms in order of their names.
    public func serialized() -> [UInt8] {
        var bytes = Self.header.serialized()
        bytes.reserveCapacity(192 * (count + 1))
        bytes.append(UInt8(ascii: "\n"))
        for alarm in alarms.sorted(by: { $0.path < $1.path }) {
            for edge in alarm.edges { edge.write(of: alarm, into: &bytes) }
        }
        return bytes
    }

    private static let kind = "alarm-transitions"
    private static let version: Int64 = 1
    private static let header: JSONValue = ["spool": .string(kind), "version": .integer(version)]

    private enum HeaderMember: String, CaseIterable { case spool, version }

    /// False for a line that says nothing of the kind.
    private static func isHeader(_ line: [UInt8]) throws(RecordMistake) -> Bool {
        guard let members = try? RecordReader<HeaderMember>(parsing: line, sizeLimit: 1024), members[.spool] != nil
        else {
            return false
        }
        guard try members.requiredText(.spool) == kind else { throw members.mistake(.spool, "must be \"\(kind)\"") }
        let version = try members.requiredInteger(.version)
        guard version == Self.version else {
            throw members.mistake(.version, "is \(version), this version of Linekeeper reads \(Self.version)")
        }
        return true
    }
}

extension AlarmEdge {
    private enum Member: String, CaseIterable {
        case tag, alarm, condition, limits, time, shown, sampledAt, computedAt, after, value, ownTime, backlog, unheard,
            timeUnsure
    }

    /// Appends its line.
    fileprivate func write(of alarm: SpooledAlarm, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        func name(_ member: Member, isFirst: Bool = false) {
            bytes.append(contentsOf: (isFirst ? "\"" : ",\"").utf8)
            bytes.append(contentsOf: member.rawValue.utf8)
            bytes.append(contentsOf: "\":".utf8)
        }
        func put(_ member: Member, _ time: Milliseconds) {
            name(member)
            JSONWriter.write(time, into: &bytes)
        }
        func put(_ member: Member, if isTrue: Bool) {
            guard isTrue else { return }
            name(member)
            bytes.append(contentsOf: "true".utf8)
        }
        name(.tag, isFirst: true)
        JSONWriter.write(alarm.path.tag.text, into: &bytes)
        name(.alarm)
        JSONWriter.write(alarm.path.alarm, into: &bytes)
        name(.condition)
        JSONWriter.write(condition.rawValue, into: &bytes)
        name(.limits)
        bytes.append(contentsOf: "[\(limits.all.map { "\"\($0.rawValue)\"" }.joined(separator: ","))]".utf8)
        put(.time, time)
        put(.shown, shown)
        put(.sampledAt, sampleTime)
        put(.computedAt, computedAt)
        if let after = alarm.after { put(.after, after) }
        if let value, value.isFinite {
            name(.value)
            JSONWriter.write(value, into: &bytes)
        }
        put(.ownTime, if: hasSourceTime)
        put(.backlog, if: isFromBacklog)
        put(.unheard, if: reservation == .unheard)
        put(.timeUnsure, if: reservation == .timeUnsure)
        bytes.append(contentsOf: "}\n".utf8)
    }

    /// An edge with the alarm that it is of, and what it follows.
    fileprivate static func reading(
        _ line: [UInt8]
    ) throws(RecordMistake) -> (path: AlarmPath, edge: AlarmEdge, after: Milliseconds?) {
        let members = try RecordReader<Member>(parsing: line, sizeLimit: AlarmSpool.lineLimit)
        let text = try members.requiredText(.tag)
        guard let tag = try? TagPath(text) else { throw members.mistake(.tag, "is \"\(text)\", must be a tag") }
        var limits = AlarmLimits()
        for name in members[.limits]?.arrayValue ?? [] {
            guard let limit = name.stringValue.flatMap(AlarmCondition.init(rawValue:)), limit != .normal else {
                throw members.mistake(.limits, "has \(name), must be names of limits")
            }
            limits.insert(AlarmLimits(limit))
        }
        var edge = AlarmEdge(
            condition: try members.requiredName(.condition), limits: limits, time: try members.requiredTime(.time),
            shown: try members.requiredTime(.shown), sampleTime: try members.requiredTime(.sampledAt),
            value: try members.number(.value), hasSourceTime: try members.bool(.ownTime) ?? false,
            computedAt: try members.requiredTime(.computedAt))
        edge.isFromBacklog = try members.bool(.backlog) ?? false
        if try members.bool(.unheard) ?? false { edge.reservation = .unheard }
        if try members.bool(.timeUnsure) ?? false { edge.reservation = .timeUnsure }
        edge.isResumed = true
        return (
            AlarmPath(tag: tag, alarm: try members.requiredText(.alarm)), edge, try members.integer(.after)
        )
    }
}
