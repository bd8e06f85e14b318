import Primitives
import TestFixtures
import Testing

/// Conditions that several stories wait for or hold against what they saw.
enum Conditions {
    /// All of `gateways` are candidates for the alarm processor and live members, and every shard has an owner.
    static func standing(_ gateways: [String], _ reader: TreeReader, within deadline: Duration = .seconds(30))
        async throws
    {
        try await eventually(
            "gateways \(gateways) stand", within: deadline, every: .milliseconds(50),
            seen: {
                let candidates = try? await reader.candidates().map(\.gateway)
                let members = try? await reader.gateways()
                let shards = try? await reader.shardOwners().count
                return "candidates \(candidates ?? []), members \(members ?? []), shards owned \(shards ?? -1)"
            }
        ) {
            guard try await Set(reader.candidates().map(\.gateway)) == Set(gateways),
                try await Set(reader.gateways()) == Set(gateways)
            else { return false }
            let owners = try await reader.shardOwners()
            return owners.count == 64 && owners.values.allSatisfy { gateways.contains($0.gateway) }
        }
    }

    /// Each of `gateways` owns devices of the plant. One that has just started waits a little before it takes its share.
    static func shared(_ plant: PlantPublisher, among gateways: Set<String>, _ reader: TreeReader) async throws {
        func owners() async throws -> Set<String> {
            var owners: Set<String> = []
            for device in plant.devices { owners.insert(try await reader.owner(device: device) ?? "nobody") }
            return owners
        }
        try await eventually(
            "the devices are shared among \(gateways.sorted())", within: .seconds(30),
            seen: { "owners \(((try? await owners()) ?? []).sorted())" }
        ) { try await owners() == gateways }
    }

    /// The last value of every tag stands in its node.
    static func lastValuesStand(_ plant: PlantPublisher, _ reader: TreeReader, within deadline: Duration = .seconds(20))
        async throws
    {
        let last = plant.lastValues
        func wrong() async throws -> [String] {
            let nodes = try await reader.tags(Array(last.keys))
            return last.compactMap { tag, value in
                nodes[tag]?.v?.number == value
                    ? nil : "\(tag) holds \(nodes[tag]?.v.map { "\($0)" } ?? "nothing"), last published \(value)"
            }
        }
        try await eventually(
            "the last value of every tag", within: deadline, every: .milliseconds(50),
            seen: { ((try? await wrong()) ?? ["tree unreadable"]).sorted().prefix(10).joined(separator: "; ") }
        ) { try await wrong().isEmpty }
    }

    /// By tag, what the journal says the alarm went through, as a plain evaluation would say it: the edges of its condition.
    /// Operators' entries are left out.
    static func changes(in journal: [JournalLine], alarm: String = "overtemperature") -> [String: [PlainEvaluation
        .Change]]
    {
        var found: [String: [PlainEvaluation.Change]] = [:]
        for line in journal {
            guard let record = line.record, record.alarm == alarm, let transition = line.transition,
                transition == "ACT" || transition == "RTN"
            else { continue }
            found[record.tag, default: []].append(
                .init(active: transition == "ACT", value: record.value?.number ?? .nan, occurrence: record.occurrence))
        }
        return found
    }

    /// The journal holds exactly what the plain evaluation predicts: each change once, in order, none more.
    static func journalHolds(
        _ expected: [String: [PlainEvaluation.Change]], _ reader: TreeReader, alarm: String = "overtemperature",
        within deadline: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let count = expected.values.map(\.count).reduce(0, +)
        var journal: [JournalLine] = []
        // When fewer arrive than expected, the comparison below says which are missing.
        try? await eventually("\(count) alarm entries", within: deadline, every: .milliseconds(100)) {
            journal = try await reader.alarmJournal()
            return changes(in: journal, alarm: alarm).values.map(\.count).reduce(0, +) >= count
        }
        let found = changes(in: try await reader.alarmJournal(), alarm: alarm)
        for tag in Set(expected.keys).union(found.keys).sorted() {
            let wanted = expected[tag] ?? []
            let got = found[tag] ?? []
            guard wanted != got else { continue }
            let same = zip(wanted, got).prefix { $0 == $1 }.count
            Issue.record(
                """
                \(tag): \(wanted.count) changes expected, \(got.count) in the journal, the first \(same) agree; then \
                expected \(wanted.dropFirst(same).prefix(4)), found \(got.dropFirst(same).prefix(4))
                """, sourceLocation: sourceLocation)
        }
        let activations = journal.filter { $0.transition == "ACT" }
        let ids = Dictionary(grouping: activations.compactMap(\.record), by: \.eventId)
        for (id, records) in ids where Set(records.map { "\($0.tag) \($0.occurrence)" }).count > 1 {
            Issue.record("eventId \(id) stands for several occurrences: \(records)", sourceLocation: sourceLocation)
        }
    }
}

/// Times of one kind, for a figure.
struct Times {
    private(set) var all: [Duration] = []
    mutating func add(_ time: Duration) { all.append(time) }

    var median: Duration { all.isEmpty ? .zero : all.sorted()[all.count / 2] }
    var worst: Duration { all.max() ?? .zero }

    var description: String { "median \(Self.ms(median)), worst \(Self.ms(worst)) of \(all.count)" }

    static func ms(_ time: Duration) -> String {
        "\(time.wholeMilliseconds) ms"
    }
}

extension Conditions {
    /// Every tag of the plant has a value.
    static func lastValuesArrive(_ plant: PlantPublisher, _ reader: TreeReader) async throws {
        try await eventually(
            "every tag has a value", within: .seconds(20),
            seen: { "\((try? await reader.tags(plant.tags).count) ?? -1) of \(plant.tags.count)" }
        ) { try await reader.tags(plant.tags).count == plant.tags.count }
    }
}
