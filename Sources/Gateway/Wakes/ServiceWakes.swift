/// The wake-ups of the services that act on the plant's state.
struct ServiceWakes: Sendable {
    let mirror = Wake()
    let alarms = Wake()
    let devices = Wake()
    /// Of the comparison of retained records.
    let retained = Wake()
    let announcer: [Wake]

    init(announcer: [Wake]) { self.announcer = announcer }

    /// Each of them may wait for anything that can go and come back.
    func all() {
        for wake in [mirror, alarms, devices, retained] + announcer { wake.wake() }
    }
}
