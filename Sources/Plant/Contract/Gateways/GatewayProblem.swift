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
        guard let kind = json["kind"]?.stringValue, !kind.isEmpty, let since = json["since"]?.intValue else {
            return nil
        }
        self.init(
            kind: kind, since: since, until: json["until"]?.intValue, text: json["text"]?.stringValue ?? "",
            cause: json["cause"]?.stringValue ?? "")
    }

    public var json: JSONValue {
        var members: OrderedDictionary<String, JSONValue> = ["kind": .string(kind), "since": .integer(since)]
        members["until"] = until.map(JSONValue.integer)
        members["text"] = .string(text)
        members["cause"] = .string(cause)
        return .object(members)
    }
}
