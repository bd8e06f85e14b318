public import JSON
import OrderedCollections

/// Something that does not work at a gateway and has not for a while, as its status shows it.
public struct GatewayProblem: Sendable, Hashable {
    /// What fails, in one word, for programs.
    public var kind: String
    /// Since when, by that gateway's wall clock.
    public var since: Milliseconds
    /// Until when; nil while it still does not work.
    public var until: Milliseconds?
    /// What fails, in a sentence, for people.
    public var text: String
    /// Why the latest attempt failed.
    public var cause: String

    public init(kind: String, since: Milliseconds, until: Milliseconds? = nil, text: String, cause: String) {
        self.kind = kind
        self.since = since
        self.until = until
        self.text = text
        self.cause = cause
    }

    /// nil for something else than a problem; a word that is missing is empty.
    public init?(json: JSONValue) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(json)
            let kind = try members.requiredText(.kind)
            guard !kind.isEmpty else { return nil }
            self.init(
                kind: kind, since: try members.requiredInteger(.since), until: members[.until]?.intValue,
                text: members[.text]?.stringValue ?? "", cause: members[.cause]?.stringValue ?? "")
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable { case kind, since, until, text, cause }

    public var json: JSONValue {
        var members: OrderedDictionary<String, JSONValue> = ["kind": .string(kind), "since": .integer(since)]
        members["until"] = until.map(JSONValue.integer)
        members["text"] = .string(text)
        members["cause"] = .string(cause)
        return .object(members)
    }
}
