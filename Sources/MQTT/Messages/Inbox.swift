import Synchronization

/// Where the connection's thread leaves what has arrived, and the one consumer takes it.
///
/// While the consumer is busy, bursts are added to the one batch that waits: the slower the consumer, the larger its
/// batches. One lock and at most one wake-up a burst.
final class Inbox: Sendable {
    private struct State {
        var waiting: BatchBuilder?
        var consumer: CheckedContinuation<MQTTMessageBatch?, Never>?
        var finished = false
        /// How often the consumer has taken a batch: tells a consumer that is slow from one that is stuck.
        var taken: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Takes the batch that waits, to add to it; nil when there is none.
    func checkOut() -> (waiting: BatchBuilder?, taken: UInt64) {
        state.withLock { state in
            let waiting = state.waiting.take()
            return (waiting, state.taken)
        }
    }

    /// How often the consumer has taken a batch.
    var taken: UInt64 { state.withLock { $0.taken } }

    /// Leaves a batch for the consumer, and wakes it if it waits. Called by the connection's thread only.
    func checkIn(_ batch: consuming BatchBuilder) {
        // The consumer cannot arrive between looking and leaving: both happen under the lock.
        var builder: BatchBuilder? = batch
        let consumer = state.withLock { state -> CheckedContinuation<MQTTMessageBatch?, Never>? in
            guard let consumer = state.consumer.take() else {
                state.waiting = builder.take()
                return nil
            }
            state.taken &+= 1
            return consumer
        }
        if let consumer, let batch = builder.take() { consumer.resume(returning: batch.finish()) }
    }

    /// The consumer's side: the batch that waits, or the next one; nil when there will be none.
    func next(isolation actor: isolated (any Actor)? = #isolation) async -> MQTTMessageBatch? {
        await withTaskCancellationHandler {
            await withCheckedContinuation(isolation: actor) { continuation in
                var builder: BatchBuilder?
                let resume = state.withLock { state -> Bool in
                    precondition(state.consumer == nil, "the batches of an MQTT client have one consumer")
                    builder = state.waiting.take()
                    if builder != nil {
                        state.taken &+= 1
                        return true
                    }
                    if state.finished || Task.isCancelled { return true }
                    state.consumer = continuation
                    return false
                }
                if resume { continuation.resume(returning: builder.take().map { $0.finish() }) }
            }
        } onCancel: {
            state.withLock { $0.consumer.take() }?.resume(returning: nil)
        }
    }

    /// Nothing more will arrive: what waits can still be taken, then the sequence ends.
    func finish() {
        state.withLock { state in
            state.finished = true
            return state.consumer.take()
        }?.resume(returning: nil)
    }
}
