import JSON
import OrderedCollections

/// How a record keeps the four variables: the word under `state` tells them where operators see the alarm, which is always
/// so in records of earlier versions. What it does not tell stands beside it, under `lifeCycle`:
///
///     "lifeCycle":{"acked":false,"latched":true,"shelf":"oneShot","outOfService":"work order 7","enabled":false}
extension AlarmLifeCycle {
    /// - Parameter rest: the members under `lifeCycle`; those that are missing or make no sense are as the word suggests.
    init(
        state: AlarmState, condition: AlarmCondition, shelvedUntil: Milliseconds?, suppressedBy: String?,
        rest: OrderedDictionary<String, JSONValue>
    ) {
        let isAcknowledged: Bool
        var isLatched = false
        switch state {
        case .normal, .acknowledged: isAcknowledged = true
        case .unacknowledged, .returnedUnacknowledged: isAcknowledged = false
        case .latchedUnacknowledged, .latchedAcknowledged:
            isAcknowledged = state == .latchedAcknowledged
            isLatched = condition == .normal
        case .shelved, .suppressedByDesign, .outOfService:
            isAcknowledged = rest[Rest.acked.rawValue]?.boolValue ?? (condition == .normal)
            isLatched = condition == .normal && rest[Rest.latched.rawValue]?.boolValue ?? false
        }
        self.init(condition: condition, isAcknowledged: isAcknowledged, isLatched: isLatched)
        let shelf = rest[Rest.shelf.rawValue]?.stringValue.flatMap(ShelfKind.init(rawValue:))
        switch (state, shelf) {
        case (.shelved, nil), (.shelved, .timed), (.suppressedByDesign, .timed), (.outOfService, .timed):
            self.shelf = shelvedUntil.map { .timed(until: $0) } ?? .oneShot(until: nil)
        case (.shelved, .oneShot), (.suppressedByDesign, .oneShot), (.outOfService, .oneShot):
            self.shelf = .oneShot(until: shelvedUntil)
        case (_, _): break
        }
        switch state {
        case .suppressedByDesign: self.suppressedBy = suppressedBy ?? ""
        case .outOfService:
            self.suppressedBy = suppressedBy
            outOfService = rest[Rest.outOfService.rawValue]?.stringValue ?? ""
        case .normal, .unacknowledged, .acknowledged, .returnedUnacknowledged, .latchedUnacknowledged,
            .latchedAcknowledged, .shelved:
            break
        }
        isEnabled = rest[Rest.enabled.rawValue]?.boolValue ?? true
    }

    /// The members under `lifeCycle`; nil where the word tells all.
    var rest: OrderedDictionary<String, JSONValue>? {
        guard isHidden || !isEnabled else { return nil }
        var rest: OrderedDictionary<String, JSONValue> = [:]
        if isHidden {
            rest[Rest.acked.rawValue] = .bool(isAcknowledged)
            if isLatched { rest[Rest.latched.rawValue] = true }
        }
        switch shelf {
        case .timed?: rest[Rest.shelf.rawValue] = .string(ShelfKind.timed.rawValue)
        case .oneShot?: rest[Rest.shelf.rawValue] = .string(ShelfKind.oneShot.rawValue)
        case nil: break
        }
        if let outOfService { rest[Rest.outOfService.rawValue] = .string(outOfService) }
        if !isEnabled { rest[Rest.enabled.rawValue] = false }
        return rest
    }

    /// The members under `lifeCycle` that this version does not know.
    static func unknown(
        in members: OrderedDictionary<String, JSONValue>
    ) -> OrderedDictionary<String, JSONValue> { members.filter { Rest(rawValue: $0.key) == nil } }

    private enum Rest: String { case acked, latched, shelf, outOfService, enabled }

    private enum ShelfKind: String { case timed, oneShot }
}
