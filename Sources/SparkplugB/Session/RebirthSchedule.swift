import Primitives

/// When an edge node is asked for a rebirth.
///
///     content ──a reason──▶ wanting ──due──▶ waiting to be sent ──sent──▶ asked ──due──▶ waiting …
///        ▲                     │                     │                      │
///        └────────birth────────┴─────────────────────┴──────────────────────┘
///
/// All gateways hear a birth, whichever of them has asked for it. So one of them asks first for what all may have missed, and the
/// others ask later, each for what it still lacks then: most often nothing. What a gateway lacks because it has just been started
/// nobody else asks for: it asks at once, and is not spread, since it may own or record soon.
///
/// A request counts when it has been sent. Between two there is at least ``RebirthRule/spacing``, also across births, and it doubles
/// while one follows soon after the other. When a gateway becomes the one that asks first, its requests are spread, so that a
/// takeover causes no storm of rebirths; none is later than it would have been.
struct RebirthSchedule: Sendable {
    private let rule: RebirthRule
    private var random: SeededRandom
    /// Whether this gateway asks first.
    private(set) var asksFirst: Bool
    private(set) var reason: RebirthReason?
    /// Whether a request is due and has not been sent yet.
    private(set) var isWaiting = false
    /// Requests that were sent since the last birth.
    private(set) var unanswered = 0
    private(set) var firstUnansweredAt: Int64?
    /// When a request is due at the gateway that asks first, and when at any other.
    private var dueAt: Int64 = 0
    private var laterDueAt: Int64 = 0
    private var isSpreadWidely = false
    /// Whether this gateway lacks the birth because it was started, and not because all may have missed something.
    private var isOwn = false
    private var lastSentAt: Int64?
    private var spacing: Int64
    /// What the last request has changed, should it turn out not to have left.
    private var beforeSent: (lastSentAt: Int64?, spacing: Int64)?

    init(rule: RebirthRule, seed: UInt64, asksFirst: Bool) {
        self.rule = rule
        random = SeededRandom(seed: seed)
        self.asksFirst = asksFirst
        spacing = rule.spacing
    }

    /// When ``becomeDue(at:)`` is due; nil while nothing is wanted, or a request waits to be sent.
    var deadline: Int64? {
        guard reason != nil, !isWaiting else { return nil }
        return asksFirst || isOwn ? dueAt : laterDueAt
    }

    /// A birth is needed. The first reason stands, but a request that is spread widely moves to the front when it is needed for
    /// the edge node alone.
    ///
    /// - Parameter isOwn: whether this gateway lacks it because it was started.
    mutating func want(_ reason: RebirthReason, isWide: Bool = false, isOwn: Bool = false, at now: Int64) {
        let isHastened = isSpreadWidely && !isWide && unanswered == 0 && !isWaiting
        guard self.reason == nil || isHastened else { return }
        self.reason = reason
        isSpreadWidely = isWide
        self.isOwn = isOwn
        var due = now + jitter(isWide ? rule.wideSpread : rule.spread)
        if let lastSentAt { due = max(due, lastSentAt + spacing) }
        schedule(at: due)
    }

    /// A birth has come, or the edge node is gone.
    mutating func settle() {
        reason = nil
        isWaiting = false
        unanswered = 0
        firstUnansweredAt = nil
    }

    /// Whether this gateway asks first from now on.
    mutating func precedenceChanged(asksFirst: Bool, at now: Int64) {
        guard asksFirst != self.asksFirst else { return }
        self.asksFirst = asksFirst
        guard reason != nil, !isOwn else { return }
        guard asksFirst else {
            isWaiting = false
            return schedule(at: max(dueAt, now))
        }
        guard !isWaiting else { return }
        isSpreadWidely = true
        dueAt = min(laterDueAt, max(dueAt, now + jitter(rule.wideSpread)))
    }

    /// Requests can be sent again. What is still wanted is spread, as all edge nodes are concerned.
    mutating func connectionRegained(at now: Int64) {
        guard reason != nil else { return }
        isWaiting = false
        isSpreadWidely = true
        schedule(at: max(dueAt, now + jitter(rule.wideSpread)))
    }

    /// The reason for a request, when one has become due. It waits until it has been sent.
    mutating func becomeDue(at now: Int64) -> RebirthReason? {
        guard let reason, let deadline, deadline <= now else { return nil }
        isWaiting = true
        return reason
    }

    /// The request that waited has been sent.
    mutating func sent(at now: Int64) {
        guard isWaiting else { return }
        isWaiting = false
        beforeSent = (lastSentAt, spacing)
        if let lastSentAt, now - lastSentAt <= 2 * spacing {
            spacing = min(2 * spacing, rule.longestSpacing)
        } else {
            spacing = rule.spacing
        }
        lastSentAt = now
        unanswered += 1
        if firstUnansweredAt == nil { firstUnansweredAt = now }
        schedule(at: now + spacing + jitter(spacing / 4))
    }

    /// The request that was sent last has not left: it changes nothing, and is due. False when there was none.
    mutating func failed(at now: Int64) -> Bool {
        guard let before = beforeSent else { return false }
        beforeSent = nil
        (lastSentAt, spacing) = before
        // A birth may have come meanwhile.
        guard reason != nil, unanswered > 0 else { return true }
        unanswered -= 1
        if unanswered == 0 { firstUnansweredAt = nil }
        (dueAt, laterDueAt) = (now, now)
        return true
    }

    private mutating func schedule(at due: Int64) {
        dueAt = due
        laterDueAt = due + rule.laterBy + jitter(rule.wideSpread)
    }

    private mutating func jitter(_ spread: Int64) -> Int64 {
        spread > 0 ? Int64.random(in: 0...spread, using: &random) : 0
    }
}
