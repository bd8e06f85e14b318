/// What a metric says about its bytes or its file.
public struct SparkplugMetaData: Hashable, Sendable {
    public var isMultiPart: Bool?
    public var contentType: String?
    public var size: UInt64?
    public var sequence: UInt64?
    public var fileName: String?
    public var fileType: String?
    public var md5: String?
    public var description: String?

    public init() {}

    init(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) throws(SparkplugError) {
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            let tag = try Wire.tag(bytes, &index, end)
            switch tag {
            case 0x08: isMultiPart = try Wire.varint(bytes, &index, end) != 0
            case 0x12: contentType = bytes.extracting(try Wire.text(bytes, &index, end)).text()
            case 0x18: size = try Wire.varint(bytes, &index, end)
            case 0x20: sequence = try Wire.varint(bytes, &index, end)
            case 0x2A: fileName = bytes.extracting(try Wire.text(bytes, &index, end)).text()
            case 0x32: fileType = bytes.extracting(try Wire.text(bytes, &index, end)).text()
            case 0x3A: md5 = bytes.extracting(try Wire.text(bytes, &index, end)).text()
            case 0x42: description = bytes.extracting(try Wire.text(bytes, &index, end)).text()
            default: try Wire.skip(tag, bytes, &index, end)
            }
        }
    }

    func write(into writer: inout WireWriter) {
        writer.field(1, bool: isMultiPart)
        writer.field(2, text: contentType)
        writer.field(3, varint: size)
        writer.field(4, varint: sequence)
        writer.field(5, text: fileName)
        writer.field(6, text: fileType)
        writer.field(7, text: md5)
        writer.field(8, text: description)
    }
}
