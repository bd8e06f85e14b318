import JSON
import OrderedCollections
import Plant
import ZooKeeperClient

/// A tag's latest value.
struct TagRow: ListedRow {
    static let noun = "tag"
    static let columns = [
        TableColumn("TAG"), TableColumn("VALUE", .right), TableColumn("UNIT"), TableColumn("QUALITY"),
        TableColumn("AGE"),
    ]

    let tag: TagPath
    let record: TagRecord
    /// What the configuration says of it.
    var traits = TagTraits()
    /// Whether the configuration has no route that makes it.
    var isOrphaned = false

    static func listing(
        _ filter: TopicFilter, rules: TagRules = TagRules(), definitions: Definitions
    ) -> TreeListing<TagRow> {
        TreeListing(root: TreeLayout.tags) { path in
            TreePath.topic(ofNode: path, below: TreeLayout.tags).map(filter.matches) ?? false
        } row: { path, node in
            guard let tag = TreePath.topic(ofNode: path, below: TreeLayout.tags),
                let record = TagRecord(parsing: node.data ?? [])
            else { return nil }
            return TagRow(
                tag: tag, record: record, traits: rules.traits(of: tag), isOrphaned: definitions.isOrphaned(tag: tag))
        }
    }

    var key: String { tag.text }

    var json: JSONValue {
        var members: OrderedDictionary<String, JSONValue> = ["tag": .string(tag.text)]
        let record = (try? JSONValue(parsing: record.serialized()))?.objectValue ?? [:]
        for (name, value) in record { members[name] = value }
        traits.write(into: &members)
        if isOrphaned { members[OrphanMark.member] = true }
        return .object(members)
    }

    func cells(now: Milliseconds) -> [TableCell] {
        [
            TableCell(OrphanMark.text(tag.text, isOrphaned: isOrphaned)),
            TableCell(record.value.map { HumanText.value($0.json) } ?? "–", .bold),
            TableCell(record.unit ?? ""), QualityStyle.cell(record.quality),
            TableCell(HumanText.age(of: record.sourceTime, now: now), .dim),
        ]
    }

    func line(now: Milliseconds) -> String {
        let value = record.value.map { HumanText.value($0.json) } ?? "–"
        let unit = record.unit.map { " \($0)" } ?? ""
        return printable(
            "\(OrphanMark.text(tag.text, isOrphaned: isOrphaned)) = \(value)\(unit)  \(record.quality.name)")
    }
}

/// Qualities in the colours of their urgency.
enum QualityStyle {
    static func cell(_ quality: Quality) -> TableCell {
        switch quality {
        case .good: TableCell(quality.name, .green)
        case .uncertain, .stale: TableCell(quality.name, .yellow)
        case .bad: TableCell(quality.name, .red)
        }
    }
}

/// Between paths of nodes and names of tags and devices.
enum TreePath {
    /// The tag or device whose node is at `path`; nil for one of Linekeeper's own nodes.
    static func topic(ofNode path: String, below root: String) -> TagPath? {
        guard path.hasPrefix(root + "/") else { return nil }
        return try? TagPath(znodePath: String(path.dropFirst(root.count + 1)))
    }
}
