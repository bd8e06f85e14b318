import Synchronization

/// Decides which message batches the broker may forget.
///
/// A batch may be acknowledged when each party that has to make it durable has done so: the tag mirror (its values are
/// in the tree) and the alarm recorder (its transitions are in the journal, or, while the tree is away, on this gateway's disk:
/// ``TransitionSpool``). A party that has nothing to do with a
/// batch, because another gateway owns the shard or is the active processor, lets it pass at once. The MQTT client
/// releases a batch by itself after its hold limit, so an unreachable tree delays acknowledgements but never stops them.
final class AcknowledgementGate: Sendable {
    enum Party { case mirror, alarms }

    private struct State {
        var mirror: UInt64 = 0
        var alarms: UInt64 = 0
        var released: UInt64 = 0
    }
    private let state = Mutex(State())
    private let release: @Sendable (UInt64) -> Void

    /// - Parameter release: called, outside the lock, with the number of the last batch that may be acknowledged.
    init(release: @escaping @Sendable (UInt64) -> Void) { self.release = release }

    /// `party` has made everything up to and including `batch` durable.
    func passed(_ party: Party, through batch: UInt64) {
        let through: UInt64? = state.withLock { state in
            switch party {
            case .mirror: state.mirror = max(state.mirror, batch)
            case .alarms: state.alarms = max(state.alarms, batch)
            }
            let through = min(state.mirror, state.alarms)
            guard through > state.released else { return nil }
            state.released = through
            return through
        }
        if let through { release(through) }
    }
}
