import Logging
import OrderedCollections
package import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperProtocol

/// What a gateway says of itself in `/gateways/<gateway>`, and its counters, brought up to date every few seconds.
struct StatusReporter: Service {
    /// Between two updates of the node.
    static let interval = Duration.seconds(2)

    let client: ZooKeeperClient
    let identity: GatewayIdentity
    let counters: GatewayCounters
    /// Counters that live elsewhere (MQTT connections, router), by name.
    let additional: @Sendable () -> [(name: String, value: UInt64)]
    /// How the connection to the broker stands.
    let broker: @Sendable () -> String
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var last: [UInt8] = []
            while !Task.isCancelled {
                let data = identity.serialized(broker: broker(), counters: additional() + counters.all)
                if data != last {
                    do {
                        // Membership makes the node; until it has, there is nothing to update.
                        _ = try await client.setData(TreeLayout.gateway(identity.gateway), data: data)
                        last = data
                    } catch {
                        logger.trace("status", metadata: ["error": "\(error)"])
                    }
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}

/// Who this gateway is: `{"gateway","host","pid","version","started"}`.
package struct GatewayIdentity: Sendable {
    package var gateway: String
    package var host: String
    package var pid: Int64
    package var version: String
    /// When the process started, milliseconds since 1970.
    package var started: Milliseconds

    package init(gateway: String, host: String, pid: Int64, version: String, started: Milliseconds) {
        self.gateway = gateway
        self.host = host
        self.pid = pid
        self.version = version
        self.started = started
    }

    /// The node's data; with the state of the connection to the broker and counters when they are known.
    package func serialized(broker: String? = nil, counters: [(name: String, value: UInt64)] = []) -> [UInt8] {
        var members: [(String, JSONValue)] = [
            ("gateway", .string(gateway)), ("host", .string(host)), ("pid", .integer(pid)),
            ("version", .string(version)), ("started", .integer(started)),
        ]
        if let broker { members.append(("broker", .string(broker))) }
        if !counters.isEmpty {
            let numbers = counters.map { ($0.name, JSONValue.integer(Int64(clamping: $0.value))) }
            members.append(("counters", .object(.init(numbers, uniquingKeysWith: { $1 }))))
        }
        return JSONValue.object(.init(uniqueKeysWithValues: members)).serialized()
    }
}
