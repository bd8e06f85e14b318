package import Plant
import Primitives

/// Which of the devices that a filter matches are asked for, by what is known of them. What is not said lets all pass.
package struct DeviceConditions: Sendable, Hashable {
    /// In one of these; empty: in any.
    package var states: [DeviceState] = []
    /// Only those that flap.
    package var isFlapping = false
    /// The name of the route that found them.
    package var route: String?
    /// Only those that nothing defines any more.
    package var isOrphaned = false
    /// In their state for at least ``Lasting/time``.
    package var lasting: Lasting?

    /// How long a state has lasted at a moment.
    package struct Lasting: Sendable, Hashable {
        package var time: Duration
        /// When it is asked, by the clock of this machine; the gateways date by theirs.
        package var now: Milliseconds

        package init(_ time: Duration, at now: Milliseconds) {
            self.time = time
            self.now = now
        }

        func holds(since moment: Milliseconds) -> Bool { now.subtractingClamped(moment) >= time.wholeMilliseconds }
    }

    package init() {}

    /// Whether a device is asked for.
    package func holds(for device: ListedDevice) -> Bool {
        let record = device.record
        return (states.isEmpty || states.contains(record.state)) && (!isFlapping || record.flapping != nil)
            && (route.map { $0 == record.route } ?? true) && (!isOrphaned || device.isOrphaned)
            && (lasting?.holds(since: record.since) ?? true)
    }

    /// What a device is of which it is true: "offline or stale, and flapping"; nil when all are.
    package var text: String? {
        var parts: [String] = []
        if !states.isEmpty { parts.append(states.map(\.rawValue).joined(separator: " or ")) }
        if isFlapping { parts.append("flapping") }
        if isOrphaned { parts.append("orphaned") }
        if let route { parts.append("of route \(route)") }
        if let lasting { parts.append("in its state for \(HumanText.span(lasting.time))") }
        return parts.isEmpty ? nil : parts.joined(separator: ", and ")
    }
}
