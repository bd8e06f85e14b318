/// One life of a gateway: from the start of its process to its end.
///
/// Two gateways may share a name, by mistake; and one name has many lives. What is said about a gateway's death is said about
/// a life.
public struct GatewayLife: Sendable, Hashable, CustomStringConvertible {
    public let gateway: String
    /// Random for each start of a process. For a gateway of a version that had no such thing: its process id and when it
    /// started, which together tell its lives apart as well.
    public let key: String

    public init(gateway: String, key: String) {
        self.gateway = gateway
        self.key = key
    }

    /// As records and notices carry it.
    /// - Parameter life: nil where an older gateway wrote it.
    public init(gateway: String, life: String?, pid: Int64, started: Milliseconds) {
        self.init(gateway: gateway, key: life ?? "\(pid)/\(started)")
    }

    public var description: String { "\(gateway)#\(key)" }
}
