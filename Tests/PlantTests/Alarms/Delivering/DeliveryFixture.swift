import JSON

@testable import Plant

extension Channel {
    /// Channels that nothing but these tests has.
    static let pager = Channel(rawValue: "pager")
    static let siren = Channel(rawValue: "siren")
}

/// The journal as the tree keeps it: the nodes of entries with their versions, and what they have been before.
struct JournalNodes {
    struct Node {
        var data: [UInt8]
        var version: Int32
    }

    private(set) var nodes: [Int64: [Node]] = [:]

    subscript(sequence: Int64) -> Node? { nodes[sequence]?.last }

    mutating func create(_ sequence: Int64, _ data: [UInt8]) { nodes[sequence] = [Node(data: data, version: 0)] }

    /// False when the node has another version; nil stands for any.
    mutating func set(_ sequence: Int64, _ data: [UInt8], version: Int32?) -> Bool {
        guard let node = self[sequence], version ?? node.version == node.version else { return false }
        nodes[sequence]?.append(Node(data: data, version: node.version + 1))
        return true
    }

    mutating func remove(_ sequence: Int64) { nodes[sequence] = nil }

    func entry(_ sequence: Int64) throws -> JournalEntry? {
        try self[sequence].map { try JournalEntry(parsing: $0.data) }
    }
}

enum DeliveryFixture {
    static func transition(_ revision: Int64) throws -> ProposedTransition {
        ProposedTransition(
            transition: .activated, record: try AnnouncementFixture.record("press1", revision), at: revision)
    }

    static func entry(_ revision: Int64, owedBy channels: [Channel]) throws -> JournalEntry {
        JournalEntry(try transition(revision), gateway: "g", owedBy: channels)
    }
}
