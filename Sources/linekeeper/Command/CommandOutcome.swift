import Plant

/// What a command's record means.
enum CommandOutcome {
    static func style(of state: CommandState) -> Style {
        switch state {
        case .succeeded: .green
        case .requested, .sent: .cyan
        case .cancelled, .expired: .yellow
        case .rejected, .failed, .timedOut, .unknown: .red
        }
    }

    static func text(_ record: CommandRecord) -> String {
        let detail = record.detail.map { ": \(printable($0))" } ?? ""
        return style(of: record.state).applied(to: record.state.rawValue) + detail
    }

    /// Throws when the answer is no.
    static func judge(_ record: CommandRecord) throws {
        switch record.state {
        case .succeeded: return
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
