/// A cell of a table.
struct TableCell {
    var text: String
    var style: Style?

    init(_ text: String, _ style: Style? = nil) {
        self.text = printable(text)
        self.style = style
    }
}

/// A column's heading and side.
struct TableColumn {
    enum Side { case left, right }

    var title: String
    var side: Side

    init(_ title: String, _ side: Side = .left) {
        self.title = title
        self.side = side
    }
}

/// Rows under headings, aligned by what is in them.
struct Table {
    var columns: [TableColumn]
    var rows: [[TableCell]] = []

    /// The lines of the table, without an end of line. The last column is cut where the terminal ends.
    func lines(width: Int? = nil) -> [String] {
        var widths = columns.map(\.title.count)
        for row in rows {
            for (index, cell) in row.enumerated() where index < widths.count {
                widths[index] = max(widths[index], cell.text.count)
            }
        }
        var lines: [String] = []
        if columns.contains(where: { !$0.title.isEmpty }) {
            lines.append(line(columns.map { TableCell($0.title, .dim) }, widths: widths, width: width))
        }
        for row in rows { lines.append(line(row, widths: widths, width: width)) }
        return lines
    }

    private func line(_ cells: [TableCell], widths: [Int], width: Int?) -> String {
        var result = ""
        var used = 0
        for (index, cell) in cells.enumerated() where index < columns.count {
            if index > 0 {
                result += "  "
                used += 2
            }
            var text = cell.text
            let isLast = index == columns.count - 1
            if let width, used + text.count > width { text = cut(text, to: max(0, width - used)) }
            let padding = String(repeating: " ", count: max(0, widths[index] - cell.text.count))
            let styled = cell.style.map { $0.applied(to: text) } ?? text
            switch columns[index].side {
            case .left: result += styled + (isLast ? "" : padding)
            case .right: result += padding + styled
            }
            used += widths[index]
            if let width, used >= width { break }
        }
        return result
    }

    private func cut(_ text: String, to count: Int) -> String {
        guard text.count > count else { return text }
        return count > 1 ? String(text.prefix(count - 1)) + "…" : ""
    }
}
