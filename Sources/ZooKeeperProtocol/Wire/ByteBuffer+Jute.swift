package import NIOCore

/// Primitive fields of the jute encoding: big-endian integers, length-prefixed strings, buffers and vectors.
extension ByteBuffer {
    package mutating func readJuteInt(_ what: StaticString = "int") throws -> Int32 {
        guard let value = readInteger(as: Int32.self) else { throw WireFormatError.truncated(what) }
        return value
    }

    package mutating func readJuteLong(_ what: StaticString = "long") throws -> Int64 {
        guard let value = readInteger(as: Int64.self) else { throw WireFormatError.truncated(what) }
        return value
    }

    package mutating func readJuteBool(_ what: StaticString = "boolean") throws -> Bool {
        guard let value = readInteger(as: UInt8.self) else { throw WireFormatError.truncated(what) }
        return value != 0
    }

    /// Reads the length in front of a string or buffer: `nil` for −1, checked against the bytes that are there.
    package mutating func readJuteLength(_ what: StaticString) throws -> Int? {
        let length = try readJuteInt(what)
        if length == -1 { return nil }
        guard length >= 0 else { throw WireFormatError.length(what, length) }
        guard Int(length) <= readableBytes else { throw WireFormatError.truncated(what) }
        return Int(length)
    }

    /// Reads a string that may be null. Ill-formed UTF-8 (Java writes surrogates) becomes U+FFFD, which no path allows.
    package mutating func readJuteStringOrNull(_ what: StaticString = "string") throws -> String? {
        guard let length = try readJuteLength(what) else { return nil }
        guard let string = readString(length: length) else { throw WireFormatError.truncated(what) }
        return string
    }

    /// Reads a string that must not be null.
    package mutating func readJuteString(_ what: StaticString = "string") throws -> String {
        guard let string = try readJuteStringOrNull(what) else { throw WireFormatError("\(what) is null") }
        return string
    }

    /// Reads a buffer; null and empty are different values.
    package mutating func readJuteBytes(_ what: StaticString = "buffer") throws -> [UInt8]? {
        guard let length = try readJuteLength(what) else { return nil }
        guard let bytes = readBytes(length: length) else { throw WireFormatError.truncated(what) }
        return bytes
    }

    /// Reads a vector; null reads as empty.
    ///
    /// - Parameter minimumSize: The fewest bytes that one element takes, so that an invented count cannot reserve memory.
    package mutating func readJuteVector<Element>(
        _ what: StaticString, minimumSize: Int, _ element: (inout ByteBuffer) throws -> Element
    ) throws -> [Element] {
        let count = try readJuteInt(what)
        if count == -1 { return [] }
        guard count >= 0 else { throw WireFormatError.length(what, count) }
        guard Int(count) <= readableBytes / max(1, minimumSize) else { throw WireFormatError.truncated(what) }
        var elements: [Element] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count { elements.append(try element(&self)) }
        return elements
    }

    /// Reads a vector of strings; null reads as empty.
    package mutating func readJuteStrings(_ what: StaticString = "strings") throws -> [String] {
        try readJuteVector(what, minimumSize: 4) { try $0.readJuteString(what) }
    }

    package mutating func writeJuteBool(_ value: Bool) {
        writeInteger(value ? 1 : 0, as: UInt8.self)
    }

    package mutating func writeJuteString(_ string: String?) {
        guard let string else {
            writeInteger(-1, as: Int32.self)
            return
        }
        writeInteger(Int32(clamping: string.utf8.count))
        writeString(string)
    }

    package mutating func writeJuteBytes(_ bytes: [UInt8]?) {
        guard let bytes else {
            writeInteger(-1, as: Int32.self)
            return
        }
        writeInteger(Int32(clamping: bytes.count))
        writeBytes(bytes)
    }

    package mutating func writeJuteStrings(_ strings: [String]) {
        writeInteger(Int32(clamping: strings.count))
        for string in strings { writeJuteString(string) }
    }

    package mutating func writeJuteVector(_ records: [some Record]) {
        writeInteger(Int32(clamping: records.count))
        for record in records { record.write(into: &self) }
    }
}
