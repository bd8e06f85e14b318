import Plant
import PlantClient

extension PlantStatus {
    /// What no route takes, gateway by gateway, and how to hear more of it.
    var unroutedText: String {
        var table = Table(columns: [
            TableColumn("GATEWAY"), TableColumn("MESSAGES", .right), TableColumn("ON TOPICS THAT NO ROUTE TAKES"),
        ])
        var notes: [String] = []
        for (gateway, report) in unrouted {
            guard let report else {
                notes.append(
                    "\(printable(gateway)) does not say what no route takes: it is of an earlier version, or has just started"
                )
                continue
            }
            for row in report.rows {
                table.rows.append([
                    TableCell(gateway, .bold), TableCell(Self.count(row.messages)), TableCell(row.topics),
                ])
            }
            if report.further > 0 {
                table.rows.append([
                    TableCell(gateway, .bold), TableCell(Self.count(report.further)), TableCell("further ones", .dim),
                ])
            }
            notes.append(Self.note(printable(gateway), report))
        }
        return ((table.rows.isEmpty ? [] : table.lines() + [""]) + notes).joined(separator: "\n") + "\n"
    }

    private static func count(_ messages: UInt64) -> String { HumanText.count(Int64(clamping: messages)) }

    private static func note(_ gateway: String, _ report: UnroutedReport) -> String {
        guard !report.observed.isEmpty else {
            return
                "\(gateway) observes nothing, and hears little but what its routes take: set mqtt.observe: [\"#\"] in its configuration and restart it, or look once: linekeeper check --listen 10s"
        }
        let filters = report.observed.map(printable).joined(separator: ", ")
        return report.rows.isEmpty && report.further == 0
            ? "\(gateway) observes \(filters): no message so far that no route takes" : "\(gateway) observes \(filters)"
    }
}
