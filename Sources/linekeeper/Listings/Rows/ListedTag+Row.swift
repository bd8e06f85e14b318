import Plant
import PlantClient

extension ListedTag: ListedRow {
    static let noun = "tag"
    static let columns = [
        TableColumn("TAG"), TableColumn("VALUE", .right), TableColumn("UNIT"), TableColumn("QUALITY"),
        TableColumn("AGE"),
    ]

    func cells(now: Milliseconds) -> [TableCell] {
        [
            TableCell(marked(tag.text)),
            TableCell(record.value.map { HumanText.value($0.json) } ?? "–", .bold),
            TableCell(record.unit ?? ""), QualityStyle.cell(record.quality),
            TableCell(HumanText.age(of: record.sourceTime, now: now), .dim),
        ]
    }

    func line(now: Milliseconds) -> String {
        let value = record.value.map { HumanText.value($0.json) } ?? "–"
        let unit = record.unit.map { " \($0)" } ?? ""
        return printable(
            "\(marked(tag.text)) = \(value)\(unit)  \(record.quality.name)")
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
