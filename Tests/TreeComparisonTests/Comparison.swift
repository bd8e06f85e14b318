import Foundation

/// A whole comparison: episodes until enough requests were answered or enough differences found.
struct Comparison: Sendable {
    var seed: UInt64
    var calls: Int
    /// How many differences are shrunk and told before it ends.
    var differences = 1
    var stepsAnEpisode = 120
    /// How many episodes at most.
    var episodes = Int.max
    /// Rounds of removals in an episode, instead of random requests.
    var removals: Int?
    var tamper: (@Sendable (Call, inout Answer) -> Void)?

    struct Outcome: Sendable {
        var summary: String
        var findings: [Finding]
        /// Nodes that the servers removed by themselves.
        var removals = 0
    }

    /// A difference with a short script that shows it.
    struct Finding: Sendable, CustomStringConvertible {
        var seed: UInt64
        var script: [Step]
        var text: String

        var description: String {
            "seed \(seed), shrunk to:\n  " + script.map(\.description).joined(separator: "\n  ") + "\n  " + text
        }
    }

    /// Blocks until it is done.
    func run(ourPort: Int, theirPort: Int, version: String) -> Outcome {
        let peculiarities = Peculiarity.of(version: version)
        var avoided: [Peculiarity: Int] = [:]
        let duel = Duel(ourPort: ourPort, theirPort: theirPort, peculiarities: peculiarities)
        duel.tamper = tamper
        var findings: [Finding] = []
        var episode = seed
        let start = ContinuousClock.now
        while duel.counts.calls < calls, duel.counts.episodes < episodes, findings.count < differences {
            var generator = Generator(seed: episode, peculiarities: peculiarities)
            let script: [Step]
            if let removals {
                var removing = RemovalScript(seed: episode)
                script = removing.script(rounds: removals)
            } else {
                script = generator.script(steps: stepsAnEpisode)
            }
            avoided.merge(generator.avoided) { $0 + $1 }
            do throws(Difference) {
                try duel.play(script)
            } catch {
                let finding = shrink(script, error, episode, duel)
                findings.append(finding.value)
                print("difference \(findings.count): \(finding.value)")
                if finding.isFatal { break }
            }
            episode &+= 1
        }
        let counts = duel.counts
        let allowances = counts.allowed.merging(avoided) { $0 + $1 }
        let seconds = Int((ContinuousClock.now - start) / .seconds(1))
        let summary = """
            compared with ZooKeeper \(version): \(counts.calls) requests in \(counts.episodes) episodes, \
            \(counts.replies) replies (\(counts.errors) of them errors), \(counts.events) events, \
            \(counts.handshakes) handshakes, \(counts.removals) nodes gone by themselves, \(seconds) s, seeds \(seed)..<\(episode), \
            allowed by name: \(allowances.map { "\($0.key.rawValue) ×\($0.value)" }.sorted().joined(separator: ", "))
            replies by kind: \(counts.byCall.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
            """
        return Outcome(summary: summary, findings: findings, removals: counts.removals)
    }

    private func shrink(_ script: [Step], _ difference: Difference, _ seed: UInt64, _ duel: Duel) -> (
        value: Finding, isFatal: Bool
    ) {
        var shrinker = Shrinker(play: { script in
            do throws(Difference) {
                try duel.play(script)
                return nil
            } catch {
                return error
            }
        })
        let short = shrinker.shrink(script, difference)
        return (
            Finding(seed: seed, script: short.script, text: "\(short.difference)"), short.difference.isFatal
        )
    }
}
