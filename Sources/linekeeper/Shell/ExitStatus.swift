import ArgumentParser
import MQTT
import PlantClient
import PlantConfiguration

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The program's exit statuses: a contract with scripts.
enum ExitStatus: Int32 {
    case done = 0
    /// The answer is no: a command failed, an alarm was not found, the configuration is wrong.
    case no = 1
    case usage = 2
    /// The tree or the broker cannot be reached.
    case unreachable = 3

    /// Says on standard error what went wrong, and ends the process with the status that belongs to it.
    static func leave(after error: any Error) -> Never {
        switch error {
        case let failure as CommandFailure:
            if let message = failure.message { Terminal.complain(message) }
            exit(failure.status.rawValue)
        case let failure as PlantFailure:
            leave(after: CommandFailure(failure))
        case let failure as MQTTUnreachable:
            leave(after: CommandFailure(.unreachable, BrokerAdvice.text(failure)))
        case let error as ConfigurationError:
            for problem in error.problems { Terminal.errorLine("\(problem)") }
            let count = error.mistakes.count
            Terminal.complain("the configuration has \(count) mistake\(count == 1 ? "" : "s"); nothing was done")
            exit(ExitStatus.no.rawValue)
        case is CancellationError:
            exit(ExitStatus.done.rawValue)
        default:
            let text = Linekeeper.fullMessage(for: error)
            switch Linekeeper.exitCode(for: error) {
            case .success:
                Terminal.write(text.hasSuffix("\n") || text.isEmpty ? text : text + "\n")
                exit(ExitStatus.done.rawValue)
            case .validationFailure:
                Terminal.writeError(text.hasSuffix("\n") ? text : text + "\n")
                exit(ExitStatus.usage.rawValue)
            default:
                Terminal.complain("\(error)")
                exit(ExitStatus.no.rawValue)
            }
        }
    }
}

/// Why a subcommand ends without having done what it was asked for; what to do next is part of the message.
struct CommandFailure: Error {
    var status: ExitStatus
    /// nil: everything has been said already.
    var message: String?

    init(_ status: ExitStatus, _ message: String? = nil) {
        self.status = status
        self.message = message
    }

    /// What a failure of the plant means to the person at the terminal. Its text may hold names from the tree.
    init(_ failure: PlantFailure) {
        let status: ExitStatus =
            switch failure.kind {
            case .refused: .no
            case .unclear: .usage
            case .unreachable: .unreachable
            }
        self.init(status, printable("\(failure)"))
    }
}
