import Logging
import MQTT
import OrderedCollections
import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Publishes what the journal says has happened, while this gateway is the active alarm processor.
///
/// Only recorded transitions are announced, those of a dead predecessor as well. An entry is marked once the broker has
/// both messages; a gateway that dies in between leaves the entry unmarked and its successor publishes it again with
/// the same `eventId`, so that receivers can drop the repetition.
struct Announcer: Service {
    /// Entries announced and marked in one go.
    static let batch = 128

    let journal: Journal
    let publisher: MQTTClient
    let topics: AlarmTopics
    let turns: Wake
    let lease: @Sendable () -> Lease?
    let counters: GatewayCounters
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in turns.turns {
                while await announceSome() {}
            }
        }
    }

    /// One batch; false when there is nothing (more) to do for now.
    private func announceSome() async -> Bool {
        guard let lease = lease(), lease.isValid() else { return false }
        let owed = journal.unannounced(limit: Self.batch)
        guard !owed.isEmpty else { return false }
        // The messages of one alarm leave in order; different alarms neither wait for nor stop each other.
        let byAlarm = Dictionary(grouping: owed, by: \.transition.path)
        let (settled, failure) = await withTaskGroup(of: ([Journal.Unannounced], (any Error)?).self) { group in
            for entries in byAlarm.values {
                group.addTask { await announce(entries, lease: lease) }
            }
            return await group.reduce(into: ([Journal.Unannounced](), (any Error)?.none)) { result, part in
                result.0 += part.0
                result.1 = part.1 ?? result.1
            }
        }
        do {
            if !settled.isEmpty {
                _ = try await lease.guarded(
                    settled.map { item in
                        var entry = item.entry
                        entry.announced = true
                        return .setData(path: item.path, data: entry.serialized(), version: -1)
                    })
                journal.announced(settled.map(\.path))
                counters.announced.add(settled.count)
            }
            if let failure { throw failure }
            return true
        } catch {
            if !(error is CancellationError) {
                logger.debug("announcements wait", metadata: ["entries": "\(owed.count)", "error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(100))
                if !Task.isCancelled { turns.wake() }
            }
            return false
        }
    }

    /// One alarm's entries in order, up to the first that has to be tried again.
    private func announce(
        _ entries: [Journal.Unannounced], lease: Lease
    ) async -> (settled: [Journal.Unannounced], failure: (any Error)?) {
        var settled: [Journal.Unannounced] = []
        for item in entries {
            do {
                try await announce(item.transition, lease: lease)
            } catch let error as MQTTError where error.concernsTheMessage {
                // It would be refused again for ever, and all that follows would wait behind it.
                logger.error(
                    "an announcement was refused and is given up",
                    metadata: ["alarm": "\(item.transition.path)", "error": "\(error)"])
            } catch {
                return (settled, error)
            }
            settled.append(item)
        }
        return (settled, nil)
    }

    private func announce(_ transition: ProposedTransition, lease: Lease) async throws {
        // A lease that has been lost meanwhile has no deadline, and nothing may leave under it.
        guard let deadline = lease.deadline else { throw LeaseLost(path: lease.path, reason: .deadlinePassed) }
        let record = transition.record.json
        _ = try await publisher.publish(
            topic: topics.record(of: transition.path), payload: record.serialized(), qos: .atLeastOnce, retain: true,
            notAfter: deadline)
        guard case .object(var event) = record else { return }
        event["transition"] = .string(transition.transition.rawValue)
        event["at"] = .integer(transition.at)
        _ = try await publisher.publish(
            topic: topics.events, payload: JSONValue.object(event).serialized(), qos: .atLeastOnce, retain: false,
            notAfter: deadline)
    }
}

extension MQTTError {
    /// Whether the same message would fail again over any connection.
    fileprivate var concernsTheMessage: Bool {
        switch self {
        case .refused, .invalidTopic, .payloadTooLarge: true
        default: false
        }
    }
}
