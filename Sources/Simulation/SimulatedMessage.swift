/// What the simulated plant wants published.
package struct SimulatedMessage: Sendable, Equatable {
    package var topic: String
    package var payload: [UInt8]
    package var retain = false

    package init(topic: String, payload: [UInt8], retain: Bool = false) {
        self.topic = topic
        self.payload = payload
        self.retain = retain
    }
}
