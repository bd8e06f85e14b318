/// Whether a gateway counts as one that hears its broker.
///
/// A link that breaks and comes back within the patience costs nothing: moving shards would cost more. One that breaks again
/// and again must prove itself.
///
///     absent ──up──▶ ready ──down──▶ faltering ──patience──▶ absent
///                      ▲                 │
///                      └───────up────────┘
///     absent ──up, after too many losses──▶ onTrial ──trial time──▶ ready
///                                              └──down──▶ absent
public struct LinkReadiness: Sendable {
    public struct Rule: Sendable, Hashable {
        /// How long the link may be down before the gateway counts as unready.
        public var patience: Milliseconds = 2_000
        /// After so many losses within ``lossWindow`` an unready gateway is ready again only after ``trial``.
        public var losses = 3
        public var lossWindow: Milliseconds = 60_000
        /// How long the link must stand without a break.
        public var trial: Milliseconds = 10_000

        public init() {}
    }

    enum State: Sendable, Hashable {
        /// The link is down, or has never been up. Not ready.
        case absent
        /// The link is up. Ready.
        case ready
        /// The link is down; ready until that time.
        case faltering(until: Milliseconds)
        /// The link is up; not ready before that time.
        case onTrial(until: Milliseconds)
    }

    private let rule: Rule
    private(set) var state = State.absent
    /// When the link was lost, the last `rule.losses` times.
    private var losses: [Milliseconds] = []

    public init(_ rule: Rule = Rule()) { self.rule = rule }

    public var isReady: Bool {
        switch state {
        case .ready, .faltering: true
        case .absent, .onTrial: false
        }
    }

    /// When ``advance(to:)`` has something to do.
    public var nextDeadline: Milliseconds? {
        switch state {
        case .faltering(let until), .onTrial(let until): until
        case .absent, .ready: nil
        }
    }

    /// The link came up or went down; repetitions are harmless. Times are of a clock that cannot be set.
    public mutating func linkChanged(isUp: Bool, at now: Milliseconds) {
        advance(to: now)
        switch (state, isUp) {
        case (.absent, true):
            let recent = losses.count { now - $0 < rule.lossWindow }
            state = recent >= rule.losses ? .onTrial(until: now + rule.trial) : .ready
        case (.faltering, true): state = .ready
        case (.ready, false):
            noteLoss(at: now)
            state = .faltering(until: now + rule.patience)
        case (.onTrial, false):
            noteLoss(at: now)
            state = .absent
        case (.absent, false), (.faltering, false), (.ready, true), (.onTrial, true): break
        }
    }

    public mutating func advance(to now: Milliseconds) {
        switch state {
        case .faltering(let until): if now >= until { state = .absent }
        case .onTrial(let until): if now >= until { state = .ready }
        case .absent, .ready: break
        }
    }

    private mutating func noteLoss(at now: Milliseconds) {
        losses.append(now)
        if losses.count > rule.losses { losses.removeFirst(losses.count - rule.losses) }
    }
}
