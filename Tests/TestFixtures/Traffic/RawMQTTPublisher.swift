/// Publishes bytes that a library would refuse to send: MQTT 3.1.1 by hand, QoS 0, one connection a message.
public struct RawMQTTPublisher: Sendable {
    private let port: Int

    public init(port: Int) { self.port = port }

    /// Sends one message in a connection of its own; false when the broker refused it (closed the connection).
    @discardableResult
    public func publish(topic: [UInt8], payload: [UInt8], retain: Bool = false) throws -> Bool {
        guard let socket = RawSocket(port: port) else { throw FixtureError("no broker on port \(port)") }
        defer { socket.close() }
        let name = Array("raw\(UInt32.random(in: 0...UInt32.max))".utf8)
        let connect: [UInt8] = [0, 4] + Array("MQTT".utf8) + [4, 2, 0, 60] + Self.text(name)
        guard socket.send([0x10] + Self.length(connect.count) + connect),
            socket.receive(atLeast: 4, within: .seconds(5)) != nil
        else { throw FixtureError("the broker did not accept a connection") }
        let body = Self.text(topic) + payload
        guard socket.send([0x30 | (retain ? 1 : 0)] + Self.length(body.count) + body) else { return false }
        // An answer to a ping proves that the message before it was taken.
        guard socket.send([0xc0, 0]), socket.receive(atLeast: 2, within: .seconds(5)) != nil else { return false }
        _ = socket.send([0xe0, 0])
        return true
    }

    private static func text(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }

    private static func length(_ count: Int) -> [UInt8] {
        var rest = count
        var bytes: [UInt8] = []
        repeat {
            bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }
}
