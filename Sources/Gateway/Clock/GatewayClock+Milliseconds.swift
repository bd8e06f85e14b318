import Plant
import Primitives

extension GatewayClock {
    private static let origin = ContinuousClock.now

    /// The monotonic clock in the unit of the machines in `Plant`; its zero means nothing.
    var milliseconds: Milliseconds { (now() - Self.origin).wholeMilliseconds }
}
