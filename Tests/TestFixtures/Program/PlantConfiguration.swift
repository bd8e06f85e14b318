/// Writes a gateway's configuration folder for a test.
public struct PlantConfiguration: Sendable {
    /// Where the gateways of a test keep their tree.
    public enum Tree: Sendable {
        case embedded(data: String, port: Int)
        case servers(String)

        fileprivate var yaml: String {
            switch self {
            case .embedded(let data, let port): "embedded: { data: \(data), listen: 127.0.0.1:\(port) }"
            case .servers(let list): "ensemble: \(list)"
            }
        }

        /// `host:port,…` for a client.
        public var connectString: String {
            switch self {
            case .embedded(_, let port): "127.0.0.1:\(port)"
            case .servers(let list): list
            }
        }
    }

    public var plant = "test"
    public var broker: String
    public var tree: Tree
    public var sessionTimeout = "4s"
    /// What gateways listen to only to count what no route takes.
    public var observe: [String] = []
    /// Where a gateway keeps its own state, relative to its folder; nil: nowhere, and programs of earlier versions do not know
    /// the key.
    public var state: String?
    /// Contents of the three included files.
    public var routes: String
    public var alarms: String
    public var commands: String

    public init(
        broker: String, tree: Tree, routes: String = Self.machineRoutes, alarms: String = Self.machineAlarms,
        commands: String = Self.machineCommands
    ) {
        self.broker = broker
        self.tree = tree
        self.routes = routes
        self.alarms = alarms
        self.commands = commands
    }

    /// Connect string of the plant's own tree.
    public var connectString: String { tree.connectString + "/linekeeper/" + plant }

    /// Nothing where nothing is observed: programs of earlier versions do not know the key.
    private var observing: String {
        observe.isEmpty ? "" : "\n  observe: [" + observe.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }

    /// Writes the files into `<gateway>.config/` and returns the path of `linekeeper.yaml`.
    public func write(gateway: String, to scratch: Scratch) throws -> String {
        let folder = gateway + ".config/"
        try scratch.write(routes, to: folder + "routes.yaml")
        try scratch.write(alarms, to: folder + "alarms.yaml")
        try scratch.write(commands, to: folder + "commands.yaml")
        return try scratch.write(
            """
            plant: \(plant)
            gateway: \(gateway)
            mqtt:
              broker: \(broker)
              protocol: 5\(observing)
            tree:
              \(tree.yaml)
              sessionTimeout: \(sessionTimeout)\(state.map { "\nstate: " + $0 } ?? "")
            include: [routes.yaml, alarms.yaml, commands.yaml]

            """, to: folder + "linekeeper.yaml")
    }

    /// Limit and deadband of the alarm in ``machineAlarms``.
    public static let highLimit = 80.0
    public static let deadband = 2.0

    public static let machineRoutes = """
        routes:
          - name: machines
            topic: factory/{line}/{machine}/{metric}
            device: factory/{line}/{machine}
            payload: json
            value: /v
            time: /ts
            staleAfter: 600s

        """

    public static let machineAlarms = """
        alarms:
          - name: overtemperature
            tags: factory/+/+/temperature
            high: { limit: 80, priority: high }
            deadband: 2

        """

    public static let machineCommands = machineCommands(timeout: "20s", maximumSpeed: 1800)

    public static func machineCommands(timeout: String, maximumSpeed: Int) -> String {
        """
        commands:
          - name: setSpeed
            devices: factory/+/+
            topic: "{device}/cmd/setSpeed"
            parameters: { rpm: { type: number, minimum: 0, maximum: \(maximumSpeed), unit: rpm } }
            execution: idempotent
            timeout: \(timeout)
            answer: { topic: "{device}/ack", id: /id, succeeded: { /status: ok } }
          - name: stroke
            devices: factory/+/+
            topic: "{device}/cmd/stroke"
            execution: atMostOnce
            timeout: \(timeout)
            answer: { topic: "{device}/ack", id: /id, succeeded: { /status: ok } }

        """
    }
}
