/// What is made of the broker's word that a gateway has died.
///
/// The word is a last will: quick, and not proof. A connection breaks without a death, and any client that may publish
/// on the topic can forge it. So the first hint about a life is believed, and what follows from it is fenced: a gateway
/// that lives finds its nodes gone, stops acting and registers again. That it does shows that the hint was false, and
/// then hints about this life are doubted for a while, longer each time: they need evidence in the tree as well.
///
/// For each life:
///
///     unsuspected ──hint──▶ hinted ──registers again──▶ doubted ──hint──▶ examined
///                             ▲ ▲                         │ ▲                │
///                             │ └──hint, after the doubt──┘ └─sign of life───┤
///                             └──────no sign of life for two refreshes───────┘
///
/// A life that has not been hinted at is not kept, so a gateway that is killed twice within seconds is replaced as fast the
/// second time: that was another life.
public struct DeathHints: Sendable {
    public struct Rule: Sendable, Hashable {
        /// How long hints about a life are doubted after a false one; doubled with each further one.
        public var doubt: Milliseconds = 60_000
        public var longestDoubt: Milliseconds = 600_000
        /// How long no sign of life must come: two refreshes of two seconds, and what a busy machine needs on top.
        public var silence: Milliseconds = 4_500
        /// Lives that are remembered; the one hinted at longest ago is forgotten first.
        public var capacity = 1_000

        public init() {}
    }

    public enum Action: Sendable, Hashable {
        case none
        /// Remove what that life's registration and locks are, if the registration still is this one (its czxid; nil: as far
        /// as is known there is none, the tree knows).
        case remove(GatewayLife, registration: Int64?)
        /// Read when that life last gave a sign in the tree and say so with ``signSeen(_:zxid:at:)``.
        case look(GatewayLife, after: Milliseconds)
    }

    private enum State: Sendable {
        /// Believed; the registration that it was about.
        case hinted(registration: Int64)
        case doubted(until: Milliseconds)
        /// A hint is being looked into; the zxid of the last sign of life, once that has been read.
        case examined(zxid: Int64?, until: Milliseconds)
    }

    private struct Suspect: Sendable {
        var state: State
        /// How long the next false hint makes further ones doubted.
        var doubt: Milliseconds
        var hintedAt: Milliseconds
    }

    private let rule: Rule
    private let gateway: String
    private var suspects: [GatewayLife: Suspect] = [:]
    /// The lives that are registered, with their registrations.
    private var registrations: [GatewayLife: Int64] = [:]

    /// - Parameter gateway: this one; hints about it are not its business.
    public init(gateway: String, rule: Rule = Rule()) {
        self.gateway = gateway
        self.rule = rule
    }

    public var count: Int { suspects.count }

    /// The broker says that this life has ended.
    public mutating func hinted(_ life: GatewayLife, at now: Milliseconds) -> Action {
        guard life.gateway != gateway else { return .none }
        guard let registration = registrations[life] else {
            // A life of long ago, whose word the broker has kept; or one that registered this very moment.
            return suspects[life] == nil ? .remove(life, registration: nil) : .none
        }
        guard var suspect = suspects[life] else {
            makeRoom()
            suspects[life] = Suspect(state: .hinted(registration: registration), doubt: rule.doubt, hintedAt: now)
            return .remove(life, registration: registration)
        }
        suspect.hintedAt = now
        defer { suspects[life] = suspect }
        switch suspect.state {
        case .hinted(let about):
            // The removal did not go through, or is under way: it is harmless to try again.
            return about == registration ? .remove(life, registration: registration) : .none
        case .doubted(let until) where now >= until:
            suspect.state = .hinted(registration: registration)
            return .remove(life, registration: registration)
        case .doubted(let until):
            suspect.state = .examined(zxid: nil, until: until)
            return .look(life, after: 0)
        case .examined: return .none
        }
    }

    /// These lives are registered. One that was hinted at and stands there with another registration lives.
    public mutating func membersSeen(_ members: [GatewayMember], at now: Milliseconds) {
        registrations = Dictionary(members.map { ($0.life, $0.registration) }, uniquingKeysWith: { $1 })
        for (life, suspect) in suspects {
            guard let registration = registrations[life] else {
                // Long gone: it does not come back.
                if now - suspect.hintedAt > rule.longestDoubt { suspects[life] = nil }
                continue
            }
            if case .hinted(let about) = suspect.state, about != registration { doubt(life, at: now) }
        }
    }

    /// When the life last gave a sign in the tree, by the server's count; nil when it gives none that could be seen.
    public mutating func signSeen(_ life: GatewayLife, zxid: Int64?, at now: Milliseconds) -> Action {
        guard let suspect = suspects[life], case .examined(let last, let until) = suspect.state else { return .none }
        guard let registration = registrations[life], let zxid else {
            // Gone already, or of a version that gives no signs: its session decides.
            suspects[life]?.state = .doubted(until: until)
            return .none
        }
        guard let last else {
            suspects[life]?.state = .examined(zxid: zxid, until: until)
            return .look(life, after: rule.silence)
        }
        guard last == zxid else {
            doubt(life, at: now)
            return .none
        }
        suspects[life]?.state = .hinted(registration: registration)
        return .remove(life, registration: registration)
    }

    private mutating func doubt(_ life: GatewayLife, at now: Milliseconds) {
        guard var suspect = suspects[life] else { return }
        suspect.state = .doubted(until: now + suspect.doubt)
        suspect.doubt = min(suspect.doubt * 2, rule.longestDoubt)
        suspects[life] = suspect
    }

    private mutating func makeRoom() {
        guard suspects.count >= rule.capacity else { return }
        if let oldest = suspects.min(by: { $0.value.hintedAt < $1.value.hintedAt }) { suspects[oldest.key] = nil }
    }
}
