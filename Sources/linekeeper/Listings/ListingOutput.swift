import JSON
import OrderedCollections
import Plant
import PlantClient
import Synchronization
import ZooKeeperClient

/// Prints a listing: as a table or as JSON, once or followed.
struct ListingOutput<Row: ListedRow>: Sendable {
    let listing: TreeListing<Row>
    let json: Bool
    /// What to say when there is nothing, beside that there is nothing.
    var hint: String = ""

    /// Prints the rows once.
    func print(_ client: ZooKeeperClient) async throws {
        let rows = try await listing.rows(client)
        if json {
            Terminal.write(rows.map { "\($0.json)\n" }.joined())
        } else if rows.isEmpty {
            Terminal.errorLine("no \(Row.noun) matches\(hint.isEmpty ? "" : "; \(hint)")")
        } else {
            let table = Table(columns: Row.columns, rows: rows.map { $0.cells(now: WallClock.now()) })
            let width = Terminal.isInteractive ? Terminal.size.columns : nil
            Terminal.write(table.lines(width: width).map { $0 + "\n" }.joined())
        }
    }

    /// Prints the rows and whatever becomes of them, until the person has seen enough.
    func follow(_ client: ZooKeeperClient) async throws {
        if Terminal.isInteractive, !json {
            try await followOnScreen(client)
        } else {
            try await listing.follow(client) { rows in
                for row in rows { write(.changed(row)) }
            } changes: { changes in
                for change in changes { write(change) }
            }
        }
    }

    private func write(_ change: TreeListing<Row>.Change) {
        switch (change, json) {
        case (.changed(let row), true): Terminal.line("\(row.json)")
        case (.changed(let row), false): Terminal.line(row.line(now: WallClock.now()))
        case (.removed(let row), true):
            var object = row.json.objectValue ?? [:]
            object["removed"] = true
            Terminal.line("\(JSONValue.object(object))")
        case (.removed(let row), false): Terminal.line("\(printable(row.key))  removed")
        }
    }

    // MARK: A live list

    private func followOnScreen(_ client: ZooKeeperClient) async throws {
        let screen = LiveScreen()
        let board = Board<Row>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listing.follow(client) { rows in
                    await board.replace(rows)
                } changes: { changes in
                    await board.apply(changes)
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    if let rows = await board.rows {
                        let size = Terminal.size
                        let table = Table(
                            columns: Row.columns, rows: rows.prefix(size.lines).map { $0.cells(now: WallClock.now()) })
                        var lines = table.lines(width: size.columns)
                        let room = max(2, size.lines - 2)
                        if lines.count > room || rows.count > size.lines {
                            lines = Array(lines.prefix(room))
                            lines.append(
                                Style.dim.applied(to: "… \(rows.count - room + 1) more; a narrower filter shows them"))
                        }
                        if rows.isEmpty { lines = ["no \(Row.noun) yet\(hint.isEmpty ? "" : "; \(hint)")"] }
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

    var rows: [Row]? { known?.values.sorted { $0.key < $1.key } }

    func replace(_ rows: [Row]) { known = Dictionary(rows.map { ($0.key, $0) }) { $1 } }

    func apply(_ changes: [TreeListing<Row>.Change]) {
        for change in changes {
            switch change {
            case .changed(let row): known?[row.key] = row
            case .removed(let row): known?[row.key] = nil
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
