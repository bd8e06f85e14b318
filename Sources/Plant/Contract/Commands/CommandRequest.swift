import JSON
import OrderedCollections

/// A message on `linekeeper/<plant>/commands/request`:
/// `{"id","device","command","parameters":{…},"by","timeout":ms,"deadline":ms,"requestedAt":ms}`.
///
/// `id`, `device`, `command` and `by` are needed. The id makes the request idempotent: every gateway hears it and tries to create
/// the command's node, one succeeds. Without `requestedAt` the time of reception counts.
package struct CommandRequest: Sendable {
    /// Longest request, in bytes.
    package static let sizeLimit = 64 * 1024

    package var payload: [UInt8]
    /// Where the requester wants to have its answer, and what is to be sent back with it (MQTT 5).
    package var responseTopic: String?
    package var correlationData: [UInt8]?
    package var receivedAt: Milliseconds

    package init(
        payload: [UInt8], responseTopic: String? = nil, correlationData: [UInt8]? = nil, receivedAt: Milliseconds
    ) {
        self.payload = payload
        self.responseTopic = responseTopic
        self.correlationData = correlationData
        self.receivedAt = receivedAt
    }

    /// What cannot become a command, with as much of its names as could be read.
    package struct Refusal: Error {
        package var id: String?
        package var device: TagPath?
        package var detail: String
    }

    /// Who asks, as far as that can be read.
    package var requester: String? {
        guard payload.count <= Self.sizeLimit, let json = try? JSONValue(parsing: payload) else { return nil }
        return json["by"]?.stringValue.map { String($0.prefix(CommandRecord.nameLengthLimit)) }
    }

    package func record() throws(Refusal) -> CommandRecord {
        guard payload.count <= Self.sizeLimit else {
            throw Refusal(detail: "the request is larger than \(Self.sizeLimit) bytes")
        }
        let json: JSONValue
        do { json = try JSONValue(payload: payload) } catch {
            throw Refusal(detail: "the request is not JSON: \(error)")
        }
        guard case .object(let members) = json else { throw Refusal(detail: "the request is not a JSON object") }
        guard let id = members["id"]?.stringValue else {
            throw Refusal(detail: "id: is missing; it is what makes asking twice harmless")
        }
        if let mistake = CommandRecord.mistake(inID: id) { throw Refusal(detail: "id: \(mistake)") }
        let device = members["device"]?.stringValue.flatMap { try? CommandRecord.device($0) }
        // Only what a requester has to say: states and epochs are the owner's.
        var asked = OrderedDictionary<String, JSONValue>()
        for name in ["device", "command", "parameters", "by", "timeout", "deadline", "requestedAt"] {
            asked[name] = members[name]
        }
        do {
            var record = try CommandRecord(json: .object(asked), id: id)
            if record.requestedAt == 0 { record.requestedAt = receivedAt }
            if record.by.isEmpty { throw RecordMistake("by", "is missing; the journal says who asked for what") }
            return record
        } catch {
            throw Refusal(id: id, device: device, detail: "\(error)")
        }
    }
}
