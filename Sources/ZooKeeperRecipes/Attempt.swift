import ZooKeeperClient
import ZooKeeperProtocol

/// Whether and when something that failed is tried again.
struct Attempt {
    private static let initialDelay = Duration.milliseconds(5)
    private static let ceiling = Duration.seconds(1)
    private var delay = Attempt.initialDelay

    /// Waits before the next try.
    ///
    /// - Throws: The error, when trying again cannot help; `CancellationError`.
    mutating func failed(_ error: ZooKeeperError) async throws {
        switch error.code {
        case .clientClosed, .noAuth, .authFailed, .badArguments, .invalidACL, .unimplemented, .requestTooLarge,
            .tlsFailed:
            throw error
        default: break
        }
        try await Task.sleep(for: delay)
        delay = min(delay * 2, Self.ceiling)
    }
}
