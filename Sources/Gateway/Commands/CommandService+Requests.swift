import JSON
import OrderedCollections
import Plant
import PlantClient
import Synchronization
import ZooKeeperRecipes

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
                switch try await CommandClient(client: client).submit(record) {
                case .created: return
                case .known(let existing):
                    // Asked before, here or through another gateway. Its owner tells how it stands.
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
        if let topic = request.responseTopic {
            if topics.isOurs(topic) || configuration.replies.allows(topic) {
                return announcer.answer(answer, on: topic, correlation: request.correlationData)
            }
            state.withLock { $0.counters.repliesRefused &+= 1 }
            outsiders.warning(
                "an answer was wanted on a topic where none may go: only below linekeeper/<plant>/commands/ and mqtt.replyPrefix, and nowhere that a route, command or answer matches",
                ["topic": topic, "command": id ?? ""])
        }
        if let id {
            announcer.answer(answer, on: topics.state(of: id), correlation: request.correlationData)
        }
    }
}
