import UnixSignals

/// Runs `work` until it is done or the person presses Ctrl-C; then `work` is cancelled, may tidy up, and the program ends
/// with status 0.
func untilInterrupted(_ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            try await work()
            return true
        }
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        group.addTask {
            for await _ in signals { break }
            return false
        }
        do {
            _ = try await group.next()
            group.cancelAll()
            while try await group.next() != nil {}
        } catch is CancellationError {
            return
        }
    }
}
