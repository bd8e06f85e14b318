public import JSON

/// What a gateway has heard since its start that no route takes, as its status shows it.
///
///     {"observed":["#"],"topics":[{"topics":"tele/plug1/#","messages":4}],"further":3}
public struct UnroutedReport: Sendable, Hashable {
    /// Messages on topics with one beginning.
    public struct Row: Sendable, Hashable {
        /// The beginning, as a filter where the topics have more levels.
        public var topics: String
        public var messages: UInt64

        public init(topics: String, messages: UInt64) {
            self.topics = topics
            self.messages = messages
        }
    }

    /// What is listened to for this beside the routes, as configured; empty: hardly anything is heard that no route takes.
    public var observed: [String]
    /// Most messages first.
    public var rows: [Row]
    /// Messages on topics with other beginnings.
    public var further: UInt64

    public init(observed: [String], rows: [Row] = [], further: UInt64 = 0) {
        self.observed = observed
        self.rows = rows
        self.further = further
    }

    public init(observed: [TopicFilter], _ counts: TopicPrefixCounts) {
        self.init(
            observed: observed.map(\.text),
            rows: counts.rows.map { Row(topics: $0.prefix, messages: $0.messages) }, further: counts.further)
    }

    /// More than a gateway can have.
    private static let mostFilters = 100

    /// nil for something else than a report. A row that is none is left out.
    public init?(json: JSONValue) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(json)
            let further = try members.count(.further)
            self.init(
                observed: (members[.observed]?.arrayValue ?? []).prefix(Self.mostFilters).compactMap(\.stringValue),
                rows: (members[.topics]?.arrayValue ?? []).prefix(TopicPrefixCounts.limit).compactMap(Row.init(json:)),
                further: UInt64(clamping: further ?? 0))
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable { case observed, topics, further }

    public var json: JSONValue {
        [
            "observed": .array(observed.map(JSONValue.string)), "topics": .array(rows.map(\.json)),
            "further": .integer(Int64(clamping: further)),
        ]
    }
}

extension UnroutedReport.Row {
    /// nil for something else than a row.
    init?(json: JSONValue) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(json)
            let messages = try members.count(.messages)
            self.init(topics: try members.requiredText(.topics), messages: UInt64(clamping: messages ?? 0))
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable { case topics, messages }

    var json: JSONValue { ["topics": .string(topics), "messages": .integer(Int64(clamping: messages))] }
}
