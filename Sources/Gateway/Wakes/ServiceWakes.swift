/// The wake-ups of the services that act on the plant's state.
struct ServiceWakes: Sendable {
    let mirror = Wake()
    let alarms = Wake()
    let devices = Wake()
    /// Of the comparison of retained records.
    let retained = Wake()
    /// Of the channels, and of the marker.
    let deliveries: [Wake]

    init(deliveries: [Wake]) { self.deliveries = deliveries }

    /// Each of them may wait for anything that can go and come back.
    func all() {
        for wake in [mirror, alarms, devices, retained] + deliveries { wake.wake() }
    }
}
