import JSON
import OrderedCollections

/// What an operator asks of the active alarm processor: `/alarm-requests/<id>`, created once by the one who asks under
/// an id of its own, answered in place in the same transaction as the change that it causes.
package struct AlarmRequest: Sendable, Equatable {
    package enum Action: String, Sendable {
        case acknowledge = "ack"
        /// Remove it from the tree, with what belongs to it.
        case forget
    }

    package enum Outcome: String, Sendable { case done, refused }

    /// What it is about. Only alarms can be acknowledged.
    package enum Subject: Sendable, Equatable {
        case alarm(String, tag: String)
        case tag(String)
        case device(String)
    }

    package var action: Action
    package var subject: Subject
    /// The occurrence that is meant; nil: whichever is current.
    package var eventID: String?
    /// Whether it is meant only if the configuration of the one who answers does not define it.
    package var onlyIfOrphaned = false
    package var by: String
    package var comment: String?
    /// When the operator asked, milliseconds since 1970.
    package var at: Milliseconds
    package var result: Outcome?
    /// Why it was refused.
    package var reason: String?
    /// How much went with a tag or device that was removed.
    package var removed: Removed?

    package struct Removed: Sendable, Equatable {
        package var tags: Int
        package var alarms: Int

        package init(tags: Int, alarms: Int) {
            self.tags = tags
            self.alarms = alarms
        }
    }

    package init(
        _ action: Action, _ subject: Subject, eventID: String? = nil, by: String, comment: String?, at: Milliseconds
    ) {
        self.action = action
        self.subject = subject
        self.eventID = eventID
        self.by = by
        self.comment = comment
        self.at = at
    }

    /// nil for anything that is not a request.
    package init?(data: [UInt8]) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(parsing: data)
            guard let action = Action(rawValue: try members.requiredText(.action)), let subject = Subject(members)
            else { return nil }
            if action == .acknowledge {
                guard case .alarm = subject else { return nil }
            }
            self.init(
                action, subject, eventID: members[.eventId]?.stringValue, by: try members.requiredText(.by),
                comment: members[.comment]?.stringValue, at: try members.requiredTime(.at))
            onlyIfOrphaned = members[.orphaned]?.boolValue ?? false
            result = members[.result]?.stringValue.flatMap(Outcome.init(rawValue:))
            reason = members[.reason]?.stringValue
            if let tags = members[.tags]?.intValue, let alarms = members[.alarms]?.intValue {
                removed = Removed(tags: Int(clamping: tags), alarms: Int(clamping: alarms))
            }
        } catch {
            return nil
        }
    }

    fileprivate enum Member: String, CaseIterable {
        case action, tag, alarm, device, eventId, orphaned, by, comment, at, result, reason, tags, alarms
    }

    /// Longest text that an operator can leave in a record, which travels in every transaction and message of its alarm.
    package static let textLimit = 1024

    /// Cuts text that is too long for a record; then what was wrong, for the refusal.
    package mutating func trimOversizeText() -> String? {
        let texts = subject.texts + [by, comment ?? "", eventID ?? ""]
        guard texts.contains(where: { $0.utf8.count > Self.textLimit }) else { return nil }
        by = String(by.prefix(100))
        comment = comment.map { String($0.prefix(100)) }
        subject.cut(to: 100)
        eventID = eventID.map { String($0.prefix(100)) }
        return "a text of the request has more than \(Self.textLimit) bytes"
    }

    package func serialized() -> [UInt8] {
        var members: OrderedDictionary<String, JSONValue> = ["action": .string(action.rawValue)]
        subject.write(into: &members)
        if let eventID { members["eventId"] = .string(eventID) }
        if onlyIfOrphaned { members["orphaned"] = true }
        members["by"] = .string(by)
        if let comment { members["comment"] = .string(comment) }
        members["at"] = .integer(at)
        if let result { members["result"] = .string(result.rawValue) }
        if let reason { members["reason"] = .string(reason) }
        if let removed {
            members["tags"] = .integer(Int64(removed.tags))
            members["alarms"] = .integer(Int64(removed.alarms))
        }
        return JSONValue.object(members).serialized()
    }
}

extension AlarmRequest.Subject {
    fileprivate init?(_ members: RecordReader<AlarmRequest.Member>) {
        if let device = members[.device]?.stringValue {
            self = .device(device)
        } else if let tag = members[.tag]?.stringValue {
            self = members[.alarm]?.stringValue.map { .alarm($0, tag: tag) } ?? .tag(tag)
        } else {
            return nil
        }
    }

    fileprivate func write(into members: inout OrderedDictionary<String, JSONValue>) {
        switch self {
        case .alarm(let alarm, let tag):
            members["tag"] = .string(tag)
            members["alarm"] = .string(alarm)
        case .tag(let tag): members["tag"] = .string(tag)
        case .device(let device): members["device"] = .string(device)
        }
    }

    fileprivate var texts: [String] {
        switch self {
        case .alarm(let alarm, let tag): [alarm, tag]
        case .tag(let path), .device(let path): [path]
        }
    }

    fileprivate mutating func cut(to length: Int) {
        switch self {
        case .alarm(let alarm, let tag):
            self = .alarm(String(alarm.prefix(length)), tag: String(tag.prefix(length)))
        case .tag(let tag): self = .tag(String(tag.prefix(length)))
        case .device(let device): self = .device(String(device.prefix(length)))
        }
    }
}
