import NIOCore

/// CRC-32C over what is stored, so that a damaged record is refused instead of believed.
enum Checksum {
    /// Eight tables for eight bytes a step.
    private static let tables: [[UInt32]] = {
        var first = [UInt32](repeating: 0, count: 256)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
            first[index] = value
        }
        var tables = [first]
        for table in 1..<8 {
            let previous = tables[table - 1]
            tables.append(previous.map { ($0 >> 8) ^ first[Int($0 & 0xFF)] })
        }
        return tables
    }()

    private static let flat: [UInt32] = tables.flatMap { $0 }

    static func crc32c(_ bytes: UnsafeRawBufferPointer, startingWith seed: UInt32 = 0) -> UInt32 {
        flat.withUnsafeBufferPointer { table in
            var crc = ~seed
            var index = 0
            while index + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let low = UInt32(truncatingIfNeeded: word) ^ crc
                let high = UInt32(truncatingIfNeeded: word >> 32)
                crc =
                    table[1792 + Int(low & 0xFF)] ^ table[1536 + Int((low >> 8) & 0xFF)]
                    ^ table[1280 + Int((low >> 16) & 0xFF)] ^ table[1024 + Int(low >> 24)]
                    ^ table[768 + Int(high & 0xFF)] ^ table[512 + Int((high >> 8) & 0xFF)]
                    ^ table[256 + Int((high >> 16) & 0xFF)] ^ table[Int(high >> 24)]
                index += 8
            }
            while index < bytes.count {
                crc = (crc >> 8) ^ table[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
                index += 1
            }
            return ~crc
        }
    }
}
