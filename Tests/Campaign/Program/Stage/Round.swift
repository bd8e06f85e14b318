import CampaignOracle
import Foundation
import TestFixtures

/// Plays one round: sets the stage, lets sensors publish, does the fault, heals it, and lets the judge look until all is
/// well or the fault's patience is over.
struct Round: Sendable {
    let plan: RoundPlan
    let builder: StageBuilder
    /// Where what a failed round wrote is kept.
    let keep: String
    let keepsAll: Bool

    /// How long sensors publish after the fault is healed.
    private static let aftermath = Duration.milliseconds(1500)
    /// The longest round: a fault, its patience, and some.
    private static let deadline = Duration.seconds(150)
    /// After all is well, how long a late repetition has to show itself.
    private static let grace = Duration.milliseconds(600)

    func play() async -> RoundResult {
        let begin = ContinuousClock.now
        var result = RoundResult(plan: plan)
        do {
            let scratch = try Scratch("campaign-\(plan.number)")
            do {
                let scene = try await builder.build(plan, scratch)
                await watched(scene, &result)
                write(scene, result)
                await scene.clear()
            } catch {
                result.failure = "\(error)"
            }
            if result.isSound, !keepsAll { scratch.remove() } else { result.kept = move(scratch) }
        } catch {
            result.failure = "\(error)"
        }
        result.took = .now - begin
        return result
    }

    /// Plays it, but not for ever: a sensor whose broker never answers again would wait without end.
    private func watched(_ scene: Scene, _ result: inout RoundResult) async {
        let begun = result
        let playing = Task {
            var result = begun
            do { try await play(scene, &result) } catch { result.failure = "\(error)" }
            return result
        }
        // A loose task: it ends with the round.
        let watchdog = Task {
            try await Task.sleep(for: Self.deadline)
            playing.cancel()
            scene.sensors.end()
        }
        result = await playing.value
        watchdog.cancel()
    }

    private func play(_ scene: Scene, _ result: inout RoundResult) async throws {
        try await scene.standing()
        // Again until it is heard: a gateway stands before the broker keeps anything for it.
        try await eventually("the first values stand in the tree", within: .seconds(20), every: .milliseconds(200)) {
            await scene.sensors.begin()
            try await Task.sleep(for: .milliseconds(100))
            return try await scene.reader.tags(scene.sensors.all.map(\.topic)).count == scene.sensors.all.count
        }
        let goesOn = !plan.settings.contains { $0.isLast }
        // Where nothing is to be published afterwards, answers of devices would be something.
        let hasCommands = goesOn && plan.settings.allSatisfy(\.hasCommands)
        if hasCommands { scene.commands.start(every: .milliseconds(250), plan.random("commands")) }
        scene.sensors.start()
        try await Task.sleep(for: plan.strikeAt)

        let isOver = Mutexed(false)
        async let probe = BlindProbe.measure(scene) { isOver.value }
        do {
            try await strike(scene)
            scene.healed()
            if goesOn { try await Task.sleep(for: Self.aftermath) }
            try await scene.sensors.hush()
            scene.commands.stop()
            result.verdict = try await settle(scene)
        } catch {
            isOver.set(true)
            _ = await probe
            throw error
        }
        isOver.set(true)
        let blind = await probe
        if goesOn {
            result.blindTags = blind.tags
            result.blindAlarms = blind.alarms
        }
        result.published = scene.sensors.published
        result.takeovers = scene.journal.takeovers
    }

    /// Both faults of a pair, the second beginning while the first one lasts.
    private func strike(_ scene: Scene) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, kind) in plan.kinds.enumerated() {
                group.addTask {
                    var random = plan.random("fault \(index)")
                    if index > 0 { try await Task.sleep(for: plan.secondAfter) }
                    try await kind.strike(scene, &random)
                }
            }
            try await group.waitForAll()
        }
    }

    private func settle(_ scene: Scene) async throws -> Verdict {
        let end = ContinuousClock.now + scene.notes.patience
        let judge = Judge(scene: scene)
        while true {
            let isLast = ContinuousClock.now >= end
            do {
                let verdict = try await judge.examine()
                if verdict.isSound || isLast {
                    try await Task.sleep(for: Self.grace)
                    let confirmed = try await judge.examine()
                    if confirmed.isSound || isLast { return confirmed }
                }
            } catch {
                // The tree or the broker is not back yet.
                if isLast { throw error }
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    // MARK: What a failed round leaves

    private func write(_ scene: Scene, _ result: RoundResult) {
        let journal = scene.journal.entries.map { "\($0.place.zxid) \($0.recordedAt) \($0.text)" }
        let samples = scene.sensors.all.flatMap { sensor in
            sensor.published.map {
                "\(sensor.topic) \($0.time) \($0.value) acknowledged \($0.acknowledgedAt.map(String.init) ?? "never")"
            }
        }
        let files = [
            "report.txt": [result.line] + result.verdict.lines + ["\(scene.notes)"],
            "journal.txt": journal, "samples.txt": samples, "events.txt": scene.ears.events.map { "\($0.alarm) \($0)" },
        ]
        for (name, lines) in files { _ = try? scene.scratch.write(lines.joined(separator: "\n") + "\n", to: name) }
    }

    private func move(_ scratch: Scratch) -> String {
        let target = "\(keep)/\(plan.seed)-\(plan.number)"
        try? FileManager.default.createDirectory(atPath: keep, withIntermediateDirectories: true)
        removeAll(target)
        do { try FileManager.default.moveItem(atPath: scratch.path, toPath: target) } catch { return scratch.path }
        return target
    }
}
