package import Plant
import ZooKeeperClient
import ZooKeeperProtocol

/// Why a plant could not be read, followed or asked; its text says what happened and what to do now.
///
/// Names from the tree stand in the text as they are: what shows it to people makes them harmless.
package enum PlantFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// No server of the tree answers.
    case unreachable(servers: String)
    /// A server answers, but there is no session.
    case unusable(servers: String, why: String)
    /// What proves who this program is cannot be read.
    case unreadableAccess(String)
    /// The tree holds no plant.
    case noPlant(servers: String)
    /// The tree holds several plants, in the order of their names, and none was chosen.
    case severalPlants([String], servers: String)
    /// No gateway has ever run for this plant.
    case unused
    /// A request was not answered and has been withdrawn: there is no gateway that processes alarms.
    case noAlarmProcessor(waited: Duration)
    /// A request was not answered and has been withdrawn, though there is a gateway that processes alarms.
    case unanswered(by: String, waited: Duration)
    /// No gateway of that name is registered; the names of those that are.
    case notRegistered(gateway: String, registered: [String])
    /// A gateway was asked for something itself, and has not answered; the request has been withdrawn.
    case silentGateway(String, waited: Duration)
    /// A command was asked for, and no gateway has taken it up in time; the request has been withdrawn.
    case noOwner(waited: Duration)
    /// A request was deleted unanswered.
    case discarded
    /// Nobody could answer that.
    case impossible(String)
    /// A gateway has said no.
    case refused(String)
    /// What was asked about a command cannot be.
    case command(CommandRefusal)
    /// The tree refused something, or did not answer.
    case tree(TreeRefusal)

    /// What a failure comes to.
    package enum Kind: Hashable, Sendable {
        /// The answer is no.
        case refused
        /// What was asked for leaves open what is meant, or cannot be.
        case unclear
        /// The tree cannot be reached.
        case unreachable
    }

    package var kind: Kind {
        switch self {
        case .unreachable, .unusable: .unreachable
        case .severalPlants: .unclear
        case .unreadableAccess, .noPlant, .unused, .noAlarmProcessor, .unanswered, .notRegistered,
            .silentGateway, .noOwner, .discarded, .impossible, .refused, .command:
            .refused
        case .tree(let refusal): refusal.kind
        }
    }

    package var description: String {
        switch self {
        case .unreachable(let servers):
            "the tree at \(servers) does not answer; is a gateway or a tree server running there? (linekeeper run, or linekeeper tree serve)"
        case .unusable(let servers, let why): "the tree at \(servers) cannot be used: \(why)"
        case .unreadableAccess(let why): why
        case .noPlant(let servers):
            "the tree at \(servers) holds no plant; a gateway makes it when it first runs (linekeeper run)"
        case .severalPlants(let plants, let servers):
            "the tree at \(servers) holds several plants; say --plant with one of: \(plants.joined(separator: ", "))"
        case .unused: "no gateway has ever run on this tree; start one (linekeeper run)"
        case .noAlarmProcessor(let waited):
            "nobody processes alarms at the moment: no answer within \(HumanText.span(waited)); is a gateway running? (linekeeper status)"
        case .unanswered(let gateway, let waited):
            "gateway \(gateway), which processes alarms, has not answered within \(HumanText.span(waited)); linekeeper status may say why, or it is of a version that does not know such requests"
        case .notRegistered(let gateway, let registered):
            "no gateway \(gateway) is registered; "
                + (registered.isEmpty
                    ? "none runs (linekeeper run)" : "there are \(registered.joined(separator: ", "))")
        case .silentGateway(let gateway, let waited):
            "gateway \(gateway) has not answered within \(HumanText.span(waited)), and the request is withdrawn; linekeeper status may say why, or it is of a version that does not know such requests"
        case .noOwner(let waited):
            "no gateway has taken it up within \(HumanText.span(waited)), and it is withdrawn; is a gateway running? (linekeeper status)"
        case .discarded:
            "the request was deleted unanswered: somebody has changed it, or too many requests of the same name were open"
        case .impossible(let why), .refused(let why): why
        case .command(let failure): "\(failure)"
        case .tree(let refusal): refusal.text
        }
    }

    /// What an error of the tree's client means; nil for any other error.
    package init?(_ error: any Error) {
        guard let error = error as? ZooKeeperError else { return nil }
        self = .tree(TreeRefusal(error))
    }

    /// Does the work, and throws what is wrong with tree or command as a ``PlantFailure``.
    static func translating<Result>(_ work: () async throws -> Result) async throws -> Result {
        do {
            return try await work()
        } catch let failure as CommandRefusal {
            throw PlantFailure.command(failure)
        } catch {
            throw PlantFailure(error) ?? error
        }
    }
}

/// What the tree has said to a request that it did not carry out.
package struct TreeRefusal: Hashable, Sendable {
    package let kind: PlantFailure.Kind
    /// What it means to a person.
    package let text: String
    /// The words of the tree's client.
    package let cause: String

    init(_ error: ZooKeeperError) {
        cause = "\(error)"
        let node = "the node \(error.path ?? "")"
        (kind, text) =
            switch error.code {
            case .noNode: (.refused, "there is no node \(error.path ?? "")")
            case .nodeExists: (.refused, "\(node) exists already")
            case .badVersion: (.refused, "\(node) has another version: somebody changed it meanwhile")
            case .notEmpty: (.refused, "\(node) has children; delete them first, or use --recursive")
            case .noAuth: (.refused, "the tree does not permit that on \(error.path ?? "this node")")
            case .noChildrenForEphemerals: (.refused, "an ephemeral node cannot have children")
            case .requestTooLarge: (.refused, "the node's data is too long: \(error.message)")
            case .sessionClosedRequireSaslAuth, .authFailed:
                (
                    .unreachable,
                    "the tree does not know who asks: say tree.username and tree.passwordFile in the configuration (--config)"
                )
            case .systemError:
                (.refused, "the tree cannot carry that out; is its disk full? Its server's log says why (\(error))")
            case .quotaExceeded: (.refused, "a quota of the tree is used up: \(error)")
            case .badArguments: (.unclear, "the tree refuses this: \(error)")
            default: (.unreachable, "the tree does not answer: \(error)")
            }
    }
}
