import Plant
import PlantClient

extension ListedDevice: ListedRow {
    static let noun = "device"
    static let columns = [
        TableColumn("DEVICE"), TableColumn("STATE"), TableColumn("SINCE"), TableColumn("ROUTE"),
        TableColumn("FIRST SEEN"),
    ]

    func cells(now: Milliseconds) -> [TableCell] {
        let style: Style =
            switch record.state {
            case .online: .green
            case .offline: .red
            case .stale: .yellow
            }
        return [
            TableCell(marked(record.device)), TableCell(state, style),
            TableCell(HumanText.age(of: record.since, now: now)),
            TableCell(record.route), TableCell(HumanText.age(of: record.firstSeen, now: now), .dim),
        ]
    }

    func line(now: Milliseconds) -> String {
        printable("\(marked(record.device))  \(state)")
    }

    private var state: String { record.state.rawValue + (record.flapping == nil ? "" : ", flapping") }
}
