import JSON
import Logging
import MQTT
import OrderedCollections
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// A message on `linekeeper/<plant>/commands/request`:
/// `{"id","device","command","parameters":{…},"by","timeout":ms,"deadline":ms,"requestedAt":ms}`.
///
/// `id`, `device`, `command` and `by` are needed. The id makes the request idempotent: every gateway hears it and tries to create
/// the command's node, one succeeds. Without `requestedAt` the time of reception counts.
struct CommandRequest: Sendable {
    /// Longest request, in bytes.
    static let sizeLimit = 64 * 1024

    var payload: [UInt8]
    var properties: MQTTProperties?
    var receivedAt: Milliseconds

    /// What cannot become a command, with as much of its names as could be read.
    struct Refusal: Error {
        var id: String?
        var device: TagPath?
        var detail: String
    }

    /// Who asks, as far as that can be read.
    var requester: String? {
        guard payload.count <= Self.sizeLimit, let json = try? JSONValue(parsing: payload) else { return nil }
        return json["by"]?.stringValue.map { String($0.prefix(CommandRecord.nameLengthLimit)) }
    }

    func record() throws(Refusal) -> CommandRecord {
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

extension CommandService {
    /// How long a request is tried to be written into a tree that cannot be reached.
    static let requestPatience = Duration.seconds(3)

    func takeRequests() async {
        await withDiscardingTaskGroup { group in
            for await _ in requestTurns.turns {
                while let request = state.withLock({ $0.requests.next() }) {
                    group.addTask {
                        await self.take(request)
                        self.state.withLock { $0.requests.finished() }
                        self.requestTurns.wake()
                    }
                }
            }
        }
    }

    private func take(_ request: CommandRequest) async {
        let record: CommandRecord
        do throws(CommandRequest.Refusal) { record = try request.record() } catch {
            return refuse(request, id: error.id, device: error.device, detail: error.detail)
        }
        let end = clock.now() + Self.requestPatience
        while true {
            do {
                switch try await CommandClient(client: client, clock: clock).submit(record) {
                case .created: return
                case .known(let existing):
                    // Asked before, here or through another gateway. Whoever owns it tells how it stands.
                    if let lease = validLease(of: existing.device), existing.state.isFinal || existing.epoch != nil {
                        announcer.announce(existing, lease: lease)
                    }
                    return
                }
            } catch let error as CommandClient.Failure {
                return refuse(request, id: record.id, device: record.device, detail: "\(error)")
            } catch {
                guard !(error is CancellationError), !Task.isCancelled else { return }
                guard clock.now() < end else { return unreachable(request, record) }
                try? await clock.sleep(Self.retryPause)
            }
        }
    }

    private func validLease(of device: TagPath) -> Lease? {
        let shard = ShardMap.shard(of: device)
        guard let lease = state.withLock({ $0.leases[shard] }), lease.isValid(at: clock.now()) else { return nil }
        return lease
    }

    /// All gateways hear a request that cannot be; the owner of its device answers, of shard 0 when it names none.
    private func refuse(_ request: CommandRequest, id: String?, device: TagPath?, detail: String) {
        let shard = device.map(ShardMap.shard(of:)) ?? 0
        let isOurs = state.withLock { state in
            guard let lease = state.leases[shard], lease.isValid(at: clock.now()) else { return false }
            state.counters.requestsRefused &+= 1
            return true
        }
        guard isOurs else { return }
        var answer: OrderedDictionary<String, JSONValue> = [:]
        answer["id"] = id.map(JSONValue.string)
        answer["state"] = .string(CommandState.rejected.rawValue)
        answer["reason"] = .string(CommandReason.invalid.rawValue)
        answer["detail"] = .string(detail)
        answer["at"] = .integer(clock.wall())
        noteRefusal(by: request.requester, reason: CommandReason.invalid.rawValue, detail: detail)
        outsiders.info("command request refused", ["command": id ?? "", "detail": detail])
        reply(.object(answer), to: request, id: id)
    }

    /// Not `REJECTED`, which would say that it will not be executed: another gateway may have taken it.
    private func unreachable(_ request: CommandRequest, _ record: CommandRecord) {
        let gateway = configuration.gateway
        let detail =
            "gateway \(gateway) cannot reach the tree; unless another one has taken it, the command is not accepted. "
        reply(
            [
                "id": .string(record.id), "error": "tree-unreachable",
                "detail": .string(detail + "Asking again under the same id is safe."), "gateway": .string(gateway),
                "at": .integer(clock.wall()),
            ], to: request, id: record.id)
    }

    private func reply(_ answer: JSONValue, to request: CommandRequest, id: String?) {
        if let topic = request.properties?.responseTopic {
            if topics.isOurs(topic) || configuration.replies.allows(topic) {
                return announcer.answer(answer, on: topic, correlation: request.properties?.correlationData)
            }
            state.withLock { $0.counters.repliesRefused &+= 1 }
            outsiders.warning(
                "an answer was wanted on a topic where none may go: only below linekeeper/<plant>/commands/ and mqtt.replyPrefix, and nowhere that a route, command or answer matches",
                ["topic": topic, "command": id ?? ""])
        }
        if let id {
            announcer.answer(answer, on: topics.state(of: id), correlation: request.properties?.correlationData)
        }
    }
}
