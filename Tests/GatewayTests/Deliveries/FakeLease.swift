import Synchronization
import ZooKeeperRecipes

/// A lease that a test gives and takes; nil while this is not the active alarm processor.
final class FakeLease: Sendable {
    private let state = Mutex<(lease: Lease?, asked: Int, left: Int?)>((nil, 0, nil))

    /// As the service asks for it.
    var value: Lease? {
        state.withLock { state in
            state.asked += 1
            if let left = state.left {
                guard left > 0 else { return nil }
                state.left = left - 1
            }
            return state.lease
        }
    }

    /// How often it was asked for.
    var asked: Int { state.withLock { $0.asked } }

    /// Gives back the one before.
    ///
    /// - Parameter answers: how often it is had; then it is lost.
    @discardableResult
    func set(_ new: Lease?, answers: Int? = nil) -> Lease? {
        state.withLock { state in
            defer { (state.lease, state.left) = (new, answers) }
            return state.lease
        }
    }
}
