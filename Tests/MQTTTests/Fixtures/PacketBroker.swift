import Glibc
import MQTT
import TestFixtures

/// A broker that answers CONNECT and then says what a test wants it to say, well-formed or not.
final class PacketBroker: Sendable {
    private let listener: Listener
    var url: String { "mqtt://127.0.0.1:\(listener.port)" }

    /// - Parameters:
    ///   - connectAnswer: sent in answer to CONNECT; MQTT 5, accepted, no properties, by default.
    ///   - answer: gets the first byte and the body of each later packet, and returns the bytes to send.
    init(
        connectAnswer: [UInt8] = [0x20, 0x03, 0x00, 0x00, 0x00],
        answer: @escaping @Sendable (_ kind: UInt8, _ body: [UInt8]) -> [UInt8]
    ) throws {
        listener = try Listener { client in
            var bytes: [UInt8] = []
            while let more = receiveBytes(client) {
                bytes += more
                while let (kind, body, length) = PacketBroker.packet(bytes) {
                    bytes.removeFirst(length)
                    let reply = kind == 0x10 ? connectAnswer : answer(kind, body)
                    if !sendBytes(client, reply) { return }
                }
            }
        }
    }

    func stop() { listener.stop() }

    /// The first packet in `bytes`, when it is there as a whole.
    private static func packet(_ bytes: [UInt8]) -> (kind: UInt8, body: [UInt8], length: Int)? {
        guard let kind = bytes.first else { return nil }
        var (length, shift, index) = (0, 0, 1)
        while true {
            guard index < bytes.count else { return nil }
            length |= Int(bytes[index] & 0x7f) << shift
            shift += 7
            index += 1
            if bytes[index - 1] & 0x80 == 0 { break }
        }
        guard bytes.count >= index + length else { return nil }
        return (kind, Array(bytes[index..<index + length]), index + length)
    }

    /// A PUBLISH of QoS 0, MQTT 5, without properties.
    static func publish(topic: [UInt8], payload: [UInt8]) -> [UInt8] {
        let body = [UInt8(topic.count >> 8), UInt8(topic.count & 0xff)] + topic + [0] + payload
        precondition(body.count < 16_384)
        return [0x30, UInt8(body.count & 0x7f | 0x80), UInt8(body.count >> 7)] + body
    }
}
