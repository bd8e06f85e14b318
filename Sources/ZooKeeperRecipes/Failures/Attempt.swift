import ZooKeeperClient
import ZooKeeperProtocol

/// Whether and when something that failed is tried again.
struct Attempt {
    private static let initialDelay = Duration.milliseconds(5)
    private static let ceiling = Duration.seconds(1)
    private var delay = Attempt.initialDelay
    private let waiting: Waiting

    /// Who waits while it is tried again.
    enum Waiting: Sendable {
        /// Somebody who has asked for one thing: learns of what servers refuse for reasons that only people can mend.
        case caller
        /// Something that goes on for as long as the process: waits for them to mend it.
        case service
    }

    init(_ waiting: Waiting = .caller) {
        self.waiting = waiting
    }

    /// Waits before the next try.
    ///
    /// - Throws: The error, when trying again cannot help; `CancellationError`.
    mutating func failed(_ error: ZooKeeperError) async throws {
        switch error.code {
        case .clientClosed, .noAuth, .authFailed, .badArguments, .invalidACL, .unimplemented, .requestTooLarge,
            .tlsFailed, .noChildrenForEphemerals:
            throw error
        // A quota is used up; a disk is full.
        case .quotaExceeded, .systemError: if waiting == .caller { throw error }
        default: break
        }
        try await Task.sleep(for: delay)
        delay = min(delay * 2, Self.ceiling)
    }

    /// Does what the next try needs, such as making a missing parent. When that fails, it is one more that has failed.
    mutating func prepare(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as ZooKeeperError {
            try await failed(error)
        }
    }
}
