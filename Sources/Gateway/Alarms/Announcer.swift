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
        do {
            // The messages of one alarm leave in order; different alarms do not wait for each other.
            let byAlarm = Dictionary(grouping: owed, by: \.transition.path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for entries in byAlarm.values {
                    group.addTask {
                        for item in entries { try await announce(item.transition, lease: lease) }
                    }
                }
                try await group.waitForAll()
            }
            _ = try await lease.guarded(
                owed.map { item in
                    var entry = item.entry
                    entry.announced = true
                    return .setData(path: item.path, data: entry.serialized(), version: -1)
                })
            journal.announced(owed.map(\.path))
            counters.announced.add(owed.count)
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

    private func announce(_ transition: ProposedTransition, lease: Lease) async throws {
        let record = transition.record.json
        _ = try await publisher.publish(
            topic: topics.record(of: transition.path), payload: record.serialized(), qos: .atLeastOnce, retain: true,
            notAfter: lease.deadline)
        guard case .object(var event) = record else { return }
        event["transition"] = .string(transition.transition.rawValue)
        event["at"] = .integer(transition.at)
        _ = try await publisher.publish(
            topic: topics.events, payload: JSONValue.object(event).serialized(), qos: .atLeastOnce, retain: false,
            notAfter: lease.deadline)
    }
}
