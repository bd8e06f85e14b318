import Synchronization
import ZooKeeperRecipes

/// A lease that a test gives and takes; nil while this is not the active alarm processor.
final class FakeLease: Sendable {
    private let state = Mutex<(lease: Lease?, asked: Int)>((nil, 0))

    /// As the service asks for it.
    var value: Lease? {
        state.withLock { state in
            state.asked += 1
            return state.lease
        }
    }

    /// How often it was asked for.
    var asked: Int { state.withLock { $0.asked } }

    /// Gives back the one before.
    @discardableResult
    func set(_ new: Lease?) -> Lease? {
        state.withLock { state in
            defer { state.lease = new }
            return state.lease
        }
    }
}
