import JSON
import OrderedCollections

/// What dates of an alarm's record should have been, of those that a gateway's clock gave while it was wrong: the record's
/// member `"corrected":{"since":…,"changedAt":…,"sampledAt":…,"ackAt":…}`, each only where there is something to correct.
public struct CorrectedDates: Sendable, Hashable {
    public var since: Milliseconds?
    public var changedAt: Milliseconds?
    public var sampledAt: Milliseconds?
    public var acknowledgedAt: Milliseconds?

    public init() {}

    public var isEmpty: Bool { self == CorrectedDates() }

    /// Takes what is a time; the rest is left out.
    init(json: JSONValue?) {
        since = json?["since"]?.timeValue
        changedAt = json?["changedAt"]?.timeValue
        sampledAt = json?["sampledAt"]?.timeValue
        acknowledgedAt = json?["ackAt"]?.timeValue
    }

    var json: JSONValue {
        var members = OrderedDictionary<String, JSONValue>()
        members["since"] = since.map(JSONValue.integer)
        members["changedAt"] = changedAt.map(JSONValue.integer)
        members["sampledAt"] = sampledAt.map(JSONValue.integer)
        members["ackAt"] = acknowledgedAt.map(JSONValue.integer)
        return .object(members)
    }
}
