import Plant

/// How a recording writes what it holds: found out from its header and from all its lines before any of them is read.
struct RecordingForm {
    private static let timeNames = ["datetime", "timestamp", "time", "ts", "date", "date time", "date_time"]
    private static let sensorNames = [
        "tagname", "tag_name", "tag name", "tag", "sensor", "variable", "pointname", "point", "metric", "name",
    ]
    private static let valueNames = ["tagval", "tagvalue", "tag_value", "tag value", "value", "val", "reading"]
    private static let qualityNames = ["tagquality", "tag_quality", "tag quality", "quality"]

    let separator: UInt8
    let names: [String]
    let layout: Recording.Layout
    /// Columns; the last three mean something in the long layout only.
    let time: Int
    let name: Int
    let value: Int
    let quality: Int?
    private(set) var dates = RecordedTime.DateOrder.dayFirst
    private(set) var decimal = RecordedNumber.DecimalSign.point

    init(_ bytes: [UInt8], options: Recording.Options) throws(Recording.NotARecording) {
        var lines = CSVLines(bytes)
        guard let header = lines.next()?.line else { throw .init(description: "the file is empty") }
        let separator = CSVLine.separator(of: header)
        self.separator = separator
        names = CSVLine.fields(header, separator: separator).map { String(decoding: $0, as: UTF8.self) }
        guard names.count > 1 else {
            throw .init(
                description:
                    "the first line must name a time column and at least one sensor, separated by ; or , or tabs")
        }
        let folded = names.map { $0.lowercased() }
        func find(_ candidates: [String]) -> Int? { candidates.lazy.compactMap { folded.firstIndex(of: $0) }.first }
        time = find(Self.timeNames) ?? 0
        quality = find(Self.qualityNames)
        if let name = find(Self.sensorNames), let value = find(Self.valueNames) {
            self.name = name
            self.value = value
            let second = lines.next().map { CSVLine.fields($0.line, separator: separator) }
            // A wide recording may have a column of numbers that is called `sensor`.
            let isName = second.map { $0.count == folded.count && RecordedNumber($0[name]) == nil } ?? false
            layout = options.layout ?? (isName ? .long : .wide)
        } else {
            guard options.layout != .long else {
                throw .init(
                    description:
                        "the first line names no column of sensors (\(Self.sensorNames[0]), \(Self.sensorNames[3]), …) and of values (\(Self.valueNames[0]), \(Self.valueNames[4]), …), as the long layout has them"
                )
            }
            (name, value) = (0, 0)
            layout = .wide
        }
        try decide(bytes, options)
    }

    // MARK: What the lines show

    /// Finds the order of dates and the decimal sign, by all that the file shows beyond doubt.
    private mutating func decide(_ bytes: [UInt8], _ options: Recording.Options) throws(Recording.NotARecording) {
        var shown = (day: 0, month: 0, point: 0, comma: 0)
        var doubtfulDate: (text: String, line: Int)?
        var doubtfulNumber: (text: String, line: Int)?
        for (number, line) in CSVLines(bytes).dropFirst() {
            let fields = CSVLine.fields(line, separator: separator)
            guard fields.count == names.count else { continue }
            if let time = RecordedTime(fields[time]) {
                switch time.evidence {
                case .dayFirst: shown.day += 1
                case .monthFirst: shown.month += 1
                case nil:
                    if time.isAmbiguous {
                        doubtfulDate = doubtfulDate ?? (Recording.excerpt(fields[self.time]), number)
                    }
                }
            }
            for index in layout == .long ? value..<value + 1 : 0..<fields.count where index != time {
                guard let found = RecordedNumber(fields[index]) else { continue }
                switch found.evidence {
                case .point: shown.point += 1
                case .comma: shown.comma += 1
                case nil:
                    if found.isAmbiguous, found.hasComma {
                        doubtfulNumber = doubtfulNumber ?? (Recording.excerpt(fields[index]), number)
                    }
                }
            }
        }
        if let dates = options.dates {
            self.dates = dates
        } else if shown.day != shown.month {
            dates = shown.day > shown.month ? .dayFirst : .monthFirst
        } else if let doubtfulDate {
            throw .init(
                description:
                    "\"\(doubtfulDate.text)\" in line \(doubtfulDate.line) may begin with the day or with the month, and no line shows which: say --dates day-first or --dates month-first"
            )
        }
        if let decimal = options.decimal {
            self.decimal = decimal
        } else if shown.point != shown.comma {
            decimal = shown.comma > shown.point ? .comma : .point
        } else if let doubtfulNumber {
            // Where commas do not separate the fields, they are there for the numbers.
            guard separator != UInt8(ascii: ",") else {
                throw .init(
                    description:
                        "\"\(doubtfulNumber.text)\" in line \(doubtfulNumber.line) may be thousands or a fraction, and no line shows which: say --decimal point or --decimal comma"
                )
            }
            decimal = .comma
        }
    }

    // MARK: One line

    /// The time of a line, and all its fields.
    func line(
        _ line: ArraySlice<UInt8>, number: Int
    ) -> Result<(time: Milliseconds, fields: [ArraySlice<UInt8>]), Recording.Malformed> {
        let fields = CSVLine.fields(line, separator: separator)
        guard fields.count == names.count else {
            return .failure(.init(line: number, reason: "has \(fields.count) fields instead of \(names.count)"))
        }
        guard let time = RecordedTime(fields[time])?.milliseconds(dates) else {
            return .failure(.init(line: number, reason: "\"\(Recording.excerpt(fields[time]))\" is not a time"))
        }
        return .success((time, fields))
    }

    /// A field as JSON; nil when it is no number.
    func number(_ field: ArraySlice<UInt8>) -> String? { RecordedNumber(field)?.json(decimal) }

    /// Whether a line of the long layout calls its value good: not `bad…`, and no OPC code below 64.
    func isGood(_ fields: [ArraySlice<UInt8>]) -> Bool {
        guard let quality else { return true }
        let word = String(decoding: fields[quality], as: UTF8.self).lowercased()
        return !word.hasPrefix("bad") && (Int(word) ?? 192) >= 64
    }
}
