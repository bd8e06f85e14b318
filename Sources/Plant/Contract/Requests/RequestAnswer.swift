package import JSON
import OrderedCollections

/// What a gateway has answered to a request; written in the transaction that did what was asked for.
package struct RequestAnswer: Sendable, Hashable {
    package enum Result: String, Sendable, CaseIterable { case done, refused }

    /// How much went with a tag or device that was removed.
    package struct Removed: Sendable, Hashable {
        package var tags: Int
        package var alarms: Int

        package init(tags: Int, alarms: Int) {
            self.tags = tags
            self.alarms = alarms
        }
    }

    package var result: Result
    /// Why it was refused.
    package var reason: String?
    package var removed: Removed?
    package var at: Milliseconds
    /// The gateway that has answered.
    package var gateway: String

    package init(
        _ result: Result, reason: String? = nil, removed: Removed? = nil, at: Milliseconds, gateway: String
    ) {
        self.result = result
        self.reason = reason
        self.removed = removed
        self.at = at
        self.gateway = gateway
    }

    init(json: JSONValue) throws(RecordMistake) {
        let members = try RecordReader<Member>(json)
        self.init(
            try members.requiredName(.result), reason: try members.text(.reason),
            at: try members.time(.at) ?? 0, gateway: try members.text(.gateway) ?? "")
        if let tags = try members.count(.tags), let alarms = try members.count(.alarms) {
            removed = Removed(tags: Int(clamping: tags), alarms: Int(clamping: alarms))
        }
    }

    package var json: JSONValue {
        var members: OrderedDictionary<String, JSONValue> = [:]
        func put(_ member: Member, _ value: JSONValue?) {
            if let value { members[member.rawValue] = value }
        }
        put(.result, .string(result.rawValue))
        put(.reason, reason.map(JSONValue.string))
        put(.tags, removed.map { .integer(Int64($0.tags)) })
        put(.alarms, removed.map { .integer(Int64($0.alarms)) })
        put(.at, .integer(at))
        put(.gateway, .string(gateway))
        return .object(members)
    }

    private enum Member: String, CaseIterable { case result, reason, tags, alarms, at, gateway }
}
