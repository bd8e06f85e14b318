import Plant

/// What a command's record means.
enum CommandOutcome {
    static func style(of state: CommandState) -> Style {
        switch state {
        case .succeeded: .green
        case .requested, .sent: .cyan
        case .published, .cancelled, .expired: .yellow
        case .rejected, .failed, .timedOut, .unknown: .red
        }
    }

    static func text(_ record: CommandRecord) -> String {
        let detail = record.detail.map { ": \(printable($0))" } ?? ""
        return style(of: record.state).applied(to: state(of: record)) + detail
    }

    /// The state, and what the verifying tag said: `SUCCEEDED MISMATCH`.
    static func state(of record: CommandRecord) -> String {
        record.state.rawValue + (record.verification.map { " \($0.rawValue)" } ?? "")
    }

    /// Throws when the answer is no.
    static func judge(_ record: CommandRecord) throws {
        switch record.state {
        case .succeeded:
            guard record.verification == .mismatch else { return }
            throw CommandFailure(
                .no, "the device says that it has done it, and its tag shows something else; look at the device")
        // All that such a command can come to.
        case .published: return
        case .requested:
            throw CommandFailure(
                .no,
                "no gateway has taken the command yet; is one running? (linekeeper status). It stands as \(record.id); linekeeper command cancel withdraws it"
            )
        case .sent, .timedOut, .unknown:
            throw CommandFailure(
                .no, "it was sent, but nobody can say whether the device has done it; look at the device")
        case .failed, .rejected, .expired, .cancelled:
            throw CommandFailure(.no)
        }
    }
}
