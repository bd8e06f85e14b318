import Synchronization

/// One publish: the message, and the caller who waits for its outcome.
///
/// States: `initialized` (nobody waits yet), `pending` (the caller waits), `finished` (the outcome is known, from the
/// broker, the connection's end or the caller's cancellation, whichever came first). The outcome may come before the
/// caller waits, and a cancellation before either.
final class PublishSlot: Sendable {
    typealias Outcome = Result<MQTTPublishResult, any Error>

    private enum State {
        case initialized
        case pending(CheckedContinuation<MQTTPublishResult, any Error>)
        case finished(Outcome)
    }

    let topic: [UInt8]
    let payload: [UInt8]
    let qos: MQTTQoS
    let retain: Bool
    let properties: MQTTProperties
    let notAfter: ContinuousClock.Instant?
    private let state = Mutex(State.initialized)

    init(
        topic: [UInt8], payload: [UInt8], qos: MQTTQoS, retain: Bool, properties: MQTTProperties,
        notAfter: ContinuousClock.Instant?
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.properties = properties
        self.notAfter = notAfter
    }

    /// Whether nobody waits for it any more.
    var isFinished: Bool {
        state.withLock { if case .finished = $0 { true } else { false } }
    }

    /// Sets the outcome, unless there is one already.
    func finish(_ outcome: Outcome) {
        let waiting = state.withLock { state -> CheckedContinuation<MQTTPublishResult, any Error>? in
            switch state {
            case .initialized:
                state = .finished(outcome)
                return nil
            case .pending(let continuation):
                state = .finished(outcome)
                return continuation
            case .finished:
                return nil
            }
        }
        waiting?.resume(with: outcome)
    }

    /// Waits for the outcome. A cancellation ends the waiting; a message that has left is not called back.
    func outcome() async throws -> MQTTPublishResult {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let known = state.withLock { state -> Outcome? in
                    switch state {
                    case .initialized, .pending:
                        state = .pending(continuation)
                        return nil
                    case .finished(let outcome):
                        return outcome
                    }
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            finish(.failure(CancellationError()))
        }
    }
}
