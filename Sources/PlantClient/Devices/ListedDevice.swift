package import JSON
import OrderedCollections
package import Plant
import ZooKeeperClient

/// A device and whether it is there.
package struct ListedDevice: Listed {
    package let record: DeviceRecord
    /// The record with the members that this version does not know.
    package let json: JSONValue
    package let isOrphaned: Bool

    package var key: String { record.device }
    package var subject: AlarmOperation.Subject { .device(record.device) }
}

extension Selection<ListedDevice> {
    /// Devices that the filter matches and of which the conditions hold.
    ///
    /// - Parameter definitions: What tells which of them are orphaned.
    package static func devices(
        _ filter: TopicFilter, _ conditions: DeviceConditions = DeviceConditions(), definitions: Definitions = .none
    ) -> Selection {
        Selection(root: TreeLayout.devices) { path in
            TreeLayout.device(ofNode: path).map(filter.matches) ?? false
        } item: { _, node in
            guard let data = node.data, let record = DeviceRecord(data: data),
                var members = try? JSONValue(parsing: data).objectValue
            else { return nil }
            let isOrphaned = (try? TagPath(record.device)).map(definitions.isOrphaned(device:)) ?? false
            if isOrphaned { members[OrphanMember.name] = true }
            return ListedDevice(record: record, json: .object(members), isOrphaned: isOrphaned)
        } isWanted: {
            conditions.holds(for: $0)
        }
    }
}
