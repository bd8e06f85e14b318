package import JSON
import OrderedCollections
package import Plant
import ZooKeeperClient

/// A tag's latest value, and what the configuration says of the tag.
package struct ListedTag: Listed {
    package let tag: TagPath
    package let record: TagRecord
    package let traits: TagTraits
    package let isOrphaned: Bool

    package var key: String { tag.text }

    package var json: JSONValue {
        var members: OrderedDictionary<String, JSONValue> = ["tag": .string(tag.text)]
        let record = (try? JSONValue(parsing: record.serialized()))?.objectValue ?? [:]
        for (name, value) in record { members[name] = value }
        traits.write(into: &members)
        if isOrphaned { members[OrphanMember.name] = true }
        return .object(members)
    }

    package var subject: AlarmOperation.Subject { .tag(tag.text) }
}

extension Selection<ListedTag> {
    /// Tags that the filter matches.
    ///
    /// - Parameters:
    ///   - rules: where their traits come from.
    ///   - definitions: what tells which of them are orphaned.
    package static func tags(
        _ filter: TopicFilter, rules: TagRules = TagRules(), definitions: Definitions = .none
    ) -> Selection {
        Selection(root: TreeLayout.tags) { path in
            TreeLayout.tag(ofNode: path).map(filter.matches) ?? false
        } item: { path, node in
            guard let tag = TreeLayout.tag(ofNode: path), let record = TagRecord(parsing: node.data ?? []) else {
                return nil
            }
            return ListedTag(
                tag: tag, record: record, traits: rules.traits(of: tag), isOrphaned: definitions.isOrphaned(tag: tag))
        }
    }
}
