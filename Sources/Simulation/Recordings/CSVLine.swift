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

    /// Whichever of the separators occurs most often in the header.
    static func separator(of header: ArraySlice<UInt8>) -> UInt8 {
        let candidates = [UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "\t")]
        let counts = candidates.map { candidate in header.count { $0 == candidate } }
        return zip(candidates, counts).max { $0.1 < $1.1 }?.0 ?? UInt8(ascii: ",")
    }

    private static func trimmed(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var field = field.drop { $0 == UInt8(ascii: " ") }
        while field.last == UInt8(ascii: " ") { field = field.dropLast() }
        return field
    }
}

/// The lines of a file that are not empty, with their numbers, without the byte-order mark.
struct CSVLines: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var start: Int
    private var number = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    mutating func next() -> (number: Int, line: ArraySlice<UInt8>)? {
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            var line = bytes[start..<end]
            start = end + 1
            number += 1
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            if !line.isEmpty { return (number, line) }
        }
        return nil
    }
}
