/// Holds one alarm's entries in the journal against the samples: the history, among all that the samples allow, that
/// explains the entries with the fewest mistakes.
///
/// More than one history is right where a sample is not certain, and where a delay ended before the broker had a sample of
/// an earlier time. What no history explains is a finding.
package struct Explanation: Sendable {
    /// Activations of the history chosen.
    package private(set) var occurrences = 0
    package private(set) var findings: [Finding] = []

    /// Mistakes weigh alike, except that a wrong date is less than one transition lost and another invented.
    private enum Weight {
        static let mistake = 3
        static let misdated = 4
    }
    /// Histories that are followed at a time.
    private static let breadth = 200
    /// How many entries in a row may be surplus before one that fits.
    private static let surplusSearched = 8

    private struct Position: Hashable {
        var machine: ConditionMachine
        /// The entries used up.
        var used: Int
    }

    private struct Path {
        var cost = 0
        var occurrences = 0
        var findings: [Finding] = []
        /// Entries that were matched, to tell a repetition from an invention.
        var matched: Set<Int> = []
    }

    /// - Parameters:
    ///   - entries: of this alarm, in the journal's order.
    ///   - mayWait: Whether delays that run at the end may wait for good, because the sensor's clock is in doubt.
    package init(
        _ alarm: String, rule: AlarmRule, samples: [Sample], entries: [SeenTransition], mayWait: Bool = false
    ) {
        let search = Search(alarm: alarm, entries: entries)
        var paths = [Position(machine: ConditionMachine(rule), used: 0): Path()]
        for sample in samples {
            var next: [Position: Path] = [:]
            for (position, path) in paths {
                if !sample.isCertain { Search.keep(position, path, in: &next) }
                search.follow(position, path, into: &next) { $0.take(sample) }
                if position.machine.mayEndBefore(sample) {
                    search.follow(position, path, into: &next) {
                        $0.endDelays(through: sample.acknowledgedAt) + $0.take(sample)
                    }
                }
            }
            paths = Search.best(next, Self.breadth)
        }
        var ended: [Position: Path] = [:]
        for (position, path) in paths {
            search.follow(position, path, into: &ended) { $0.endDelays(through: .max) }
            if mayWait { Search.keep(position, path, in: &ended) }
        }
        let complete = ended.map { search.withRest($0.key, $0.value) }
        guard let chosen = complete.min(by: { ($0.cost, $0.findings.count) < ($1.cost, $1.findings.count) }) else {
            return
        }
        occurrences = chosen.occurrences
        findings = chosen.findings
    }

    private struct Search {
        let alarm: String
        let entries: [SeenTransition]

        /// Lets the machine make its step, and finds a place in the journal for every edge.
        func follow(
            _ position: Position, _ path: Path, into next: inout [Position: Path],
            _ step: (inout ConditionMachine) -> [Edge]
        ) {
            var machine = position.machine
            var places = [(used: position.used, path: path)]
            for edge in step(&machine) { places = places.flatMap { place(edge, $0.used, $0.path) } }
            for (used, path) in places { Self.keep(Position(machine: machine, used: used), path, in: &next) }
        }

        private func place(_ edge: Edge, _ used: Int, _ path: Path) -> [(used: Int, path: Path)] {
            var path = path
            if edge.transition == "ACT" { path.occurrences += 1 }
            var places: [(used: Int, path: Path)] = []
            for index in used..<min(entries.count, used + Explanation.surplusSearched) {
                let entry = entries[index]
                guard entry.isSameStep(as: edge) else { continue }
                var matching = path
                for surplus in used..<index { addSurplus(surplus, to: &matching) }
                matching.matched.insert(index)
                if entry.isDated(as: edge) {
                    places.append((index + 1, matching))
                    // Dates tell one transition from another: nothing else needs to be tried.
                    if index == used { return places }
                    break
                }
                if index == used {
                    matching.cost += Weight.misdated
                    matching.findings.append(Finding(.misdated, alarm, "\(entry); must be \(edge)"))
                    places.append((index + 1, matching))
                }
            }
            var without = path
            without.cost += Weight.mistake
            without.findings.append(Finding(.lost, alarm, "\(edge)"))
            places.append((used, without))
            return places
        }

        private func addSurplus(_ index: Int, to path: inout Path) {
            let entry = entries[index]
            let isRepetition = path.matched.contains {
                entries[$0].transition == entry.transition && entries[$0].sampledAt == entry.sampledAt
            }
            path.cost += Weight.mistake
            path.findings.append(Finding(isRepetition ? .doubled : .invented, alarm, "\(entry)"))
        }

        func withRest(_ position: Position, _ path: Path) -> Path {
            var path = path
            for index in position.used..<entries.count { addSurplus(index, to: &path) }
            return path
        }

        static func keep(_ position: Position, _ path: Path, in paths: inout [Position: Path]) {
            if let known = paths[position], known.cost <= path.cost { return }
            paths[position] = path
        }

        static func best(_ paths: [Position: Path], _ count: Int) -> [Position: Path] {
            guard paths.count > count else { return paths }
            let kept = paths.sorted { $0.value.cost < $1.value.cost }.prefix(count)
            return Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
        }
    }
}
