import CampaignOracle
import Foundation

/// An alarm record as the campaign reads it from tree and topics: its members by name, nothing else of the product.
enum AlarmMessage {
    private struct Record: Decodable {
        let alarm: String
        let tag: String
        let condition: String
        let eventId: String
        let occurrence: Int64
        let revision: Int64
        let changedAt: Int64
        let sampledAt: Int64
        let transition: String?

        func seen(_ transition: String?, sequence: Int64) -> SeenTransition {
            SeenTransition(
                sequence: sequence, alarm: tag + "/" + alarm, transition: transition ?? self.transition ?? "",
                condition: condition, eventID: eventId, occurrence: occurrence, revision: revision, at: changedAt,
                sampledAt: sampledAt)
        }
    }

    private struct Entry: Decodable {
        let kind: String
        let transition: String?
        let record: Record
    }

    private struct Kind: Decodable {
        let kind: String
    }

    /// A record, or an event: a record with its transition.
    static func read(_ payload: [UInt8]) -> SeenTransition? {
        (try? JSONDecoder().decode(Record.self, from: Data(payload)))?.seen(nil, sequence: -1)
    }

    /// An alarm's entry in the journal; nil for entries of other kinds.
    static func readEntry(_ data: [UInt8], sequence: Int64) throws -> SeenTransition? {
        guard try JSONDecoder().decode(Kind.self, from: Data(data)).kind == "alarm" else { return nil }
        let entry = try JSONDecoder().decode(Entry.self, from: Data(data))
        return entry.record.seen(entry.transition, sequence: sequence)
    }
}
