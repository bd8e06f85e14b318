/// What cannot be done with a command, and says so to a person.
package enum CommandRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The id stands for another command already.
    case idTaken(String, by: String)
    case invalidID(String)
    case notFound(String)
    /// Too late to cancel it.
    case notCancellable(String, CommandState)
    case unreadable(String, RecordMistake)

    package var description: String {
        switch self {
        case .idTaken(let id, let by): "the id \(id) stands for another command already, requested by \(by)"
        case .invalidID(let why): why
        case .notFound(let id): "there is no command \(id)"
        case .notCancellable(let id, let state):
            state.isFinal
                ? "command \(id) is over: \(state.rawValue)"
                : "command \(id) has been sent and cannot be called back"
        case .unreadable(let id, let mistake): "the node of command \(id) is not a command record: \(mistake)"
        }
    }
}
