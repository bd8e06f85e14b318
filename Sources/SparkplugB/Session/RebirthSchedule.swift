import Primitives

/// When an edge node is asked for a rebirth.
///
///     content ──a reason──▶ wanting ──due, and active──▶ asked ──due again──▶ asked …
///        ▲                     │                           │
///        └────────birth────────┴───────────────────────────┘
///
/// Between two requests there is at least ``RebirthRule/spacing``, also across births, and it doubles while one follows soon after
/// the other. A gateway that is not active asks for nothing; what it wants stays wanted, and when it becomes active its requests
/// are spread, so that a takeover causes no storm of rebirths.
struct RebirthSchedule: Sendable {
    private let rule: RebirthRule
    private var random: SeededRandom
    private(set) var isActive: Bool
    private(set) var reason: RebirthReason?
    /// Requests since the last birth.
    private(set) var unanswered = 0
    private(set) var firstUnansweredAt: Int64?
    private var dueAt: Int64 = 0
    private var isSpreadWidely = false
    private var lastAskedAt: Int64?
    private var spacing: Int64

    init(rule: RebirthRule, seed: UInt64, isActive: Bool) {
        self.rule = rule
        random = SeededRandom(seed: seed)
        self.isActive = isActive
        spacing = rule.spacing
    }

    /// When ``ask(at:)`` is due; nil while nothing is wanted.
    var deadline: Int64? { reason != nil && isActive ? dueAt : nil }

    /// A birth is needed. The first reason stands, but a request that is spread widely moves to the front when it is needed for
    /// the edge node alone.
    mutating func want(_ reason: RebirthReason, isWide: Bool = false, at now: Int64) {
        guard self.reason == nil || (isSpreadWidely && !isWide && unanswered == 0) else { return }
        self.reason = reason
        isSpreadWidely = isWide
        dueAt = now + jitter(isWide ? rule.wideSpread : rule.spread)
        if let lastAskedAt { dueAt = max(dueAt, lastAskedAt + spacing) }
    }

    /// A birth has come, or the edge node is gone.
    mutating func settle() {
        reason = nil
        unanswered = 0
        firstUnansweredAt = nil
    }

    /// Whether this gateway is the one that asks.
    mutating func ownershipChanged(isActive: Bool, at now: Int64) {
        let begins = isActive && !self.isActive
        self.isActive = isActive
        guard begins, reason != nil else { return }
        isSpreadWidely = true
        dueAt = max(dueAt, now + jitter(rule.wideSpread))
    }

    /// The reason for a request, when one is due; it counts as sent.
    mutating func ask(at now: Int64) -> RebirthReason? {
        guard isActive, let reason, now >= dueAt else { return nil }
        if let lastAskedAt, now - lastAskedAt <= 2 * spacing {
            spacing = min(2 * spacing, rule.longestSpacing)
        } else {
            spacing = rule.spacing
        }
        lastAskedAt = now
        unanswered += 1
        if firstUnansweredAt == nil { firstUnansweredAt = now }
        dueAt = now + spacing + jitter(spacing / 4)
        return reason
    }

    private mutating func jitter(_ spread: Int64) -> Int64 {
        spread > 0 ? Int64.random(in: 0...spread, using: &random) : 0
    }
}
