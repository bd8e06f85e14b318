package import Plant

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
    /// What the gateway listens to only to count what no route takes, as configured: one may cover another.
    package var observe: [TopicFilter] = []

    package init(broker: BrokerAddress) { self.broker = broker }

    /// All brokers, the preferred one first.
    package var brokers: [BrokerAddress] { [broker] + alternatives }
    /// All brokers, for people.
    package var brokersInWords: String { brokers.map(\.description).joined(separator: ", ") }
}
