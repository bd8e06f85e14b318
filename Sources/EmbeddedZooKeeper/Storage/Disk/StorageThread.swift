import Dispatch
import Glibc
import Synchronization

/// A thread that does one job after the other.
///
/// A thread of its own, because the jobs wait for the disk, and because handing over to it costs no more than waking it.
final class StorageThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isEnding = false
    }

    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// - Throws: ``StorageError`` when the system allows no further thread.
    init() throws {
        // The running thread keeps it alive.
        let box = Unmanaged.passRetained(self)
        var handle = pthread_t()
        let result = pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<StorageThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw StorageError(operation: "start a thread for", path: "the storage", code: result)
        }
        pthread_detach(handle)
    }

    /// Adds a job. After ``end()`` it is not done any more.
    func add(_ job: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            guard !state.isEnding else { return false }
            state.jobs.append(job)
            return state.jobs.count == 1
        }
        if isFirst { work.signal() }
    }

    /// Ends the thread once the jobs that it has are done.
    func end() {
        state.withLock { $0.isEnding = true }
        work.signal()
    }

    /// Waits for the end. Not from the thread itself.
    func join() {
        ended.wait()
        ended.signal()
    }

    private func run() {
        while true {
            work.wait()
            let (jobs, isEnding) = state.withLock { state in
                let jobs = state.jobs
                state.jobs = []
                return (jobs, state.isEnding)
            }
            for job in jobs { job() }
            if isEnding { break }
        }
        ended.signal()
    }
}
