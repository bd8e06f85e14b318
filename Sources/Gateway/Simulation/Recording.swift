package import Plant

/// A recording of sensors in a CSV file: one column of times, every other column a sensor.
///
/// Semicolon, comma and tab are told apart by the header, and so is the time column (`datetime`, `timestamp`, `time`, `ts`
/// or `date`; otherwise the first). Both SKAB and NAB files are read as they are; the order of rows is that of the file, even where its clock
/// was set back (NAB's machine temperature has such an hour).
package struct Recording: Sendable {
    /// A sensor's column.
    package struct Column: Sendable, Equatable {
        /// As in the header.
        package var name: String
        /// The same as one level of a topic: `/`, `+`, `#` and control characters become `_`, spaces stay.
        package var topicLevel: String
        let index: Int
    }

    package struct Row: Sendable, Equatable {
        /// Line in the file, counted from one.
        package var line: Int
        package var time: Milliseconds
        /// One a column, as JSON writes it: the file's own digits; nil where the file has nothing.
        package var values: [String?]
    }

    /// A line that could not be used.
    package struct Malformed: Error, Sendable, Equatable, CustomStringConvertible {
        package var line: Int
        package var reason: String
        package var description: String { "line \(line): \(reason)" }
    }

    /// Why a file is not a recording.
    package struct NotARecording: Error, CustomStringConvertible {
        package var description: String
    }

    private static let timeNames = ["datetime", "timestamp", "time", "ts", "date"]

    package let columns: [Column]
    package private(set) var rows: [Row] = []
    package private(set) var malformed: [Malformed] = []
    private let separator: UInt8
    private let fieldCount: Int
    private let timeIndex: Int

    /// Reads a whole file. Malformed lines are kept in ``malformed``, the others stay usable.
    package init(parsing bytes: [UInt8]) throws(NotARecording) {
        var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var number = 0
        func nextLine() -> ArraySlice<UInt8>? {
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                var line = bytes[start..<end]
                start = end + 1
                number += 1
                if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
                if !line.isEmpty { return line }
            }
            return nil
        }
        guard let header = nextLine() else { throw NotARecording(description: "the file is empty") }
        separator = Self.separator(of: header)
        let names = CSVLine.fields(header, separator: separator).map { String(decoding: $0, as: UTF8.self) }
        guard names.count > 1 else {
            throw NotARecording(
                description:
                    "the first line must name a time column and at least one sensor, separated by ; or , or tabs")
        }
        fieldCount = names.count
        let folded = names.map { $0.lowercased() }
        let timeIndex = Self.timeNames.lazy.compactMap { folded.firstIndex(of: $0) }.first ?? 0
        self.timeIndex = timeIndex
        var levels: Set<String> = []
        var columns: [Column] = []
        for (index, name) in names.enumerated() where index != timeIndex {
            var level = Self.topicLevel(name.isEmpty ? "column\(index + 1)" : name)
            while !levels.insert(level).inserted { level += "_" }
            columns.append(Column(name: name, topicLevel: level, index: index))
        }
        self.columns = columns

        while let line = nextLine() {
            switch row(line, number: number) {
            case .failure(let problem): malformed.append(problem)
            case .success(let row):
                rows.append(row)
            }
        }
        if rows.isEmpty {
            let first = malformed.first.map { "; \($0)" } ?? ""
            throw NotARecording(description: "there is no usable line after the header\(first)")
        }
    }

    private func row(_ line: ArraySlice<UInt8>, number: Int) -> Result<Row, Malformed> {
        let fields = CSVLine.fields(line, separator: separator)
        guard fields.count == fieldCount else {
            return .failure(Malformed(line: number, reason: "has \(fields.count) fields instead of \(fieldCount)"))
        }
        guard let time = RecordedTime.parse(fields[timeIndex]) else {
            let text = String(decoding: fields[timeIndex].prefix(40), as: UTF8.self)
            return .failure(Malformed(line: number, reason: "\"\(text)\" is not a time"))
        }
        var values: [String?] = []
        for column in columns {
            let field = fields[column.index]
            if field.isEmpty {
                values.append(nil)
            } else if let number = Self.jsonNumber(field) {
                values.append(number)
            } else {
                let text = String(decoding: field.prefix(40), as: UTF8.self)
                return .failure(Malformed(line: number, reason: "\"\(text)\" in column \(column.name) is not a number"))
            }
        }
        return .success(Row(line: number, time: time, values: values))
    }

    /// Whichever of the separators occurs most often in the header.
    private static func separator(of header: ArraySlice<UInt8>) -> UInt8 {
        let candidates = [UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "\t")]
        let counts = candidates.map { candidate in header.count { $0 == candidate } }
        return zip(candidates, counts).max { $0.1 < $1.1 }?.0 ?? UInt8(ascii: ",")
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

    /// The field itself when it is a number as JSON knows them, a rewritten one when it is another finite number.
    private static func jsonNumber(_ field: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: field, as: UTF8.self)
        guard let number = Double(text), number.isFinite else { return nil }
        if let json = try? JSONValue(parsing: field) {
            switch json {
            case .integer, .number: return text
            case .null, .bool, .string, .array, .object: break
            }
        }
        return "\(number)"
    }
}

/// Fields of one line, with the quotes of RFC 4180 (a quoted field may not run over the end of the line).
enum CSVLine {
    static func fields(_ line: ArraySlice<UInt8>, separator: UInt8) -> [ArraySlice<UInt8>] {
        let quote = UInt8(ascii: "\"")
        guard line.contains(quote) else {
            return line.split(separator: separator, omittingEmptySubsequences: false).map(trimmed)
        }
        var fields: [ArraySlice<UInt8>] = []
        var field: [UInt8] = []
        var isQuoted = false
        var index = line.startIndex
        while index < line.endIndex {
            let byte = line[index]
            if isQuoted, byte == quote, line.index(after: index) < line.endIndex, line[index + 1] == quote {
                field.append(quote)
                index += 1
            } else if byte == quote {
                isQuoted.toggle()
            } else if byte == separator, !isQuoted {
                fields.append(trimmed(field[...]))
                field = []
            } else {
                field.append(byte)
            }
            index += 1
        }
        fields.append(trimmed(field[...]))
        return fields
    }

    private static func trimmed(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var field = field.drop { $0 == UInt8(ascii: " ") }
        while field.last == UInt8(ascii: " ") { field = field.dropLast() }
        return field
    }
}
