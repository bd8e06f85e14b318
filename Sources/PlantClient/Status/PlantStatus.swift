package import JSON
package import Plant

/// What the tree says about a plant and its gateways.
package struct PlantStatus: Sendable {
    package struct GatewayStatus: Sendable {
        package var name: String
        /// The registration, with what the gateway last reported of itself.
        package var data: JSONValue
        package var shards: Int
        package var isProcessor: Bool
        /// nil: a node that no living gateway keeps.
        package var member: GatewayMember?
        /// Why it owns nothing though it is a member; nil when it may serve.
        package var standsBy: String?
        /// What it last reported of itself in this life, and when that was written by the tree's clock.
        package var report: (record: GatewayStatusRecord, writtenAt: Milliseconds)?
    }

    package var gateways: [GatewayStatus] = []
    /// The gateway that processes alarms; nil when none does.
    package var processor: String?
    package var processorEpoch: Int64?
    package var standbys = 0
    package var ownedShards = 0
    /// Who owns what, and why.
    package var ownership = OwnershipReport(members: [], queues: [], processorQueue: [])
    package var workload = Workload()
    package var tags = 0
    package var devices: [DeviceState: Int] = [:]
    /// How many of the devices flap.
    package var flappingDevices = 0
    package var alarms: [AlarmState: Int] = [:]
    package var journalEntries = 0
    /// How long the tree took to answer.
    package var roundTrip: Duration = .zero
}
