/// A name or a quoted text as it lies in the bytes that were scanned.
///
/// It is valid UTF-8. Without escapes its bytes are the text, and nothing needs to be copied to read it.
public struct LineProtocolText: Hashable, Sendable {
    /// Which bytes a backslash escapes there. A backslash before any other byte stands for itself.
    enum Escapes: UInt8 {
        case none
        /// `\,` and `\ `.
        case measurement
        /// `\,`, `\=` and `\ `: tag keys, tag values and field keys.
        case key
        /// `\"` and `\\`.
        case quoted

        @inline(__always)
        func apply(to byte: UInt8) -> Bool {
            switch self {
            case .none: false
            case .measurement: byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ")
            case .key: byte == UInt8(ascii: ",") || byte == UInt8(ascii: "=") || byte == UInt8(ascii: " ")
            case .quoted: byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
            }
        }
    }

    private let start: UInt32
    private let length: UInt32
    private let escapes: Escapes

    /// - Parameter escapes: `.none` when none was met.
    @inline(__always)
    init(_ start: Int, _ end: Int, escapes: Escapes) {
        self.start = UInt32(truncatingIfNeeded: start)
        length = UInt32(truncatingIfNeeded: end &- start)
        self.escapes = escapes
    }

    /// Where it lies, without the quotes.
    public var range: Range<Int> { Int(start)..<(Int(start) &+ Int(length)) }

    /// Whether its bytes differ from the text that they stand for.
    public var hasEscapes: Bool { escapes != .none }

    public var isEmpty: Bool { length == 0 }

    /// The text itself.
    ///
    /// - Parameter bytes: those that were scanned; it traps when the text cannot lie in them.
    public func string(in bytes: borrowing Span<UInt8>) -> String {
        guard hasEscapes else {
            return bytes.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        }
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        append(from: bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the text itself as UTF-8, for a caller that uses one buffer many times.
    ///
    /// - Parameter bytes: those that were scanned; it traps when the text cannot lie in them.
    public func append(from bytes: borrowing Span<UInt8>, to buffer: inout [UInt8]) {
        guard hasEscapes else {
            bytes.extracting(range).withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
            return
        }
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            if bytes[index] == UInt8(ascii: "\\"), index &+ 1 < end, escapes.apply(to: bytes[index &+ 1]) {
                index &+= 1
            }
            buffer.append(bytes[index])
            index &+= 1
        }
    }
}
