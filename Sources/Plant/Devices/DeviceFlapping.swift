/// Which devices flap: go and come so often that only their return is worth telling once it lasts.
///
/// ```
///         lost as often as the rule says
/// steady ────────────────────────────────► flapping, away
///   ▲                                        │ ▲       │
///   ├── away for `within` ───────────────────┘ │ lost  │ heard
///   │                                          │       ▼
///   └── there for `steadyFor`, no break ────── flapping, back
/// ```
///
/// While a device flaps it counts as what it was when it began to: offline or stale. So going away is never told later than
/// it is noticed, and an episode costs two writes however often the device goes and comes: one when it begins, one when it
/// ends. Losses that a device has while it flaps are not counted; those before an episode count on after it, until they are older than
/// `within`.
///
/// A device that has been away for `within` has left nothing of its flapping: it is what it is, and its next return is an
/// ordinary one.
///
/// Only devices that were lost lately are kept. Moments by which time is measured are of the gateway's clock, and move with
/// it; dates that others see do not.
struct DeviceFlapping: Sendable {
    /// A device flaps.
    struct Episode: Sendable, Hashable {
        /// The date when it began.
        let since: Milliseconds
        /// What the device counts as, and since which date.
        let countsAs: DeviceState
        let countsSince: Milliseconds
        let rule: FlappingRule
        /// Whether it is there.
        fileprivate(set) var isBack = false
        /// When that last changed.
        fileprivate var changedAt: Milliseconds

        fileprivate var deadline: Milliseconds {
            changedAt.addingClamped(isBack ? rule.steadyFor : rule.within)
        }
    }

    /// An episode has begun or ended.
    struct News: Sendable, Hashable {
        let device: DeviceID
        let hasBegun: Bool
    }

    private struct Losses: Sendable {
        /// The newest, as many as the rule asks for; oldest first.
        var moments: [Milliseconds] = []
        var within: Milliseconds = 0
    }

    /// Between two searches for losses that are too old to count.
    static let sweepInterval: Milliseconds = 60_000

    private var episodes: [DeviceID: Episode] = [:]
    private var losses: [DeviceID: Losses] = [:]
    /// No episode ends before.
    private var nextDeadline: Milliseconds = .max
    private var nextSweep: Milliseconds = .max
    private var news: [News] = []
    /// Episodes that have begun here.
    private(set) var begun: UInt64 = 0

    /// The episode of a device; nil when it does not flap.
    subscript(device: DeviceID) -> Episode? { episodes.isEmpty ? nil : episodes[device] }

    /// How many devices are remembered.
    var count: Int { Set(losses.keys).union(episodes.keys).count }

    /// What has begun and ended since the last time.
    mutating func takeNews() -> [News] {
        guard !news.isEmpty else { return [] }
        defer { news = [] }
        return news
    }

    /// A device was lost that was online. True when it flaps from now on.
    @discardableResult
    mutating func lost(_ device: DeviceID, as state: DeviceState, rule: FlappingRule, at now: Milliseconds) -> Bool {
        var known = losses[device] ?? Losses()
        known.moments.removeAll { now.subtractingClamped($0) > rule.within }
        known.moments.append(now)
        if known.moments.count > rule.losses { known.moments.removeFirst(known.moments.count - rule.losses) }
        known.within = rule.within
        losses[device] = known
        nextSweep = min(nextSweep, now.addingClamped(Self.sweepInterval))
        guard known.moments.count >= rule.losses else { return false }
        begin(
            Episode(since: now, countsAs: state, countsSince: now, rule: rule, changedAt: now), of: device)
        begun &+= 1
        news.append(News(device: device, hasBegun: true))
        return true
    }

    /// A device that flaps, as the tree says. It counts as lost now.
    mutating func seed(
        _ device: DeviceID, since: Milliseconds, as state: DeviceState, stateSince: Milliseconds, rule: FlappingRule,
        at now: Milliseconds
    ) {
        begin(Episode(since: since, countsAs: state, countsSince: stateSince, rule: rule, changedAt: now), of: device)
    }

    private mutating func begin(_ episode: Episode, of device: DeviceID) {
        episodes[device] = episode
        nextDeadline = min(nextDeadline, episode.deadline)
    }

    /// A device is there again. True when it flaps, so that it does not count as online yet.
    mutating func returned(_ device: DeviceID, at now: Milliseconds) -> Bool { change(device, isBack: true, at: now) }

    /// A device is lost again. True when it flaps, so that it counts as away already.
    @discardableResult
    mutating func lostAgain(_ device: DeviceID, at now: Milliseconds) -> Bool { change(device, isBack: false, at: now) }

    private mutating func change(_ device: DeviceID, isBack: Bool, at now: Milliseconds) -> Bool {
        guard !episodes.isEmpty, var episode = episodes[device] else { return false }
        if episode.isBack != isBack {
            episode.isBack = isBack
            episode.changedAt = now
            begin(episode, of: device)
        }
        return true
    }

    /// A device was removed.
    mutating func forget(_ device: DeviceID) {
        episodes[device] = nil
        losses[device] = nil
    }

    /// Ends the episodes of devices that are steady, there or away, in the order of their numbers.
    mutating func advance(to now: Milliseconds) -> [DeviceID] {
        if now >= nextSweep { sweep(at: now) }
        guard now >= nextDeadline else { return [] }
        let ended = episodes.filter { $0.value.deadline <= now }.keys.sorted { $0.rawValue < $1.rawValue }
        for device in ended {
            episodes[device] = nil
            news.append(News(device: device, hasBegun: false))
        }
        findDeadline()
        return ended
    }

    private mutating func findDeadline() { nextDeadline = episodes.values.lazy.map(\.deadline).min() ?? .max }

    private mutating func sweep(at now: Milliseconds) {
        losses = losses.filter { _, known in
            known.moments.last.map { now.subtractingClamped($0) <= known.within } ?? false
        }
        nextSweep = losses.isEmpty ? .max : now.addingClamped(Self.sweepInterval)
    }

    /// This gateway could not hear anybody until now: nothing shows that a device was there without a break, or away.
    mutating func heardAgain(at now: Milliseconds) {
        for device in episodes.keys { episodes[device]?.changedAt = now }
        findDeadline()
    }

    /// This process did not run for `time`, until now: it could not see a break, nor a return.
    mutating func forgive(_ time: Milliseconds, at now: Milliseconds) {
        for (device, episode) in episodes {
            // Never into the future; nor back, should the clock have been set back.
            let later = min(episode.changedAt.addingClamped(max(time, 0)), now)
            episodes[device]?.changedAt = max(episode.changedAt, later)
        }
        findDeadline()
    }

    /// The clock has been set.
    mutating func clockLeapt(by leap: Milliseconds) {
        for (device, episode) in episodes {
            episodes[device]?.changedAt = episode.changedAt.addingClamped(leap)
        }
        for (device, known) in losses {
            losses[device]?.moments = known.moments.map { $0.addingClamped(leap) }
        }
        if nextSweep != .max { nextSweep = nextSweep.addingClamped(leap) }
        findDeadline()
    }
}
