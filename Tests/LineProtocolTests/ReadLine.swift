import LineProtocol
import Testing

/// A point with the text of its names, which outlives the bytes.
struct Point: Hashable, CustomStringConvertible {
    enum Value: Hashable {
        /// As bits: zeros of both signs differ.
        case float(UInt64)
        case integer(Int64)
        case unsigned(UInt64)
        case bool(Bool)
        case text(String)
    }

    struct Tag: Hashable {
        var key: String
        var value: String
    }

    struct Field: Hashable {
        var key: String
        var value: Value
    }

    var measurement: String
    var tags: [Tag]
    var fields: [Field]
    var time: Int64?

    /// `measurement|tag=value|field:value|@time`, floats as Swift prints them, with the suffixes of line protocol.
    var description: String {
        var parts = [measurement] + tags.map { "\($0.key)=\($0.value)" }
        parts += fields.map { field in
            switch field.value {
            case .float(let bits): "\(field.key):\(Double(bitPattern: bits))"
            case .integer(let value): "\(field.key):\(value)i"
            case .unsigned(let value): "\(field.key):\(value)u"
            case .bool(let value): "\(field.key):\(value)"
            case .text(let value): "\(field.key):'\(value)'"
            }
        }
        if let time { parts.append("@\(time)") }
        return parts.joined(separator: "|")
    }
}

/// What has become of a line that is neither empty nor a comment.
enum ReadLine: Hashable, CustomStringConvertible {
    case point(Point)
    case mistake(LineProtocolError)

    var description: String {
        switch self {
        case .point(let point): point.description
        case .mistake(let error): "\(error.reason)@\(error.offset)"
        }
    }

    var isPoint: Bool { if case .point = self { true } else { false } }
}

/// All lines of a payload, and whether all that the scanner has said of them lies where it can: each part in its line, behind the
/// one before, an error within the input, and each line further than the last one.
func read(_ bytes: [UInt8]) -> (lines: [ReadLine], isInBounds: Bool) {
    var scanner = LineProtocolScanner()
    return read(bytes, &scanner)
}

func read(_ bytes: [UInt8], _ scanner: inout LineProtocolScanner) -> (lines: [ReadLine], isInBounds: Bool) {
    scanner.restart()
    var lines: [ReadLine] = []
    var isInBounds = true
    while true {
        let start = scanner.position
        do throws(LineProtocolError) {
            guard try scanner.next(bytes.span) else { break }
            lines.append(.point(point(scanner, bytes)))
            isInBounds = isInBounds && areInOrder(scanner, from: start)
        } catch {
            lines.append(.mistake(error))
            isInBounds = isInBounds && error.offset >= start && error.offset <= scanner.position
        }
        isInBounds = isInBounds && scanner.position > start && scanner.position <= bytes.count
        if !isInBounds { break }
    }
    return (lines, isInBounds)
}

func read(_ text: String) -> [ReadLine] {
    let (lines, isInBounds) = read(Array(text.utf8))
    #expect(isInBounds, "\(text.debugDescription)")
    return lines
}

private func point(_ scanner: LineProtocolScanner, _ bytes: [UInt8]) -> Point {
    Point(
        measurement: scanner.measurement.string(in: bytes.span),
        tags: scanner.tags.map {
            Point.Tag(key: $0.key.string(in: bytes.span), value: $0.value.string(in: bytes.span))
        },
        fields: scanner.fields.map { field in
            let value: Point.Value =
                switch field.value {
                case .float(let number): .float(number.bitPattern)
                case .integer(let number): .integer(number)
                case .unsigned(let number): .unsigned(number)
                case .bool(let flag): .bool(flag)
                case .text(let text): .text(text.string(in: bytes.span))
                }
            return Point.Field(key: field.key.string(in: bytes.span), value: value)
        },
        time: scanner.time)
}

private func areInOrder(_ scanner: LineProtocolScanner, from start: Int) -> Bool {
    var position = start
    var texts = [scanner.measurement] + scanner.tags.flatMap { [$0.key, $0.value] }
    for field in scanner.fields {
        texts.append(field.key)
        if case .text(let text) = field.value { texts.append(text) }
    }
    for text in texts {
        guard text.range.lowerBound >= position, text.range.upperBound <= scanner.position else { return false }
        position = text.range.upperBound
    }
    return !scanner.fields.isEmpty && !scanner.measurement.isEmpty
}
