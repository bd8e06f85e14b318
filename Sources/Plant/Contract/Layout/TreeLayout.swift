/// Where things lie in the tree, relative to the plant's chroot (docs/tree-and-topics.md).
///
/// Other programs see these names: they are a contract, not an implementation detail.
package enum TreeLayout {
    /// Registrations: ephemeral, one per live gateway. What decides ownership, and nothing else.
    package static let gateways = "/gateways"
    /// What each live gateway counts, ephemeral, written every few seconds. Not below `/gateways`, where every node is taken
    /// for a member by gateways of older versions.
    package static let statuses = "/status"
    /// Parent of the 64 shard locks.
    package static let shards = "/shards"
    /// Parent of the candidates for the active alarm processor.
    package static let alarmProcessor = "/alarm-processor"
    /// Latest value of every tag.
    package static let tags = "/tags"
    package static let devices = "/devices"
    package static let alarms = "/alarms"
    /// What people and programs ask of the gateways: a mailbox for each principal, in it one create-once node per request,
    /// answered in place.
    package static let requests = "/requests"
    /// The mailbox, below ``requests``, of what is asked over MQTT.
    package static let mqttMailbox = "@mqtt"
    /// What earlier versions ask of the active alarm processor; to go with the next release.
    package static let alarmRequests = "/alarm-requests"
    package static let commands = "/commands"
    package static let journal = "/journal"
    package static let configuration = "/config"
    /// The last timestamp of each host of Sparkplug B.
    package static let sparkplug = "/sparkplug"

    /// Prefix of a journal entry's node; the server appends ten digits.
    package static let journalEntryPrefix = journal + "/entry-"

    /// Everything that must exist before services start.
    package static let roots = [
        gateways, statuses, shards, alarmProcessor, tags, devices, alarms, requests, requests + "/" + mqttMailbox,
        alarmRequests, commands, journal, configuration, sparkplug,
    ]

    /// Number of shards; fixed, because a device's shard must not depend on configuration.
    package static let shardCount = 64

    /// Parent of all plants that a tree holds, from the server's root.
    package static let plants = "/linekeeper"

    /// The chroot of a plant.
    package static func chroot(plant: String) -> String { plants + "/" + plant }

    /// Parent of one shard's lock nodes: `/shards/00` … `/shards/63`.
    package static func shard(_ number: Int) -> String {
        shards + (number < 10 ? "/0" : "/") + String(number)
    }

    package static func gateway(_ id: String) -> String { gateways + "/" + id }

    package static func sparkplugHost(_ host: SparkplugHostDefinition) -> String { sparkplug + "/" + host.znodeName }

    package static func status(_ id: String) -> String { statuses + "/" + id }

    /// Node that stands while a device is online: `/devices/<device path>/@online`.
    package static func online(device znodePath: String) -> String { devices + "/" + znodePath + "/@online" }

    /// Sequence number in a journal entry's name; nil when the name is not one of ours.
    package static func journalSequence(ofNode name: String) -> Int64? {
        guard let dash = name.lastIndex(of: "-"), name.hasPrefix("entry-") else { return nil }
        return Int64(name[name.index(after: dash)...])
    }
}
