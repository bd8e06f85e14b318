package import Plant

/// Everything that a gateway is configured with: `linekeeper.yaml` and the files that it includes, read and checked.
///
/// Get one with ``load(file:environment:)``. Every path in it is already relative to the working directory or absolute.
public struct GatewayConfiguration: Sendable {
    /// The file that it was read from, as the user named it.
    package var file: String
    /// Name of the plant: the last part of the chroot, the second level of Linekeeper's own topics.
    package var plant: String
    /// Where the plant's people live: for shifts, schedules and times that are shown to them.
    package var timeZone: TimeZoneName
    /// Name of this gateway, unique among the gateways of a plant.
    package var gateway: String
    package var mqtt: MQTTSettings
    package var tree: TreePlace
    package var treeAccess: TreeAccess
    /// How long the tree waits for a gateway that has gone silent before it gives its work to another.
    package var sessionTimeout: Duration
    /// The path in the ensemble under which the plant's tree lies: `/linekeeper/<plant>` unless overridden.
    package var chroot: String
    /// The tag mirror begins a write at least so long after the one before.
    package var flushSpacing: Duration
    package var limits: GatewayLimits
    package var routes: [RouteDefinition]
    /// What people need to know of tags, by filter.
    package var tags: TagRules
    package var alarms: [AlarmDefinition]
    package var commands: [CommandDefinition]
    /// What looked doubtful, and mistakes that earlier versions took; the gateway runs with it all the same.
    package var warnings: [ConfigurationProblem]

    /// What routes, alarms and commands mean, in sixteen digits: for gateways of one version to be held against each other.
    package var digest: String {
        let meaning = "\(RoutesDigest.of(routes)) \(alarms) \(commands)"
        let digits = String(StableHash.mixed(StableHash.fnv1a(meaning.utf8)), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// `host:port,…/chroot`: what a ZooKeeper client is given to find this plant's tree.
    package var treeConnectString: String {
        switch tree {
        case .embedded(let embedded): embedded.connectAddress + chroot
        case .ensemble(let servers): servers + chroot
        }
    }
}

/// Where the tree is kept.
package enum TreePlace: Sendable, Equatable {
    /// In this process.
    case embedded(EmbeddedTreeSettings)
    /// In an Apache ZooKeeper ensemble, or in another process that serves a tree: `host:port,host:port`.
    case ensemble(String)
}

/// The tree server that runs inside the gateway.
package struct EmbeddedTreeSettings: Sendable, Equatable {
    /// Folder of the durable log.
    package var data: String
    package var listen: [HostAndPort]
    /// The server's unit of time. A session's timeout lies between 2 and 20 ticks.
    package var tick: Duration

    /// How a client on this machine reaches it.
    package var connectAddress: String {
        let first = listen.first ?? HostAndPort(host: "127.0.0.1", port: 2181)
        return HostAndPort(host: first.isWildcard ? (first.isIPv6 ? "::1" : "127.0.0.1") : first.host, port: first.port)
            .description
    }
}

/// How the gateway reaches the broker.
package struct MQTTSettings: Sendable, Equatable {
    package enum ProtocolVersion: String, Sendable { case v311 = "3.1.1", v5 = "5" }

    /// The broker that is preferred.
    package var broker: BrokerAddress
    /// Brokers that act as one with it, in the order in which they are tried.
    package var alternatives: [BrokerAddress] = []
    package var protocolVersion: ProtocolVersion = .v5
    package var username: String?
    /// File whose first line is the password; read when the connection is made, never kept in the configuration.
    package var passwordFile: String?
    /// PEM file of the certificate authorities to trust.
    package var ca: String?
    package var certificate: String?
    package var key: String?
    package var keepAlive: Duration = .seconds(10)
    /// A broker that keeps the connection and brings no echo back for so long has hung: both connections leave it.
    package var echoTimeout: Duration = .seconds(10)
    /// nil: made of plant and gateway.
    package var clientID: String?
    /// Requesters of commands may have their answers below it, too; ends with a slash. nil: only below the gateways' own topics.
    package var replyPrefix: String?

    package init(broker: BrokerAddress) { self.broker = broker }

    /// All brokers, the preferred one first.
    package var brokers: [BrokerAddress] { [broker] + alternatives }
    /// All brokers, for people.
    package var brokersInWords: String { brokers.map(\.description).joined(separator: ", ") }
}

/// `mqtt://host:port` or `mqtts://host:port`.
package struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    package var isSecure: Bool
    package var endpoint: HostAndPort

    package init(isSecure: Bool, endpoint: HostAndPort) {
        self.isSecure = isSecure
        self.endpoint = endpoint
    }

    package var description: String { (isSecure ? "mqtts://" : "mqtt://") + endpoint.description }
}

/// Bounds on what outsiders can make a gateway keep. What happens at each bound is stated beside it.
package struct GatewayLimits: Sendable, Equatable {
    /// Topics with a binding. Messages on further topics are counted and dropped.
    package var maxTopics = 200_000
    /// Tags. Samples of further tags are counted and dropped.
    package var maxTags = 200_000
    /// A larger MQTT payload is counted and dropped.
    package var maxPayload = 1 << 20
    /// Messages that wait between the MQTT thread and the routes. When it is full, reading from the broker pauses.
    package var inboxMessages = 100_000
    /// The same in bytes.
    package var inboxBytes = 64 << 20
    /// Publishes that wait for the broker's acknowledgement.
    package var maxInFlightPublishes = 500
    /// Command requests over MQTT that one requester may make in a minute. Further ones are counted and dropped.
    package var requestsPerMinute = 1_200
    /// Finished commands and journal entries beyond this number are removed, oldest first.
    package var historyEntries = 10_000
    /// Finished commands and journal entries older than this are removed.
    package var historyAge: Duration = .seconds(24 * 3600)

    package init() {}
}
