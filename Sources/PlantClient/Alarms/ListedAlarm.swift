package import JSON
import OrderedCollections
package import Plant
import ZooKeeperClient

/// One alarm as it stands.
package struct ListedAlarm: Listed {
    package let record: AlarmRecord
    package let isOrphaned: Bool

    package var key: String { record.path.description }

    package var json: JSONValue {
        guard isOrphaned, case .object(var members) = record.json else { return record.json }
        members[OrphanMember.name] = true
        return .object(members)
    }

    package var subject: AlarmOperation.Subject { .alarm(record.path.alarm, tag: record.path.tag.text) }
}

extension Selection<ListedAlarm> {
    /// Alarms of the tags that the filter matches.
    ///
    /// - Parameters:
    ///   - normal: whether alarms in the state `NORM` are among them.
    ///   - definitions: what tells which of them are orphaned.
    package static func alarms(
        _ filter: TopicFilter, normal: Bool, definitions: Definitions = .none
    ) -> Selection {
        Selection(root: TreeLayout.alarms, isCandidate: TreeLayout.isAlarm(node:)) { _, node in
            guard let record = try? AlarmRecord(parsing: node.data ?? []), filter.matches(record.path.tag),
                normal || record.state != .normal
            else { return nil }
            return ListedAlarm(record: record, isOrphaned: definitions.isOrphaned(alarm: record.path))
        }
    }
}
