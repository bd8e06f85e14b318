import MQTT
import Testing

/// A packet of MQTT as a client has sent it.
struct SentPacket {
    /// The first byte: type and flags.
    let kind: UInt8
    let body: [UInt8]

    struct Connect {
        var version: UInt8
        var flags: UInt8
        /// In seconds; 0 when the client says nothing.
        var sessionExpiry: UInt32
        var clientID: String
        var willTopic: String
        var will: [UInt8]
    }

    /// Those that are complete.
    static func all(in bytes: [UInt8]) -> [SentPacket] {
        var result: [SentPacket] = []
        var index = 0
        while index < bytes.count {
            let kind = bytes[index]
            var (length, shift) = (0, 0)
            repeat {
                index += 1
                guard index < bytes.count else { return result }
                length |= Int(bytes[index] & 0x7f) << shift
                shift += 7
            } while bytes[index] & 0x80 != 0
            index += 1
            guard index + length <= bytes.count else { return result }
            result.append(SentPacket(kind: kind, body: Array(bytes[index..<index + length])))
            index += length
        }
        return result
    }

    /// Of a CONNECT with a will.
    func connect() throws -> Connect {
        var reader = Reader(bytes: body[...])
        _ = try reader.field()
        let version = try reader.byte()
        let flags = try reader.byte()
        _ = try reader.take(2)
        var sessionExpiry: UInt32 = 0
        if version == 5 {
            var properties = Reader(bytes: try reader.properties())
            while !properties.bytes.isEmpty {
                let property = try properties.byte()
                switch property {
                case 0x11: sessionExpiry = try properties.take(4).reduce(0) { $0 << 8 | UInt32($1) }
                case 0x27: _ = try properties.take(4)
                case 0x21, 0x22: _ = try properties.take(2)
                case 0x17, 0x19: _ = try properties.byte()
                default: throw Unreadable()
                }
            }
        }
        let clientID = String(decoding: try reader.field(), as: UTF8.self)
        if version == 5 { _ = try reader.properties() }
        let willTopic = String(decoding: try reader.field(), as: UTF8.self)
        return Connect(
            version: version, flags: flags, sessionExpiry: sessionExpiry, clientID: clientID, willTopic: willTopic,
            will: Array(try reader.field()))
    }

    /// Of a SUBSCRIBE: its first filter with its options.
    func subscribe(_ version: MQTTProtocolVersion) throws -> (filter: String, options: UInt8) {
        var reader = Reader(bytes: body[...])
        _ = try reader.take(2)
        if version == .v5 { _ = try reader.properties() }
        let filter = String(decoding: try reader.field(), as: UTF8.self)
        return (filter, try reader.byte())
    }

    private struct Unreadable: Error {}

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
            guard bytes.count >= count else { throw Unreadable() }
            defer { bytes = bytes.dropFirst(count) }
            return bytes.prefix(count)
        }

        mutating func byte() throws -> UInt8 {
            guard let byte = bytes.popFirst() else { throw Unreadable() }
            return byte
        }

        /// With its length in front, in two bytes.
        mutating func field() throws -> ArraySlice<UInt8> { try take(Int(byte()) << 8 | Int(byte())) }

        /// Of version 5; fewer than 128 bytes.
        mutating func properties() throws -> ArraySlice<UInt8> { try take(Int(byte())) }
    }
}
