import Plant
import PlantClient

/// Something that is listed on a terminal.
protocol ListedRow: Listed {
    static var columns: [TableColumn] { get }
    /// "tag", "device", …: for "no tag matches".
    static var noun: String { get }
    /// What is wrong with the rows, by whether gateways keep them up to date; nil: nothing.
    static func flaw(_ attendance: PlantClient.Attendance) -> String?
    func cells(now: Milliseconds) -> [TableCell]
    /// One line that says what it is now, for a list that is followed without a terminal.
    func line(now: Milliseconds) -> String
}

extension ListedRow {
    static func flaw(_ attendance: PlantClient.Attendance) -> String? {
        attendance == .noGateway
            ? "no gateway runs: what stands here is as the last one left it (linekeeper status)" : nil
    }
}

extension Listed {
    /// The text, marked when nothing defines the item any more.
    func marked(_ text: String) -> String { isOrphaned ? "\(text) (orphaned)" : text }
}
