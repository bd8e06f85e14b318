import OrderedCollections
package import Plant

/// What an operator asks of the active alarm processor: `/alarm-requests/<id>`, created once by the one who asks under
/// an id of its own, answered in place in the same transaction as the change that it causes.
package struct AlarmRequest: Sendable, Equatable {
    package enum Action: String, Sendable { case acknowledge = "ack" }
    package enum Outcome: String, Sendable { case done, refused }

    package var action: Action
    package var tag: String
    package var alarm: String
    /// The occurrence that is meant; nil: whichever is current.
    package var eventID: String?
    package var by: String
    package var comment: String?
    /// When the operator asked, milliseconds since 1970.
    package var at: Milliseconds
    package var result: Outcome?
    /// Why it was refused.
    package var reason: String?

    package init(
        action: Action, tag: String, alarm: String, eventID: String?, by: String, comment: String?, at: Milliseconds
    ) {
        self.action = action
        self.tag = tag
        self.alarm = alarm
        self.eventID = eventID
        self.by = by
        self.comment = comment
        self.at = at
    }

    /// nil for anything that is not a request.
    package init?(data: [UInt8]) {
        guard let json = try? JSONValue(parsing: data), let name = json["action"]?.stringValue,
            let action = Action(rawValue: name), let tag = json["tag"]?.stringValue,
            let alarm = json["alarm"]?.stringValue, let by = json["by"]?.stringValue, let at = json["at"]?.timeValue
        else { return nil }
        self.init(
            action: action, tag: tag, alarm: alarm, eventID: json["eventId"]?.stringValue, by: by,
            comment: json["comment"]?.stringValue, at: at)
        result = json["result"]?.stringValue.flatMap(Outcome.init(rawValue:))
        reason = json["reason"]?.stringValue
    }

    /// Longest text that an operator can leave in a record, which travels in every transaction and message of its alarm.
    package static let textLimit = 1024

    /// Cuts text that is too long for a record; then what was wrong, for the refusal.
    mutating func trimOversizeText() -> String? {
        let texts = [by, comment ?? "", tag, alarm, eventID ?? ""]
        guard texts.contains(where: { $0.utf8.count > Self.textLimit }) else { return nil }
        by = String(by.prefix(100))
        comment = comment.map { String($0.prefix(100)) }
        tag = String(tag.prefix(100))
        alarm = String(alarm.prefix(100))
        eventID = eventID.map { String($0.prefix(100)) }
        return "a text of the request has more than \(Self.textLimit) bytes"
    }

    package func serialized() -> [UInt8] {
        var members: [(String, JSONValue)] = [
            ("action", .string(action.rawValue)), ("tag", .string(tag)), ("alarm", .string(alarm)),
        ]
        if let eventID { members.append(("eventId", .string(eventID))) }
        members.append(("by", .string(by)))
        if let comment { members.append(("comment", .string(comment))) }
        members.append(("at", .integer(at)))
        if let result { members.append(("result", .string(result.rawValue))) }
        if let reason { members.append(("reason", .string(reason))) }
        return JSONValue.object(.init(uniqueKeysWithValues: members)).serialized()
    }
}
