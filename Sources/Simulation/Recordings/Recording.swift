package import Plant

/// A recording of sensors in a CSV file.
///
/// In the wide layout one column has times and every other column is a sensor. In the long layout a line has a time, the
/// name of a sensor and its value. Semicolon, comma and tab are told apart by the header, and so are the time column
/// (`datetime`, `timestamp`, `time`, `ts` or `date`; otherwise the first) and the layout. SKAB and NAB files are read as
/// they are. The order of rows is that of the file, even where its clock was set back (NAB's machine temperature has such an
/// hour); a long file, which may hold one sensor after the other, is put in the order of its times.
///
/// One cell that is no number costs itself, one column without any number costs itself, one line without a time costs
/// itself.
package struct Recording: Sendable {
    package enum Layout: String, Sendable, CaseIterable { case wide, long }

    /// What the file itself may leave open.
    package struct Options: Sendable {
        package var dates: RecordedTime.DateOrder?
        package var decimal: RecordedNumber.DecimalSign?
        package var layout: Layout?

        package init(
            dates: RecordedTime.DateOrder? = nil, decimal: RecordedNumber.DecimalSign? = nil, layout: Layout? = nil
        ) {
            self.dates = dates
            self.decimal = decimal
            self.layout = layout
        }
    }

    /// A sensor.
    package struct Column: Sendable, Equatable {
        /// As in the file.
        package var name: String
        /// The same as one level of a topic: `/`, `+`, `#` and control characters become `_`, spaces stay.
        package var topicLevel: String
    }

    package struct Row: Sendable, Equatable {
        /// Line in the file, counted from one.
        package var line: Int
        package var time: Milliseconds
        /// The column of the first of `values`.
        package var first = 0
        /// As JSON writes them: the file's own digits; nil where the file has no number.
        package var values: [String?]
    }

    /// A line that could not be used.
    package struct Malformed: Error, Sendable, Equatable, CustomStringConvertible {
        package var line: Int
        package var reason: String
        package var description: String { "line \(line): \(reason)" }
    }

    /// Cells of one column that are no numbers.
    package struct LeftOut: Sendable, Equatable, CustomStringConvertible {
        package var column: String
        package var cells = 0
        /// The first of them, and its line.
        package var text = ""
        package var line = 0
        /// Whether the column has no number at all, so that it is no sensor here.
        package var isWholeColumn = false

        package var description: String {
            isWholeColumn
                ? "column \(column) is left out: none of its \(cells) cells is a number (\"\(text)\" in line \(line))"
                : "column \(column): \(cells) cells are left out, the first is \"\(text)\" in line \(line)"
        }

        mutating func add(_ field: ArraySlice<UInt8>, line: Int) {
            if cells == 0 {
                text = Recording.excerpt(field)
                self.line = line
            }
            cells += 1
        }
    }

    /// Why a file is not a recording.
    package struct NotARecording: Error, CustomStringConvertible {
        package var description: String
    }

    package let columns: [Column]
    package let rows: [Row]
    package let malformed: [Malformed]
    package let leftOut: [LeftOut]

    /// Reads a whole file. Lines and cells that cannot be read are kept in ``malformed`` and ``leftOut``, the others stay
    /// usable.
    package init(parsing bytes: [UInt8], options: Options = Options()) throws(NotARecording) {
        let form = try RecordingForm(bytes, options: options)
        (columns, rows, malformed, leftOut) =
            form.layout == .long ? Self.long(bytes, form) : Self.wide(bytes, form)
        guard !columns.isEmpty, !rows.isEmpty else {
            let first = malformed.first.map { "; \($0)" } ?? leftOut.first.map { "; \($0)" } ?? ""
            throw NotARecording(description: "there is no usable line after the header\(first)")
        }
    }

    private typealias Content = ([Column], [Row], [Malformed], [LeftOut])

    private static func wide(_ bytes: [UInt8], _ form: RecordingForm) -> Content {
        var leftOut = form.names.map { LeftOut(column: $0) }
        var isRead = [Bool](repeating: false, count: form.names.count)
        var rows: [Row] = []
        var malformed: [Malformed] = []
        let sensors = form.names.indices.filter { $0 != form.time }
        for (number, line) in CSVLines(bytes).dropFirst() {
            switch form.line(line, number: number) {
            case .failure(let problem): malformed.append(problem)
            case .success(let (time, fields)):
                var values: [String?] = []
                for index in sensors {
                    let value = form.number(fields[index])
                    if value != nil { isRead[index] = true }
                    if value == nil, !fields[index].isEmpty { leftOut[index].add(fields[index], line: number) }
                    values.append(value)
                }
                rows.append(Row(line: number, time: time, values: values))
            }
        }
        for index in sensors where !isRead[index] && leftOut[index].cells > 0 { leftOut[index].isWholeColumn = true }
        let kept = sensors.indices.filter { !leftOut[sensors[$0]].isWholeColumn }
        if kept.count < sensors.count {
            for row in rows.indices { rows[row].values = kept.map { rows[row].values[$0] } }
        }
        var levels: Set<String> = []
        let columns = kept.map { position in
            column(form.names[sensors[position]], number: sensors[position] + 1, levels: &levels)
        }
        return (columns, rows, malformed, leftOut.filter { $0.cells > 0 })
    }

    private static func long(_ bytes: [UInt8], _ form: RecordingForm) -> Content {
        var numbers: [String: Int] = [:]
        var columns: [Column] = []
        var levels: Set<String> = []
        var leftOut: [LeftOut] = []
        var rows: [Row] = []
        var malformed: [Malformed] = []
        for (number, line) in CSVLines(bytes).dropFirst() {
            switch form.line(line, number: number) {
            case .failure(let problem): malformed.append(problem)
            case .success(let (time, fields)):
                let name = String(decoding: fields[form.name], as: UTF8.self)
                guard !name.isEmpty else {
                    malformed.append(Malformed(line: number, reason: "names no sensor"))
                    continue
                }
                let index = numbers[name] ?? columns.count
                if index == columns.count {
                    numbers[name] = index
                    columns.append(column(name, number: index + 1, levels: &levels))
                    leftOut.append(LeftOut(column: name))
                }
                let field = fields[form.value]
                guard !field.isEmpty else { continue }
                guard form.isGood(fields), let value = form.number(field) else {
                    leftOut[index].add(form.isGood(fields) ? field : fields[form.quality ?? form.value], line: number)
                    continue
                }
                rows.append(Row(line: number, time: time, first: index, values: [value]))
            }
        }
        // A stable order: what one sensor says at one time stays as it stands.
        let order = rows.indices.sorted { (rows[$0].time, $0) < (rows[$1].time, $1) }
        return (columns, order.map { rows[$0] }, malformed, leftOut.filter { $0.cells > 0 })
    }

    private static func column(_ name: String, number: Int, levels: inout Set<String>) -> Column {
        var level = topicLevel(name.isEmpty ? "column\(number)" : name)
        while !levels.insert(level).inserted { level += "_" }
        return Column(name: name, topicLevel: level)
    }

    package static func topicLevel(_ name: String) -> String {
        var level = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            let isLegal =
                !["/", "+", "#"].contains(scalar) && scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
            level.append(isLegal ? scalar : "_")
        }
        return String(level)
    }

    static func excerpt(_ field: ArraySlice<UInt8>) -> String { String(decoding: field.prefix(40), as: UTF8.self) }
}
