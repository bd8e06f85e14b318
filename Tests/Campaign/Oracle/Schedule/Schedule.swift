import Primitives

/// Decides what each round of a campaign does.
///
/// Kinds come in a random order, each once before any comes again, so that a campaign of as many rounds as there are kinds
/// plays all of them.
package struct Schedule: Sendable {
    private let seed: UInt64
    private let kinds: [FaultKind]
    /// Of ten rounds whose fault allows it, how many get a second one on top.
    private static let pairsInTen = 3

    package init(seed: UInt64, kinds: [FaultKind]) {
        self.seed = seed
        self.kinds = kinds
    }

    /// - Parameter number: counted from 1.
    package func plan(_ number: Int) -> RoundPlan {
        let index = number - 1
        var order = SeededRandom(seed: seed &+ UInt64(index / kinds.count) &* 0x1_0001)
        let kind = kinds.shuffled(using: &order)[index % kinds.count]
        var chance = SeededRandom(seed: seed &* 0x100_0000_01b3 ^ UInt64(number))
        var chosen = [kind]
        if kind.setting.canJoin, Int.random(in: 0..<10, using: &chance) < Self.pairsInTen {
            let others = kinds.filter { $0 != kind && Self.fit(kind.setting, $0.setting) }
            if let other = others.randomElement(using: &chance) { chosen.append(other) }
        }
        let settings = chosen.map(\.setting)
        let lowest = settings.map(\.gateways.lowerBound).max() ?? 1
        let highest = settings.map(\.gateways.upperBound).min() ?? lowest
        let gateways = Int.random(in: lowest...highest, using: &chance)
        var trees = settings.reduce(Set(TreeChoice.allCases)) { $0.intersection($1.trees) }
        // Several gateways cannot live in one of them.
        if gateways > 1 { trees.remove(.embedded) }
        let tree = trees.sorted { $0.rawValue < $1.rawValue }.randomElement(using: &chance) ?? .served
        return RoundPlan(
            seed: seed, number: number, kinds: chosen, gateways: gateways, tree: tree,
            strikeAt: chance.milliseconds(900...1400), secondAfter: chance.milliseconds(0...600), chance: chance.next())
    }

    private static func fit(_ one: Setting, _ other: Setting) -> Bool {
        other.canJoin && !(one.stopsBroker && other.stopsBroker) && !(one.ownTree && other.ownTree)
            && one.gateways.overlaps(other.gateways)
            && !one.trees.intersection(other.trees).subtracting([.embedded]).isEmpty
    }
}
