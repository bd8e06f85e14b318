import ArgumentParser
import MQTT
import PlantClient
import PlantConfiguration
import ZooKeeperClient
import ZooKeeperProtocol

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
        case let failure as MQTTUnreachable:
            Terminal.complain(BrokerAdvice.text(failure))
            exit(ExitStatus.unreachable.rawValue)
        case let error as ConfigurationError:
            for problem in error.problems { Terminal.errorLine("\(problem)") }
            let count = error.mistakes.count
            Terminal.complain("the configuration has \(count) mistake\(count == 1 ? "" : "s"); nothing was done")
            exit(ExitStatus.no.rawValue)
        case let error as ZooKeeperError:
            let failure = CommandFailure(tree: error)
            Terminal.complain(failure.message ?? "\(error)")
            exit(failure.status.rawValue)
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

    /// What an error of the tree means to the person at the terminal.
    init(tree error: ZooKeeperError) {
        switch error.code {
        case .noNode: self.init(.no, "there is no node \(error.path ?? "")")
        case .nodeExists: self.init(.no, "the node \(error.path ?? "") exists already")
        case .badVersion:
            self.init(.no, "the node \(error.path ?? "") has another version: somebody changed it meanwhile")
        case .notEmpty:
            self.init(.no, "the node \(error.path ?? "") has children; delete them first, or use --recursive")
        case .noAuth: self.init(.no, "the tree does not permit that on \(error.path ?? "this node")")
        case .noChildrenForEphemerals: self.init(.no, "an ephemeral node cannot have children")
        case .requestTooLarge: self.init(.no, "the node's data is too long: \(error.message)")
        case .sessionClosedRequireSaslAuth, .authFailed:
            self.init(
                .unreachable,
                "the tree does not know who asks: say tree.username and tree.passwordFile in the configuration (--config)"
            )
        case .badArguments: self.init(.usage, "the tree refuses this: \(error)")
        default: self.init(.unreachable, "the tree does not answer: \(error)")
        }
    }
}
