import JSON
import Plant

/// Something that is listed: a tag, a device, an alarm, a command.
protocol ListedRow: Sendable {
    static var columns: [TableColumn] { get }
    /// "tag", "device", …: for "no tag matches".
    static var noun: String { get }
    /// Order and identity in the list.
    var key: String { get }
    var json: JSONValue { get }
    func cells(now: Milliseconds) -> [TableCell]
    /// One line that says what it is now, for a list that is followed without a terminal.
    func line(now: Milliseconds) -> String
}

extension ListedRow {
    func line(now: Milliseconds) -> String {
        cells(now: now).map(\.text).filter { !$0.isEmpty }.joined(separator: "  ")
    }
}
