import Plant
import PlantClient

extension ListedDevice: ListedRow {
    static let noun = "device"
    static let columns = [
        TableColumn("DEVICE"), TableColumn("STATE"), TableColumn("SINCE"), TableColumn("ROUTE"),
        TableColumn("FIRST SEEN"),
    ]

    func cells(now: Milliseconds) -> [TableCell] {
        let state =
            switch record.state {
            case .online: TableCell("online", .green)
            case .offline: TableCell("offline", .red)
            case .stale: TableCell("stale", .yellow)
            }
        return [
            TableCell(marked(record.device)), state,
            TableCell(HumanText.age(of: record.since, now: now)),
            TableCell(record.route), TableCell(HumanText.age(of: record.firstSeen, now: now), .dim),
        ]
    }

    func line(now: Milliseconds) -> String {
        printable("\(marked(record.device))  \(record.state.rawValue)")
    }
}
