import JSON
import OrderedCollections

/// What somebody may ask of one gateway: to hand over what it owns and to take nothing more, or to take its share again.
package struct DrainOrder: Sendable, Hashable {
    package var gateway: String
    /// Whether it is to take its share again.
    package var undo: Bool
    package var comment: String?

    package init(gateway: String, undo: Bool = false, comment: String? = nil) {
        self.gateway = gateway
        self.undo = undo
        self.comment = comment
    }

    /// What makes it impossible for every gateway; nil when nothing does.
    package var mistake: String? {
        if gateway.isEmpty { return "no gateway is named" }
        let isTooLong = [gateway, comment ?? ""].contains { $0.utf8.count > AlarmOperation.textLimit }
        return isTooLong ? "a text of the request has more than \(AlarmOperation.textLimit) bytes" : nil
    }

    init(reading members: OrderedDictionary<String, JSONValue>) throws(RecordMistake) {
        let members = try RecordReader<Member>(.object(members))
        self.init(
            gateway: try members.requiredText(.gateway), undo: try members.bool(.undo) ?? false,
            comment: try members.text(.comment))
        if let mistake { throw RecordMistake(nil, mistake) }
    }

    var members: OrderedDictionary<String, JSONValue> {
        var members: OrderedDictionary<String, JSONValue> = [Member.gateway.rawValue: .string(gateway)]
        if undo { members[Member.undo.rawValue] = true }
        members[Member.comment.rawValue] = comment.map(JSONValue.string)
        return members
    }

    private enum Member: String, CaseIterable { case gateway, undo, comment }
}
