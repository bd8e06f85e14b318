import JSON
import Logging
import MQTT
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Performing what the desk asks for.
extension CommandService {
    func perform(_ action: CommandAction) async {
        switch action {
        case .record(let write): await record(write)
        case .publish(let publication):
            let (outcome, handedOver) = await publish(publication)
            feed { state, now in
                state.desk.published(publication.ticket, outcome, handedOver: handedOver, at: now)
            }
        case .read(let id):
            state.withLock { _ = $0.changed.insert(id) }
            turns.wake()
        case .resync:
            state.withLock { $0.mustList = true }
            turns.wake()
        case .judge: return  // answered where it arises
        }
    }

    /// The shard's lease, if it is still the one that the action was decided under.
    private func lease(of shard: Int, epoch: Int64) -> Lease? {
        state.withLock { state in
            guard let lease = state.leases[shard], lease.token == epoch, lease.isValid(at: clock.now()) else {
                state.counters.fenced &+= 1
                return nil
            }
            return lease
        }
    }

    private func record(_ write: CommandWrite) async {
        guard let lease = lease(of: write.shard, epoch: write.epoch) else {
            return feed { state, now in state.desk.recordFailed(write.ticket, .unclear, at: now) }
        }
        let path = Self.path(of: write.ticket.id)
        do {
            let results = try await lease.guarded(
                [.setData(path: path, data: write.record.serialized(), version: write.expectedVersion)]
                    + write.journalEntries.map(\.appending))
            guard case .set(let stat)? = results.first else {
                return feed { state, now in state.desk.recordFailed(write.ticket, .unclear, at: now) }
            }
            refusedRecords.written(CollectionOfOne(write.ticket.id))
            if refusedRecords.isEmpty { recordFailures.succeeded() }
            announcer.announce(write.record, lease: lease)
            if write.isRefusal {
                mailboxes.noteRefusal(
                    by: write.record.by.name, reason: write.record.reason?.rawValue ?? "", detail: write.record.detail)
            }
            feed { state, now in
                state.counters.recorded &+= 1
                return state.desk.recorded(write.ticket, version: stat.version, at: now)
            }
        } catch {
            let failure: CommandWriteFailure
            switch error {
            case let error as ZooKeeperError where error.code == .badVersion: failure = .outdated
            case is LeaseLost:
                state.withLock { $0.counters.fenced &+= 1 }
                failure = .unclear
            case let error as ZooKeeperError where error.isRefusalOfNode && error.path == path:
                failure = .refused
                refusedRecords.refused(write.ticket.id, of: write.shard)
                recordFailures.failed("\(write.ticket.id), \(write.record.state.rawValue): \(error)")
            default:
                // Also NoNode: whether the command is gone, or the journal, the next reading tells.
                failure = .unclear
                recordFailures.failed("\(write.ticket.id), \(write.record.state.rawValue): \(error)")
            }
            feed { state, now in state.desk.recordFailed(write.ticket, failure, at: now) }
        }
    }

    /// Commands that are over without this gateway, or whose shards are somebody else's, are not refused here any more.
    func forgetRefusedRecords() {
        let ids = refusedRecords.all
        guard !ids.isEmpty else { return }
        let over = state.withLock { state in
            ids.filter { id in
                guard let record = state.desk.record(of: id) else { return true }
                let shard = ShardMap.shard(of: record.device)
                return state.leases[shard] == nil && state.gains[shard] == nil
            }
        }
        refusedRecords.written(over)
        if refusedRecords.isEmpty { recordFailures.withdrawn() }
    }

    /// Gives what became of it, and when it was handed to the connection if it had to wait for that.
    private func publish(
        _ publication: CommandPublication
    ) async -> (outcome: CommandPublishOutcome, handedOver: Milliseconds?) {
        var handedOver: Milliseconds?
        while true {
            if let outcome = await publishUnlessFull(publication) { return (outcome, handedOver) }
            // Nothing has left. Its turn comes within the deadline, or the next attempt says that it has not.
            do { try await clock.sleep(.milliseconds(2)) } catch {
                return (.notSent("this gateway is stopping"), nil)
            }
            handedOver = clock.look().wall
        }
    }

    /// nil when too many publications wait for the broker already.
    private func publishUnlessFull(_ publication: CommandPublication) async -> CommandPublishOutcome? {
        guard let lease = lease(of: publication.shard, epoch: publication.epoch), let stepDown = lease.deadline else {
            return .notSent("this gateway no longer owns the device")
        }
        let sight = clock.look()
        guard sight.doubt == nil else { return .notSent("clock uncertain: this gateway's clock has just been set") }
        let now = sight.wall
        let left = publication.deadline.subtractingClamped(now)
        guard left > 0 else { return .notSent("its deadline has passed") }
        let message = publication.message
        guard let payload = publication.payload(at: now, metric: metric) else {
            return .notSent("the birth that names its metric does not hold any more")
        }
        let properties = MQTTProperties(
            responseTopic: message.answerTopic, correlationData: publication.correlation,
            messageExpiry: .seconds(Int64(publication.expirySeconds(at: now))),
            contentType: message.form == .json ? "application/json" : nil,
            payloadIsText: message.form == .json || message.form == .text)
        do {
            let result = try await publisher.publish(
                topic: message.topic, payload: payload, qos: Self.qos(message.qos), retain: false,
                properties: properties, notAfter: min(stepDown, clock.now() + .milliseconds(left)))
            if result.reasonCode == .noMatchingSubscribers { return .noSubscribers }
            return result.reasonCode.isError ? .refused("\(result.reasonCode)") : .acknowledged
        } catch let error as MQTTError {
            switch error {
            case .refused(let code): return .refused("\(code)")
            case .tooManyPublishes: return nil
            case .notConnected, .deadlinePassed, .invalidTopic, .invalidFilter, .payloadTooLarge,
                .invalidProperty, .invalidConfiguration, .alreadyRunning:
                return .notSent("\(error)")
            case .connectionLost, .timedOut, .library: return .unclear("\(error)")
            }
        } catch {
            return .unclear("\(error)")
        }
    }

    private static func qos(_ qos: CommandQoS) -> MQTTQoS {
        switch qos {
        case .atMostOnce: .atMostOnce
        case .atLeastOnce: .atLeastOnce
        }
    }
}
