/// Decides whether to read on when the consumer does not keep up.
///
/// - `flowing`: read. To `paused` when the inbox is full.
/// - `paused`: do not read; the network and the broker hold the messages. To `flowing` when the consumer takes the batch, to
///   `shedding` when the pause has lasted its limit: longer, and the broker would think us dead.
/// - `shedding`: read, and throw half of a full inbox away. To `flowing` when the consumer takes the batch.
struct InboxPressure {
    enum State: Equatable {
        case flowing
        case paused(until: ContinuousClock.Instant)
        case shedding
    }
    enum Action: Equatable {
        case read
        case pause(until: ContinuousClock.Instant)
        case shed
    }

    private(set) var state: State = .flowing
    private(set) var pauses: UInt64 = 0
    private var takenBefore: UInt64 = 0
    let messageLimit: Int
    let byteLimit: Int
    let pauseLimit: Duration

    init(messageLimit: Int, byteLimit: Int, pauseLimit: Duration) {
        self.messageLimit = messageLimit
        self.byteLimit = byteLimit
        self.pauseLimit = pauseLimit
    }

    /// Whether the consumer has taken a batch since the last decision: a pause is over then.
    func isOutdated(taken: UInt64) -> Bool { taken != takenBefore }

    /// What to do with `messages` and `bytes` waiting, when the consumer has taken `taken` batches so far.
    mutating func next(
        messages: Int, bytes: Int, taken: UInt64, now: ContinuousClock.Instant
    ) -> Action {
        if isOutdated(taken: taken) {
            takenBefore = taken
            state = .flowing
        }
        let isFull = messages >= messageLimit || bytes >= byteLimit
        switch state {
        case .flowing:
            guard isFull else { return .read }
            let until = now + pauseLimit
            state = .paused(until: until)
            pauses &+= 1
            return .pause(until: until)
        case .paused(let until):
            guard isFull else {
                state = .flowing
                return .read
            }
            guard now >= until else { return .pause(until: until) }
            state = .shedding
            return .shed
        case .shedding:
            return isFull ? .shed : .read
        }
    }
}
