import SparkplugB

// Edge nodes of Sparkplug B: what time releases, and which of them are to be asked for a birth.
extension LivePlant {
    /// Whether this gateway is the one that asks edge nodes first for births that all may have missed: the active alarm
    /// processor's, so that one is. Every other asks some seconds later for what it lacks then: the birth that the first one's
    /// request has brought serves all. What it lacks because it was started it asks for at once.
    public mutating func asksFirstForBirths(_ asksFirst: Bool, at now: Milliseconds) {
        ingest.edgeNodes.asksFirst(asksFirst, at: now)
    }

    /// The next edge node that is to be asked for a birth now; nil when none is. What is taken counts as sent.
    public mutating func takeRebirth(at now: Milliseconds) -> RebirthRequest? {
        ingest.edgeNodes.takeRebirth(at: now)
    }

    /// A request that was taken could not be sent: it does not count, and is to be sent soon.
    public mutating func rebirthFailed(_ request: RebirthRequest, at now: Milliseconds) {
        ingest.edgeNodes.rebirthFailed(request, at: now)
    }

    mutating func advanceEdgeNodes(to now: Milliseconds, effects: inout Effects) {
        guard ingest.edgeNodes.isDue(at: now) else { return }
        let newTags = ingest.advanceEdgeNodes(to: now)
        takeReleased(newTags, at: now, effects: &effects)
    }

    /// What waits for messages before it is taken: they do not come any more.
    mutating func edgeNodesLost(at now: Milliseconds) {
        var effects = owedEffects
        let newTags = ingest.edgeNodesLost(at: now)
        takeReleased(newTags, at: now, effects: &effects)
        owedEffects = effects
    }

    /// Takes what no message has released.
    private mutating func takeReleased(_ newTags: Range<Int>, at now: Milliseconds, effects: inout Effects) {
        bind(newTags, at: now)
        let none: [UInt8] = []
        while ingest.hasFurtherParts {
            let part = ingest.furtherPart(none.span, none.span, retained: false, receivedAt: now, into: &samples)
            take(
                part, topic: none.span, payload: none.span, retained: false, receivedAt: now, effects: &effects,
                observe: nil)
            if ingest.hasStaleTags { callStale(at: part.receivedAt ?? now, effects: &effects) }
        }
    }

    /// Calls tags stale whose metrics have no value any more.
    @inline(never)
    mutating func callStale(at now: Milliseconds, effects: inout Effects) {
        for tag in ingest.takeStaleTags() where fallSilent(tag, at: now) { effects.alarmsPending = true }
        effects.tagsChanged = true
    }
}
