import JSON
import OrderedCollections

/// What one alarm has that is not recorded yet, as a gateway keeps it on its disk while the tree cannot take it: the edges that
/// it computed, in their order.
public struct SpooledAlarm: Sendable, Hashable {
    public let path: AlarmPath
    let edges: [AlarmEdge]

    init(path: AlarmPath, edges: [AlarmEdge]) {
        self.path = path
        self.edges = edges
    }

    /// How many transitions will follow, at most.
    public var count: Int { edges.count }
}

/// The text of a spool: a first line that says what it is, and one line of JSON for each edge.
///
///     {"spool":"alarm-transitions","version":1}
///     {"tag":"factory/line1/press1/temperature","alarm":"overtemperature","condition":"high","limits":["high"],"time":…,
///      "shown":…,"sampledAt":…,"value":91.5,"ownTime":true,"computedAt":…}
///
/// A line that cannot be read costs itself alone.
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

    /// - Throws: for what is no spool, or that of a later version.
    public init(parsing bytes: [UInt8]) throws {
        // Line by line: a list of the lines of a file that has nothing else would be many times as large as the file.
        var rest = bytes[...]
        func nextLine() -> ArraySlice<UInt8> {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest[line.endIndex...].dropFirst()
            return line
        }
        try Self.checkHeader(Array(nextLine()))
        var positions: [AlarmPath: Int] = [:]
        var edges: [(path: AlarmPath, edges: [AlarmEdge])] = []
        var number = 1
        while !rest.isEmpty {
            let line = nextLine()
            number += 1
            if line.isEmpty { continue }
            do throws(RecordMistake) {
                let (path, edge) = try AlarmEdge.reading(Array(line))
                let position = positions[path] ?? edges.count
                if position == edges.count {
                    positions[path] = position
                    edges.append((path, []))
                }
                edges[position].edges.append(edge)
            } catch {
                mistakes += 1
                if firstMistake == nil { firstMistake = "line \(number): \(error)" }
            }
        }
        alarms = edges.map { SpooledAlarm(path: $0.path, edges: $0.edges) }
    }

    /// The text, the alarms in order of their names.
    public func serialized() -> [UInt8] {
        var bytes = Self.header.serialized()
        bytes.reserveCapacity(192 * (count + 1))
        bytes.append(UInt8(ascii: "\n"))
        for alarm in alarms.sorted(by: { $0.path < $1.path }) {
            for edge in alarm.edges {
                bytes += edge.json(of: alarm.path).serialized()
                bytes.append(UInt8(ascii: "\n"))
            }
        }
        return bytes
    }

    private static let kind = "alarm-transitions"
    private static let version: Int64 = 1
    private static let header: JSONValue = ["spool": .string(kind), "version": .integer(version)]

    private enum HeaderMember: String, CaseIterable { case spool, version }

    private static func checkHeader(_ line: [UInt8]) throws(RecordMistake) {
        let members = try RecordReader<HeaderMember>(parsing: line, sizeLimit: 1024)
        guard try members.requiredText(.spool) == kind else { throw members.mistake(.spool, "must be \"\(kind)\"") }
        let version = try members.requiredInteger(.version)
        guard version == Self.version else {
            throw members.mistake(.version, "is \(version), this version of Linekeeper reads \(Self.version)")
        }
    }
}

extension AlarmEdge {
    private enum Member: String, CaseIterable {
        case tag, alarm, condition, limits, time, shown, sampledAt, value, ownTime, computedAt, backlog, unheard,
            timeUnsure
    }

    fileprivate func json(of path: AlarmPath) -> JSONValue {
        var members: OrderedDictionary<String, JSONValue> = [:]
        func put(_ member: Member, _ value: JSONValue?) {
            if let value { members[member.rawValue] = value }
        }
        put(.tag, .string(path.tag.text))
        put(.alarm, .string(path.alarm))
        put(.condition, .string(condition.rawValue))
        put(.limits, .array(limits.all.map { .string($0.rawValue) }))
        put(.time, .integer(time))
        put(.shown, .integer(shown))
        put(.sampledAt, .integer(sampleTime))
        put(.value, value.flatMap { $0.isFinite ? .number($0) : nil })
        put(.ownTime, hasSourceTime ? true : nil)
        put(.computedAt, .integer(computedAt))
        put(.backlog, isFromBacklog ? true : nil)
        put(.unheard, reservation == .unheard ? true : nil)
        put(.timeUnsure, reservation == .timeUnsure ? true : nil)
        return .object(members)
    }

    /// An edge with the alarm that it is of.
    fileprivate static func reading(_ line: [UInt8]) throws(RecordMistake) -> (path: AlarmPath, edge: AlarmEdge) {
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
        return (AlarmPath(tag: tag, alarm: try members.requiredText(.alarm)), edge)
    }
}
