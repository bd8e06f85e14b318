import NIOCore

/// Runs the steps of tasks on an event loop, between its reads.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

extension ZooKeeperClient {
    /// Runs `body`, and whatever it waits for, on this client's event loop: answers and events then reach it without the
    /// change of threads that each costs otherwise, two a request. For what asks several times before it has an outcome;
    /// it must be brief between, and run nothing of a user's.
    package func onEventLoop<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await withTaskExecutorPreference(core.executor, operation: body)
    }
}
