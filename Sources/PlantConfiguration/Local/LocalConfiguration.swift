/// What one gateway needs for itself: to find broker and tree, to be somebody there, and not to burden its machine.
///
/// Every path in it is relative to the working directory or absolute. Secrets are not in it, only their files.
///
/// The name and the time zone of the plant are here although all its gateways share them: the name leads to the tree, so it
/// must be known before anything can be read there, and the time zone is the machine's own unless the file names another.
/// `flushSpacing` and the limits are about this machine's disk and memory.
public struct LocalConfiguration: Sendable {
    /// The document that it was read from, as the user named it.
    package var file: String
    /// Name of the plant: the last part of the chroot, the second level of Linekeeper's own topics.
    package var plant: String
    /// Where the plant's people live: for shifts, schedules and times that are shown to them.
    package var timeZone: TimeZoneName
    /// Name of this gateway, unique among the gateways of a plant.
    package var gateway: String
    /// How many times as many shards this gateway takes as one of weight 1; one of `ShardMap.weights`.
    package var weight: Int
    package var mqtt: MQTTSettings
    package var tree: TreeSettings
    /// The tag mirror begins a write at least so long after the one before.
    package var flushSpacing: Duration
    package var limits: GatewayLimits
    /// Where this gateway keeps what must outlive its process and is nobody else's; nil: nowhere.
    package var stateFolder: String?
}
