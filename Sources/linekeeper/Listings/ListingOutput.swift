import JSON
import OrderedCollections
import PlantClient

/// Prints a listing: as a table or as JSON, once or followed.
struct ListingOutput<Row: ListedRow>: Sendable {
    let selection: Selection<Row>
    let json: Bool
    /// What to say when there is nothing.
    let nothing: String
    /// Whether the exit status is that of a no while gateways do not keep the rows up to date.
    let fails: Bool

    /// Prints the rows once.
    func print(_ plant: PlantClient) async throws {
        let rows = try await plant.items(selection)
        if json {
            Terminal.write(rows.map { "\($0.json)\n" }.joined())
        } else if rows.isEmpty {
            Terminal.errorLine(printable(nothing))
        } else {
            let table = Table(columns: Row.columns, rows: rows.map { $0.cells(now: WallClock.now()) })
            let width = Terminal.isInteractive ? Terminal.size.columns : nil
            Terminal.write(table.lines(width: width).map { $0 + "\n" }.joined())
        }
        guard let flaw = await flaw(plant) else { return }
        Terminal.complain(flaw)
        if fails { throw CommandFailure(.no) }
    }

    /// What is wrong with the rows, as far as that can be found out. A takeover, which lasts less than a second, is nothing
    /// to speak of.
    func flaw(_ plant: PlantClient) async -> String? {
        guard let first = try? await plant.attendance(), Row.flaw(first) != nil else { return nil }
        try? await Task.sleep(for: .seconds(1))
        return (try? await plant.attendance()).flatMap(Row.flaw)
    }

    /// Prints the rows and what becomes of them, until the person has seen enough.
    func follow(_ plant: PlantClient) async throws {
        if Terminal.isInteractive, !json {
            try await followOnScreen(plant)
        } else {
            try await sayingSilence(of: plant) {
                try await plant.follow(selection) { rows in
                    for row in rows { write(.changed(row)) }
                } changes: { changes in
                    for change in changes { write(change) }
                }
            }
        }
    }

    private func write(_ change: Selection<Row>.Change) {
        switch (change, json) {
        case (.changed(let row), true): Terminal.line("\(row.json)")
        case (.changed(let row), false): Terminal.line(row.line(now: WallClock.now()))
        case (.left(let row), true): Terminal.line("\(row.json(marked: "left"))")
        case (.left(let row), false):
            Terminal.line("\(row.line(now: WallClock.now()))  no longer among those asked for")
        case (.removed(let row), true): Terminal.line("\(row.json(marked: "removed"))")
        case (.removed(let row), false): Terminal.line("\(printable(row.key))  removed")
        }
    }
}

extension ListedRow {
    /// The item as programs get it, with a member that says what has become of it.
    fileprivate func json(marked mark: String) -> JSONValue {
        var members = json.objectValue ?? [:]
        members[mark] = true
        return .object(members)
    }
}
