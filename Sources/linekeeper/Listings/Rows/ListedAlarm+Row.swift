import Plant
import PlantClient

extension ListedAlarm: ListedRow {
    static let noun = "alarm"
    static let columns = [
        TableColumn("STATE"), TableColumn("PRIORITY"), TableColumn("TAG"), TableColumn("ALARM"),
        TableColumn("CONDITION"),
        TableColumn("VALUE", .right), TableColumn("LIMIT", .right), TableColumn("SINCE"), TableColumn("COUNT", .right),
        TableColumn("BY"),
    ]

    static func flaw(_ attendance: PlantClient.Attendance) -> String? {
        switch attendance {
        case .attended: nil
        case .noAlarmProcessor: "no gateway processes alarms: none is raised or cleared (linekeeper status)"
        case .noGateway: "no gateway runs: nothing is watched, no alarm is raised or cleared (linekeeper status)"
        }
    }

    func cells(now: Milliseconds) -> [TableCell] {
        let condition = record.condition
        return [
            TableCell(record.state.rawValue, stateStyle), TableCell(record.priority.rawValue, priorityStyle),
            TableCell(record.path.tag.text),
            TableCell(marked(record.path.alarm), .bold),
            TableCell(condition.rawValue),
            TableCell(record.value.map(HumanText.number) ?? "–"), TableCell(record.limit.map(HumanText.number) ?? "–"),
            TableCell(HumanText.age(of: record.corrected.since ?? record.since, now: now)),
            TableCell("\(record.occurrence)"),
            TableCell([record.acknowledgedBy?.name, record.comment].compactMap { $0 }.joined(separator: ": "), .dim),
        ]
    }

    func line(now: Milliseconds) -> String {
        let value = record.value.map(HumanText.number) ?? "–"
        let limit = record.limit.map { ", limit \(HumanText.number($0))" } ?? ""
        let by = record.acknowledgedBy.map { "  acknowledged by \($0)" } ?? ""
        return stateStyle.applied(to: record.state.rawValue)
            + printable(
                "  \(marked("\(record.path)"))  \(record.condition.rawValue)  \(value)\(limit)  \(record.priority.rawValue)\(by)"
            )
    }

    private var stateStyle: Style {
        switch record.state {
        case .normal: .green
        case .unacknowledged, .latchedUnacknowledged: .alert
        case .acknowledged, .latchedAcknowledged: .yellow
        case .returnedUnacknowledged: .magenta
        case .shelved, .suppressedByDesign, .outOfService: .dim
        }
    }

    private var priorityStyle: Style {
        switch record.priority {
        case .critical: .alert
        case .high: .red
        case .medium: .yellow
        case .low: .dim
        }
    }
}
