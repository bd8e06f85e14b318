/// Base64 with the standard alphabet and padding (RFC 4648, 4).
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count &+ 2) / 3 &* 4)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count &- index)
            var group = UInt32(bytes[index]) << 16
            if count > 1 { group |= UInt32(bytes[index &+ 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[index &+ 2]) }
            text.append(digit(group >> 18))
            text.append(digit(group >> 12))
            text.append(count > 1 ? digit(group >> 6) : UInt8(ascii: "="))
            text.append(count > 2 ? digit(group) : UInt8(ascii: "="))
            index &+= count
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ group: UInt32) -> UInt8 { alphabet[Int(group & 0x3F)] }
}
