import ArgumentParser
import Plant
import PlantClient
import PlantConfiguration
import Primitives

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Have a gateway hand its shards and the alarms over to the others, and wait until it owns nothing.",
        discussion: """
            Each shard goes to another gateway with everything that was heard, and none is without an owner in between. A \
            drained gateway stays connected and takes nothing more as long as others can serve; where none can, it keeps \
            what it has. It drains until --undo, or until its process ends: a restart brings it back. A gateway that is \
            stopped (SIGTERM, systemctl stop, Ctrl-C) does the same by itself.

            Without GATEWAY it is the one of this configuration.

            Examples:

              linekeeper drain gw2 --comment "new disk"
              linekeeper status --owners
              linekeeper drain gw2 --undo

            Exit status 1 when no gateway of that name runs or answers, when nobody can take over, or when it still owns \
            something after --timeout; it drains all the same, then. With --undo also when it still says that it drains.
            """)

    @OptionGroup var tree: TreeOptions

    @Argument(help: "The gateway, as linekeeper status shows it.")
    var gateway: String?

    @Flag(name: .long, help: "Let it take its share again.")
    var undo = false

    @Option(
        name: .long, help: ArgumentHelp("How long to wait until it owns nothing. Default: 60s.", valueName: "duration"))
    var timeout: String?

    @Option(name: .long, help: ArgumentHelp("Who asks. Default: you.", valueName: "name"))
    var by: String = Person.current

    @Option(name: .long, help: ArgumentHelp("What to remember about it.", valueName: "text"))
    var comment: String?

    func validate() throws {
        if let timeout, (DurationSyntax.parse(timeout) ?? .zero) <= .zero {
            throw ValidationError("--timeout is \"\(timeout)\"; expected a duration such as 60s")
        }
        guard timeout == nil || !undo else {
            throw ValidationError("--timeout is about draining; leave it out with --undo")
        }
        guard gateway != "" else { throw ValidationError("the gateway's name is empty") }
    }

    func run() async throws {
        let gateway = try gateway ?? tree.configuration.load().local.gateway
        let order = DrainOrder(gateway: gateway, undo: undo, comment: comment)
        let (by, patience) = (by, timeout.flatMap(DurationSyntax.parse) ?? .seconds(60))
        let started = ContinuousClock.now
        let (before, outcome) = try await tree.withPlant { plant in
            let before = try await plant.ownership()
            let answer = try await plant.ask(order, by: by, at: WallClock.now())
            guard answer.result == .done else {
                throw CommandFailure(.no, "\(printable(gateway)) refuses: \(printable(answer.reason ?? "refused"))")
            }
            if order.undo {
                try Self.report(try await plant.waitUntilStaying(gateway), of: gateway)
                return (before, PlantClient.DrainOutcome?.none)
            }
            return (before, try await plant.waitUntilDrained(gateway, patience: patience))
        }
        guard let outcome else { return Terminal.line("\(printable(gateway)) takes its share again") }
        try Self.report(outcome, of: gateway, before: before, after: ContinuousClock.now - started)
    }

    private static func report(_ outcome: PlantClient.StayOutcome, of gateway: String) throws {
        switch outcome {
        case .staying: return
        case .late:
            throw CommandFailure(
                .no,
                printable(
                    "\(gateway) was asked to take its share again and still says that it drains; look at linekeeper status, and ask again"
                ))
        case .gone: throw CommandFailure(.no, printable("\(gateway) has stopped meanwhile"))
        }
    }

    private static func report(
        _ outcome: PlantClient.DrainOutcome, of gateway: String, before: OwnershipReport, after time: Duration
    ) throws {
        switch outcome {
        case .drained(let report): Terminal.line(printable(text(of: gateway, before, report, after: time)))
        case .nobody(let obstacle):
            throw CommandFailure(
                .no,
                printable(
                    "nobody can take over: \(obstacle); \(gateway) keeps its share until somebody can, or until linekeeper drain \(gateway) --undo"
                ))
        case .late(let report):
            for group in report.grouped(report.shards) where group.owner == gateway {
                let reason = report.text(group.reason, of: gateway)
                Terminal.errorLine(printable("still owned by \(gateway): \(ShardRanges.text(group.shards)): \(reason)"))
            }
            if report.processor == gateway { Terminal.errorLine(printable("alarms: \(report.processorText)")) }
            throw CommandFailure(
                .no,
                printable(
                    "\(gateway) still owns \(report.holdings(of: gateway).text) after \(HumanText.span(time)); the others get the rest as soon as they queue for it"
                ))
        case .gone: throw CommandFailure(.no, printable("\(gateway) has stopped meanwhile"))
        }
    }

    /// Who has taken what a gateway had.
    static func text(
        of gateway: String, _ before: OwnershipReport, _ now: OwnershipReport, after time: Duration
    ) -> String {
        let held = before.holdings(of: gateway)
        guard !held.isEmpty else { return "\(gateway) drains; it owned nothing" }
        let takers = now.taken(from: gateway, since: before).map { "\($0.by) has \($0.1.text)" }
        let list = takers.isEmpty ? "" : ": " + takers.joined(separator: ", ")
        return "\(gateway) has handed \(held.text) over in \(HumanText.span(time))\(list)"
    }
}
