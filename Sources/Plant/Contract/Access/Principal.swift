import JSON
import OrderedCollections

/// A person, a program or a gateway that asks for something, and how its name was established: by the right to write
/// where it has written.
///
/// A name that nothing establishes is the requester's own word: it says whom
/// the journal is to name, and nothing may be permitted or refused because of it.
public struct Principal: Sendable, Hashable {
    /// How a name was established. Open: ways that a later version adds are kept.
    public struct Establishment: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The requester said so.
        public static let claimed = Establishment(rawValue: "claimed")
        /// The request was created in the mailbox of that name, `/requests/<principal>`.
        public static let mailbox = Establishment(rawValue: "mailbox")
        /// The request came on the topic of that name, `linekeeper/<plant>/requests/<principal>`.
        public static let topic = Establishment(rawValue: "topic")

        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        public var description: String { rawValue }

        /// Whether a text may stand for a way: it is copied into records and messages.
        static func isSound(_ text: String) -> Bool {
            (1...32).contains(text.utf8.count)
                && text.utf8.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "-")
                }
        }
    }

    public var name: String
    public var established: Establishment
    /// Whether the tree's access lists name that principal as the one who may ask there, and nobody who is unknown may.
    public var isVerified: Bool

    public init(_ name: String, established: Establishment, isVerified: Bool = false) {
        self.name = name
        self.established = established
        self.isVerified = isVerified
    }

    /// A name that its bearer has given itself.
    public init(claimed name: String) { self.init(name, established: .claimed) }

    /// Longest name, in bytes.
    public static let nameLengthLimit = 256

    /// Why a text cannot be the name of a principal; nil when it can.
    public static func mistake(inName name: String) -> String? {
        if name.isEmpty { return "nobody is named as the one who asks" }
        return name.utf8.count > nameLengthLimit ? "a name has at most \(nameLengthLimit) bytes" : nil
    }
}

extension Principal: CustomStringConvertible {
    /// The name, as it was given.
    public var description: String { name }
}

// MARK: In records

extension Principal {
    /// The principal that a record names. What stands beside the name counts only when it is about that name, and that act
    /// of it: an older gateway, which keeps what it does not know, may have written another one.
    ///
    /// - Parameter at: when it has acted, where a record may get another act in place of this one.
    init(_ name: String, proof: JSONValue?, at: Milliseconds? = nil) {
        self.init(claimed: name)
        guard let proof, proof["name"]?.stringValue == name, proof["at"]?.intValue == at,
            let way = proof["established"]?.stringValue, Establishment.isSound(way)
        else { return }
        established = Establishment(rawValue: way)
        isVerified = proof["verified"] == true
    }

    /// What stands beside the name in records: `{"name","established","verified"}`; nil for a name that is only claimed,
    /// so that such records look as they always did.
    var proof: JSONValue? { proof(at: nil) }

    func proof(at time: Milliseconds?) -> JSONValue? {
        guard established != .claimed else { return nil }
        var members: OrderedDictionary<String, JSONValue> = [
            "name": .string(name), "established": .string(established.rawValue), "verified": .bool(isVerified),
        ]
        members["at"] = time.map(JSONValue.integer)
        return .object(members)
    }
}
