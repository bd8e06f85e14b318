import JSON
import OrderedCollections

/// What somebody may ask of the active alarm processor.
package struct AlarmOperation: Sendable, Hashable {
    package enum Action: String, Sendable, CaseIterable {
        case acknowledge
        /// Remove it from the tree, with what belongs to it.
        case forget
    }

    /// What it is about. Only alarms can be acknowledged.
    package enum Subject: Sendable, Hashable {
        case alarm(String, tag: String)
        case tag(String)
        case device(String)
    }

    package var action: Action
    package var subject: Subject
    /// The occurrence that is meant; nil: whichever is current.
    package var eventID: String?
    /// Whether it is meant only if the configuration of the one who answers does not define it.
    package var onlyIfOrphaned: Bool
    package var comment: String?

    package init(
        _ action: Action, _ subject: Subject, eventID: String? = nil, onlyIfOrphaned: Bool = false,
        comment: String? = nil
    ) {
        self.action = action
        self.subject = subject
        self.eventID = eventID
        self.onlyIfOrphaned = onlyIfOrphaned
        self.comment = comment
    }

    /// Longest text of it, in bytes: it travels in every transaction and message of its alarm.
    package static let textLimit = 1024

    /// What makes it impossible for every gateway; nil when nothing does.
    package var mistake: String? {
        if action == .acknowledge {
            guard case .alarm = subject else { return "only an alarm can be acknowledged: tag and alarm" }
        }
        let texts = subject.texts + [comment ?? "", eventID ?? ""]
        guard texts.contains(where: { $0.utf8.count > Self.textLimit }) else { return nil }
        return "a text of the request has more than \(Self.textLimit) bytes"
    }
}

// MARK: Reading and writing

extension AlarmOperation {
    /// - Parameter members: `tag` and `alarm`, `tag`, or `device`; `eventId`, `orphaned`, `comment`.
    init(_ action: Action, reading members: OrderedDictionary<String, JSONValue>) throws(RecordMistake) {
        let members = try RecordReader<Member>(.object(members))
        let subject: Subject
        if let device = try members.text(.device) {
            subject = .device(device)
        } else {
            let tag = try members.requiredText(.tag)
            subject = try members.text(.alarm).map { .alarm($0, tag: tag) } ?? .tag(tag)
        }
        self.init(
            action, subject, eventID: try members.text(.eventId), onlyIfOrphaned: try members.bool(.orphaned) ?? false,
            comment: try members.text(.comment))
    }

    var members: OrderedDictionary<String, JSONValue> {
        var members: OrderedDictionary<String, JSONValue> = [:]
        func put(_ member: Member, _ value: JSONValue?) {
            if let value { members[member.rawValue] = value }
        }
        switch subject {
        case .alarm(let alarm, let tag):
            put(.tag, .string(tag))
            put(.alarm, .string(alarm))
        case .tag(let tag): put(.tag, .string(tag))
        case .device(let device): put(.device, .string(device))
        }
        put(.eventId, eventID.map(JSONValue.string))
        put(.orphaned, onlyIfOrphaned ? true : nil)
        put(.comment, comment.map(JSONValue.string))
        return members
    }

    enum Member: String, CaseIterable { case tag, alarm, device, eventId, orphaned, comment }
}

extension AlarmOperation.Subject {
    fileprivate var texts: [String] {
        switch self {
        case .alarm(let alarm, let tag): [alarm, tag]
        case .tag(let path), .device(let path): [path]
        }
    }
}
