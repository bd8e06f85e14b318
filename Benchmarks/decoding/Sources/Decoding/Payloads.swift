import JSON
import SparkplugB

/// The same message of ten values with a name and a time, in each format.
enum Payloads {
    static let valueCount = 10

    private static let values: [(name: String, number: Double)] = [
        ("temperature", 21.53), ("pressure", 1013.25), ("humidity", 47.125), ("voltage", 230.4), ("current", 12.071),
        ("power", 2781.1584), ("frequency", 49.98), ("vibration", 0.00372), ("speed", 1480), ("torque", -17.5),
    ]

    static let pointers: [JSONPointer] = values.map { JSONPointer(tokens: [$0.name]) }

    static let json = Array(
        "{\"machine\":\"press7\",\(values.map { "\"\($0.name)\":\($0.number)" }.joined(separator: ",")),\"ts\":1790000000000}"
            .utf8)

    /// The usual message of one value with its time.
    static let lone = Array("{\"v\":\(values[0].number),\"ts\":1790000000000}".utf8)
    static let loneNumber = values[0].number
    static let lonePointers = [JSONPointer(tokens: ["v"])]

    static let lineProtocol = Array(
        "factory,machine=press7 \(values.map { "\($0.name)=\($0.number)" }.joined(separator: ",")) 1790000000000000000\n"
            .utf8)

    static let cbor: [UInt8] = {
        var bytes: [UInt8] = [0xA0 | UInt8(valueCount + 2)]
        func append(text: String) { bytes += [0x60 | UInt8(text.utf8.count)] + Array(text.utf8) }
        append(text: "machine")
        append(text: "press7")
        for (name, number) in values {
            append(text: name)
            bytes.append(0xFB)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> UInt64(shift)))
            }
        }
        append(text: "ts")
        bytes.append(0x1B)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: UInt64(1_790_000_000_000) >> UInt64(shift)))
        }
        return bytes
    }()

    /// The birth that gives the values their names, types and aliases.
    static let sparkplugBirth: [UInt8] = SparkplugPayload(
        timestamp: 1_790_000_000_000, sequence: 0,
        metrics: values.enumerated().map { alias, value in
            SparkplugMetric(name: value.name, alias: UInt64(alias), type: .double, value: .double(value.number))
        }
    ).encoded

    /// The message by aliases, with each sequence number.
    static let sparkplug: [[UInt8]] = (UInt64(0)..<256).map { sequence in
        let metrics = values.enumerated().map { alias, value in
            SparkplugMetric(alias: UInt64(alias), timestamp: 1_790_000_000_000, value: .double(value.number))
        }
        return SparkplugPayload(timestamp: 1_790_000_000_000, sequence: sequence, metrics: metrics).encoded
    }
}
