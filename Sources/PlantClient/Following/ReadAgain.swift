import ZooKeeperClient
import ZooKeeperProtocol

/// Who follows something for hours is not to begin again because a connection was lost meanwhile.
enum ReadAgain {
    private static let pause = Duration.milliseconds(200)

    /// Waits before the next try.
    ///
    /// - Throws: the error, when it does not pass with the connection that it is about; `CancellationError`.
    static func after(_ error: any Error) async throws {
        guard let code = (error as? ZooKeeperError)?.code,
            [.connectionLoss, .sessionExpired, .operationTimeout].contains(code)
        else { throw error }
        try await Task.sleep(for: pause)
    }
}
