package import Primitives

/// Where a plant's tree is, how to come in, and how long it waits for a gateway.
package struct TreeSettings: Sendable, Equatable {
    package var place: TreePlace
    package var access: TreeAccess
    /// How long the tree waits for a gateway that has gone silent before it gives its work to another.
    package var sessionTimeout: Duration
    /// The path in the ensemble under which the plant's tree lies: `/linekeeper/<plant>` unless overridden.
    package var chroot: String

    /// `host:port,…/chroot`: what a ZooKeeper client is given to find this plant's tree.
    package var connectString: String { place.servers + chroot }
}

/// Where the tree is kept.
package enum TreePlace: Sendable, Equatable {
    /// In this process.
    case embedded(EmbeddedTreeSettings)
    /// In an Apache ZooKeeper ensemble, or in another process that serves a tree: `host:port,host:port`.
    case ensemble(String)

    /// How a client on this machine reaches it: `host:port,host:port`.
    package var servers: String {
        switch self {
        case .embedded(let embedded): embedded.connectAddress
        case .ensemble(let servers): servers
        }
    }
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
