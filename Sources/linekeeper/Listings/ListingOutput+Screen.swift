import PlantClient
import Synchronization

extension ListingOutput {
    /// A live list, which is drawn over itself.
    func followOnScreen(_ plant: PlantClient) async throws {
        let screen = LiveScreen()
        let board = Board<Row>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await plant.follow(selection) { rows in
                    await board.replace(rows)
                } changes: { changes in
                    await board.apply(changes)
                }
            }
            group.addTask {
                while true {
                    await board.noticed(await flaw(plant))
                    try await Task.sleep(for: .seconds(2))
                }
            }
            group.addTask {
                var silence = TreeSilence()
                while !Task.isCancelled {
                    _ = silence.look(plant.reachesTree, at: .now)
                    if let rows = await board.rows {
                        let size = Terminal.size
                        let table = Table(
                            columns: Row.columns, rows: rows.prefix(size.lines).map { $0.cells(now: WallClock.now()) })
                        var lines = table.lines(width: size.columns)
                        let room = max(2, size.lines - 3)
                        if lines.count > room || rows.count > size.lines {
                            lines = Array(lines.prefix(room))
                            lines.append(
                                Style.dim.applied(to: "… \(rows.count - room + 1) more; a narrower filter shows them"))
                        }
                        if rows.isEmpty { lines = [String(nothing.prefix(size.columns))] }
                        let flaw = await board.flaw
                        if let flaw = silence.text(at: .now) ?? flaw {
                            lines.insert(Style.alert.applied(to: String(flaw.prefix(size.columns))), at: 0)
                        }
                        screen.show(lines)
                    }
                    try await Task.sleep(for: .milliseconds(250))
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}

/// The rows of a live list.
private actor Board<Row: ListedRow> {
    private var known: [String: Row]?
    /// What is wrong with them.
    private(set) var flaw: String?

    var rows: [Row]? { known?.values.sorted { $0.key < $1.key } }

    func noticed(_ flaw: String?) { self.flaw = flaw }

    func replace(_ rows: [Row]) { known = Dictionary(rows.map { ($0.key, $0) }) { $1 } }

    func apply(_ changes: [Selection<Row>.Change]) {
        for change in changes {
            switch change {
            case .changed(let row): known?[row.key] = row
            case .left(let row), .removed(let row): known?[row.key] = nil
            }
        }
    }
}

/// Lines that are drawn over themselves.
private final class LiveScreen: Sendable {
    private let drawn = Mutex(0)

    func show(_ lines: [String]) {
        let before = drawn.withLock { drawn in
            defer { drawn = lines.count }
            return drawn
        }
        var text = before > 0 ? "\u{1B}[\(before)A" : ""
        for line in lines { text += "\r\u{1B}[2K\(Printable.lines(line))\n" }
        if before > lines.count { text += "\u{1B}[J" }
        Terminal.draw(text)
    }
}
