/// A table as a value: columns with a name and a type each, and rows of cells.
public struct SparkplugDataSet: Hashable, Sendable {
    /// The number of columns, as it is given.
    public var columnCount: UInt64?
    public var columns: [String]
    public var types: [SparkplugDataType]
    /// A cell is nil where the field is empty: its value is null.
    public var rows: [[SparkplugValue?]]

    public init(columns: [String], types: [SparkplugDataType], rows: [[SparkplugValue?]]) {
        columnCount = UInt64(columns.count)
        self.columns = columns
        self.types = types
        self.rows = rows
    }

    /// Whether each column has a type, and each row a cell for each column.
    var isRectangular: Bool {
        columns.count == types.count && (columnCount ?? UInt64(columns.count)) == UInt64(columns.count)
            && rows.allSatisfy { $0.count == columns.count }
    }

    init(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, _ parts: inout PartCount
    ) throws(SparkplugError) {
        columns = []
        types = []
        rows = []
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            let tag = try Wire.tag(bytes, &index, end)
            switch tag {
            case 0x08: columnCount = try Wire.varint(bytes, &index, end)
            case 0x12:
                try parts.take(at: index)
                columns.append(bytes.extracting(try Wire.text(bytes, &index, end)).text())
            case 0x18: try readType(bytes, &index, end, &parts)
            case 0x1A:
                let packed = try Wire.content(bytes, &index, end)
                var place = packed.lowerBound
                while place < packed.upperBound { try readType(bytes, &place, packed.upperBound, &parts) }
            case 0x22:
                try parts.take(at: index)
                let row = try Wire.content(bytes, &index, end)
                rows.append(try Self.row(bytes, row, &parts))
            default: try Wire.skip(tag, bytes, &index, end)
            }
        }
    }

    private mutating func readType(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int, _ parts: inout PartCount
    ) throws(SparkplugError) {
        try parts.take(at: index)
        types.append(SparkplugDataType(number: UInt32(truncatingIfNeeded: try Wire.varint(bytes, &index, end))))
    }

    private static func row(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, _ parts: inout PartCount
    ) throws(SparkplugError) -> [SparkplugValue?] {
        var cells: [SparkplugValue?] = []
        var index = range.lowerBound
        while index < range.upperBound {
            let tag = try Wire.tag(bytes, &index, range.upperBound)
            guard tag == 0x0A else {
                try Wire.skip(tag, bytes, &index, range.upperBound)
                continue
            }
            try parts.take(at: index)
            let cell = try Wire.content(bytes, &index, range.upperBound)
            cells.append(try value(bytes, cell))
        }
        return cells
    }

    private static func value(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>
    ) throws(SparkplugError) -> SparkplugValue? {
        var value: SparkplugValue?
        var index = range.lowerBound
        while index < range.upperBound {
            let tag = try Wire.tag(bytes, &index, range.upperBound)
            if let field = try SparkplugValue(tag, from: 1, bytes, &index, range.upperBound) {
                value = field
            } else {
                try Wire.skip(tag, bytes, &index, range.upperBound)
            }
        }
        return value
    }

    func write(into writer: inout WireWriter) {
        writer.field(1, varint: columnCount)
        for column in columns { writer.field(2, text: column) }
        for type in types { writer.field(3, varint: UInt64(type.rawValue)) }
        for row in rows {
            writer.field(4) { cells in
                for cell in row { cells.field(1) { cell?.write(into: &$0, from: 1) } }
            }
        }
    }
}
