import PlantClient

/// For how long the tree has not been reached, while something of it is followed: what is shown then is old, and nobody
/// could see that.
struct TreeSilence {
    /// A connection that is lost and made again at once is nothing to speak of.
    private static let patience = Duration.seconds(1)

    private var since: ContinuousClock.Instant?
    private var isSaid = false

    /// Takes in whether the tree is reached.
    ///
    /// - Returns: What is to be said now, once for each silence and once at its end.
    mutating func look(_ isReached: Bool, at now: ContinuousClock.Instant) -> String? {
        guard !isReached else {
            defer { (since, isSaid) = (nil, false) }
            return isSaid ? "the tree answers again" : nil
        }
        since = since ?? now
        guard !isSaid, let text = text(at: now) else { return nil }
        isSaid = true
        return text
    }

    /// nil while the tree is reached.
    func text(at now: ContinuousClock.Instant) -> String? {
        guard let since, now - since >= Self.patience else { return nil }
        let time = HumanText.span(now - since)
        return "the tree has not answered for \(time): what is shown is old, and changes are not heard of"
    }
}

/// Does work that follows something, and says on standard error when the tree is silent meanwhile, and when it is back.
func sayingSilence(of plant: PlantClient, _ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await work() }
        group.addTask {
            var silence = TreeSilence()
            while true {
                try await Task.sleep(for: .milliseconds(250))
                if let text = silence.look(plant.reachesTree, at: .now) { Terminal.complain(text) }
            }
        }
        try await group.next()
        group.cancelAll()
    }
}
