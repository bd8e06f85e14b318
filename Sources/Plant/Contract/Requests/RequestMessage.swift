import JSON
import OrderedCollections

/// A message that asks for something, as it came.
///
/// On `linekeeper/<plant>/requests/<principal>` it is a request without what the topic says:
/// `{"id","kind","at","deadline","body":{…}}`. On `linekeeper/<plant>/commands/request`, the topic of earlier versions, it
/// is a command: `{"id","device","command","parameters":{…},"by","timeout","deadline","requestedAt"}`; its requester's name
/// is its own word. Without `at` the time of reception counts.
package struct RequestMessage: Sendable {
    package var payload: [UInt8]
    /// Whose topic it came on; nil on the topic of earlier versions.
    package var topicOf: String?
    /// Where the answer is wanted, and what is to be sent back with it (MQTT 5).
    package var reply: Request.Reply?
    package var receivedAt: Milliseconds

    package init(payload: [UInt8], topicOf: String? = nil, reply: Request.Reply? = nil, receivedAt: Milliseconds) {
        self.payload = payload
        self.topicOf = topicOf
        self.reply = reply
        self.receivedAt = receivedAt
    }

    /// What cannot become a request, with as much of its names as could be read.
    package struct Refusal: Error {
        package var id: String?
        package var device: TagPath?
        package var detail: String
    }

    /// Who asks, as far as that can be read.
    package var requester: String? {
        if let topicOf { return topicOf }
        guard payload.count <= Request.sizeLimit, let json = try? JSONValue(parsing: payload) else { return nil }
        return json["by"]?.stringValue.map { String($0.prefix(Principal.nameLengthLimit)) }
    }

    package func request() throws(Refusal) -> Request {
        var request: Request
        if let topicOf { request = try named(by: topicOf) } else { request = try command() }
        request.reply = reply
        // The node's data says more than the message did.
        guard request.serialized().count <= Request.sizeLimit else {
            throw Refusal(id: request.id, detail: "the request is larger than \(Request.sizeLimit) bytes")
        }
        return request
    }

    private func named(by principal: String) throws(Refusal) -> Request {
        if let mistake = Principal.mistake(inName: principal) { throw Refusal(detail: mistake) }
        do throws(RecordMistake) {
            return try Request(
                message: payload, from: Principal(principal, established: .topic), receivedAt: receivedAt)
        } catch {
            throw Refusal(id: readableID, detail: "\(error)")
        }
    }

    private var readableID: String? {
        guard payload.count <= Request.sizeLimit, let json = try? JSONValue(payload: payload),
            let id = json["id"]?.stringValue, Request.mistake(inID: id) == nil
        else { return nil }
        return id
    }

    private func command() throws(Refusal) -> Request {
        guard payload.count <= Request.sizeLimit else {
            throw Refusal(detail: "the request is larger than \(Request.sizeLimit) bytes")
        }
        let json: JSONValue
        do { json = try JSONValue(payload: payload) } catch {
            throw Refusal(detail: "the request is not JSON: \(error)")
        }
        guard case .object(let members) = json else { throw Refusal(detail: "the request is not a JSON object") }
        guard let id = members["id"]?.stringValue else {
            throw Refusal(detail: "id: is missing; it is what makes asking twice harmless")
        }
        if let mistake = Request.mistake(inID: id) { throw Refusal(detail: "id: \(mistake)") }
        let device = members["device"]?.stringValue.flatMap { try? CommandRecord.device($0) }
        do throws(RecordMistake) {
            let known = try RecordReader<Member>(json)
            var order = try CommandOrder(reading: members)
            order.id = nil
            guard let by = try known.text(.by), !by.isEmpty else {
                throw known.mistake(.by, "is missing; the journal says who asked for what")
            }
            if let mistake = Principal.mistake(inName: by) { throw known.mistake(.by, mistake) }
            return Request(
                id: id, by: by, at: try known.time(.requestedAt) ?? receivedAt, deadline: try known.time(.deadline),
                .command(order), onBehalfOf: Principal(claimed: by))
        } catch {
            throw Refusal(id: id, device: device, detail: "\(error)")
        }
    }

    private enum Member: String, CaseIterable { case by, deadline, requestedAt }
}
