import ArgumentParser
import CampaignOracle
import Foundation
import TestFixtures

/// Plays rounds of faults against the built program; see `script/campaign`.
@main
struct CampaignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "campaign",
        abstract: "Do faults to gateways, brokers and trees, and count what is lost, doubled or misdated.",
        discussion: """
            Each round starts a broker, a tree and one to three gateways, publishes samples, does one fault or two, and \
            holds journal, records, tags, announcements and commands against what the samples call for. A round is \
            repeated with --seed and --round. What a failed round wrote is kept in var/campaign/.
            """)

    @Option(help: "How many rounds.") var rounds = 20
    @Option(help: "What the rounds are made of.") var seed: UInt64?
    @Option(help: "Only this round.") var round: Int?
    @Option(help: "Kinds of fault, separated by commas; pairs are made of these.") var only: String?
    @Option(help: "Kinds of fault that may fail.") var allow: String?
    @Option(help: "Rounds that run at a time.") var parallel = 2
    @Option(help: "The program under test.") var binary: String?
    @Option(help: "Another build of the program, for the rolling upgrade.") var upgradeFrom: String?
    @Option(help: "Where to keep what failed rounds wrote.") var keep = "var/campaign"
    @Flag(help: "Keep what sound rounds wrote as well.") var keepAll = false
    @Flag(
        help: "Play a failed round once more, alone; only one that fails again counts. The first is shown all the same."
    )
    var confirm = false
    @Flag(help: "List the kinds of fault.") var list = false

    func run() async throws {
        if list {
            for kind in FaultKind.allCases {
                Self.say(kind.rawValue + String(repeating: " ", count: 24 - kind.rawValue.count) + kind.about)
            }
            return
        }
        let seed = seed ?? UInt64.random(in: 1...999_999)
        let kinds = try chosenKinds()
        let allowed = Set(try Self.kinds(allow) ?? [])
        let scratch = try Scratch("campaign")
        let apache = SharedApache()
        let builder = StageBuilder(
            program: try binary.map { try LinekeeperProgram(path: Self.absolute($0)) } ?? LinekeeperProgram(),
            other: try upgradeFrom.map { try LinekeeperProgram(path: Self.absolute($0)) }, apache: apache,
            campaignScratch: scratch)
        let schedule = Schedule(seed: seed, kinds: kinds)
        let numbers = round.map { [$0] } ?? Array(1...max(1, rounds))
        Self.say("seed \(seed), \(numbers.count) rounds, \(parallel) at a time, \(builder.program.path)")

        let begin = ContinuousClock.now
        var summary = Summary()
        var failed: [RoundPlan] = []
        await withTaskGroup(of: RoundResult.self) { group in
            var next = numbers.makeIterator()
            func start() {
                guard let number = next.next() else { return }
                let round = Round(
                    plan: schedule.plan(number), builder: builder, keep: Self.absolute(keep), keepsAll: keepAll)
                group.addTask { await round.play() }
            }
            for _ in 0..<max(1, parallel) { start() }
            while let result = await group.next() {
                start()
                summary.add(result)
                if !result.isSound, !result.plan.kinds.contains(where: allowed.contains) {
                    failed.append(result.plan)
                }
                show(result)
            }
        }
        let first = failed.count
        if confirm, !failed.isEmpty {
            Self.say("\nonce more, one after the other:")
            var again: [RoundPlan] = []
            for plan in failed {
                let result = await Round(
                    plan: plan, builder: builder, keep: Self.absolute(keep), keepsAll: keepAll
                ).play()
                show(result)
                if !result.isSound { again.append(plan) }
            }
            failed = again
        }
        await apache.close()
        scratch.remove()
        Self.say(
            "\n\(summary.text)\n\n\(numbers.count) rounds in \((.now - begin).components.seconds) s, \(first) failed"
                + (first > 0 && confirm ? ", \(failed.count) of them twice" : ""))
        if !failed.isEmpty { throw ExitCode(1) }
    }

    /// Unlike `print`, it shows a line when it is said, also in a pipe.
    private static func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    private func show(_ result: RoundResult) {
        Self.say(result.line)
        if let failure = result.failure { Self.say("     not played to its end: \(failure)") }
        for line in result.verdict.lines.prefix(8) { Self.say("     \(line)") }
        if let kept = result.kept { Self.say("     kept in \(kept)") }
        if !result.isSound { Self.say("     again: script/campaign \(again(result.plan))") }
    }

    /// What plays a round again: which kinds there are to choose from is part of it.
    private func again(_ plan: RoundPlan) -> String {
        var words = ["--seed \(plan.seed) --round \(plan.number)"]
        if let only { words.append("--only \(only)") }
        if let upgradeFrom { words.append("--upgrade-from \(upgradeFrom)") }
        return words.joined(separator: " ")
    }

    private func chosenKinds() throws -> [FaultKind] {
        let chosen = try Self.kinds(only) ?? FaultKind.allCases
        let allowed = chosen.filter { RootRights.areGiven || !$0.setting.needsRoot }
        if allowed.count < chosen.count {
            Self.say("\(chosen.count - allowed.count) kind of fault left out that needs root")
        }
        guard !allowed.isEmpty else { throw ValidationError("--only names nothing that can be played without root") }
        let playable = allowed.filter { upgradeFrom != nil || !$0.setting.needsOther }
        guard !playable.isEmpty else { throw ValidationError("a rolling upgrade needs --upgrade-from") }
        return playable
    }

    private static func kinds(_ text: String?) throws -> [FaultKind]? {
        try text?.split(separator: ",").map { name in
            guard let kind = FaultKind(rawValue: String(name)) else {
                throw ValidationError("there is no kind of fault \(name); --list shows them")
            }
            return kind
        }
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
