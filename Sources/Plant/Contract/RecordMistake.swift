/// Why something is not the record that it should be: the data of a node, the payload of a message, a part of another record.
public struct RecordMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// The member concerned; nil when it is the document as a whole.
    public let member: String?
    public let text: String

    public init(_ member: String?, _ text: String) {
        self.member = member
        self.text = text
    }

    public var description: String { member.map { "\($0): \(text)" } ?? text }
}
