/// Where a command stands. The raw values are what stands in the tree and on MQTT.
///
///     REQUESTED ─┬─▶ REJECTED    invalid, unknown, refused by an interlock, clock in doubt: never sent
///                ├─▶ CANCELLED   withdrawn by an operator before it was sent
///                ├─▶ EXPIRED     its deadline passed before it was sent: it never left us
///                └─▶ SENT ─┬─▶ SUCCEEDED   the device said so, or a tag shows it
///                          ├─▶ PUBLISHED   it was published, and the device never answers: nothing more is known
///                          ├─▶ FAILED      the device said so, or it certainly did not get the command
///                          ├─▶ TIMED_OUT   sent, and no answer or verification in time: the outcome is unknown
///                          └─▶ UNKNOWN     at most once, and its gateway or connection was lost: the outcome is unknown
///
/// An idempotent command is published before `SENT` is recorded, so its record may go from `REQUESTED` straight to any of
/// the states on the right when the answer is faster than the tree.
public enum CommandState: String, Sendable, Hashable, CaseIterable {
    case requested = "REQUESTED"
    case rejected = "REJECTED"
    case sent = "SENT"
    case published = "PUBLISHED"
    case succeeded = "SUCCEEDED"
    case failed = "FAILED"
    case timedOut = "TIMED_OUT"
    case expired = "EXPIRED"
    case unknown = "UNKNOWN"
    case cancelled = "CANCELLED"

    /// True when nothing more will happen to the command.
    public var isFinal: Bool {
        switch self {
        case .requested, .sent: false
        case .rejected, .published, .succeeded, .failed, .timedOut, .expired, .unknown, .cancelled: true
        }
    }

    /// True when it ended without having been sent, as far as its gateway knows.
    public var isNeverSent: Bool {
        switch self {
        case .rejected, .expired, .cancelled: true
        case .requested, .sent, .published, .succeeded, .failed, .timedOut, .unknown: false
        }
    }

    /// True when nobody can say whether the device has done it: never to be shown as a failure.
    public var isOutcomeUnknown: Bool { self == .timedOut || self == .unknown || self == .published }
}

/// How often a command may reach its device.
public enum CommandExecution: String, Sendable, Hashable, CaseIterable {
    /// Doing it twice is doing it once (set a value): sent at least once, possibly again after a takeover, under one id.
    case idempotent
    /// Doing it twice is harmful (toggle, step, start a motor): `SENT` is recorded first and it is published once, ever.
    case atMostOnce
}

/// Why a command is where it is, for programs; `detail` of the record says it to people.
public enum CommandReason: String, Sendable, Hashable, CaseIterable {
    case invalid
    case unknownCommand
    case unknownDevice
    case parameters
    case interlock
    case queueFull
    case cancelled
    case deadline
    case nobodyListens
    case notSent
    case brokerRefused
    case connectionLost
    case takeover
    case device
    case noAnswerDefined
    /// A tag shows what was wanted.
    case verified
    /// No tag has shown it in time.
    case notVerified
    /// The metric that was to be written is not there, or is of another type; or its device is dead.
    case metric
    /// The gateway's clock has just been set, so that nobody can say whether the command comes in time.
    case clock
}
