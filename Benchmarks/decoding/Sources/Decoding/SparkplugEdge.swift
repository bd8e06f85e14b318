import SparkplugB

/// An edge node that has been born and publishes the message over and over.
struct SparkplugEdge {
    private var session = EdgeNodeSession(seed: 1, asksFirst: false)
    private var events: ContiguousArray<EdgeNodeEvent> = []
    private var sequence = 0
    private let noDevice: [UInt8] = []

    init() {
        let device = noDevice
        session.received(.nodeBirth, device: device.span, Payloads.sparkplugBirth.span, at: 0, into: &events)
    }

    /// Takes the next message, and adds up its samples.
    mutating func sumOfNextMessage() -> Double {
        sequence = (sequence + 1) % 256
        events.removeAll(keepingCapacity: true)
        let device = noDevice
        let payload = Payloads.sparkplug[sequence]
        session.received(.nodeData, device: device.span, payload.span, at: 0, into: &events)
        var sum = 0.0
        for case .sample(let sample) in events { if case .number(let number)? = sample.value { sum += number } }
        return sum
    }
}
