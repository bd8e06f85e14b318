import JSON
public import OrderedCollections

/// What a gateway counts and how its connections stand, the data of `/status/<gateway>`: written again every two seconds, also
/// as a sign of life.
public struct GatewayStatusRecord: Sendable, Hashable {
    public var gateway: String
    public var life: String?
    public var at: Milliseconds
    /// How the connection to the broker stands.
    public var broker: String
    /// Since when both connections to the broker stand; nil while one does not.
    public var brokerSince: Milliseconds?
    /// The brokers at which its connections stand: one, or two when they have not met.
    public var brokerAddresses: [String]
    /// What the gateway's configuration means, in sixteen digits: differs where that differs, between gateways of one version.
    public var configurationDigest: String?
    /// What does not work and has not for a while.
    public var problems: [GatewayProblem]
    /// What did not work when it was last tried, and is not tried at present: nobody knows.
    public var untried: [GatewayProblem]
    /// What works again since a moment ago, so that everybody who looks now and then learns that it did not.
    public var recovered: [GatewayProblem]
    public var counters: OrderedDictionary<String, UInt64>
    /// What no route takes; nil: an older gateway.
    public var unrouted: UnroutedReport?

    public init(
        gateway: String, life: String?, at: Milliseconds, broker: String, brokerSince: Milliseconds? = nil,
        brokerAddresses: [String] = [], configurationDigest: String? = nil, problems: [GatewayProblem] = [],
        untried: [GatewayProblem] = [], recovered: [GatewayProblem] = [],
        counters: OrderedDictionary<String, UInt64>, unrouted: UnroutedReport? = nil
    ) {
        self.gateway = gateway
        self.life = life
        self.at = at
        self.broker = broker
        self.brokerSince = brokerSince
        self.brokerAddresses = brokerAddresses
        self.configurationDigest = configurationDigest
        self.problems = problems
        self.untried = untried
        self.recovered = recovered
        self.counters = counters
        self.unrouted = unrouted
    }

    /// What stands in a gateway's node; nil for something else. What an older gateway leaves out is nil or empty.
    public init?(parsing data: [UInt8]) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(parsing: data)
            let addresses = members[.brokerAddresses]?.arrayValue ?? []
            self.init(
                gateway: try members.requiredText(.gateway), life: members[.life]?.stringValue,
                at: try members.requiredInteger(.at), broker: members[.broker]?.stringValue ?? "",
                brokerSince: members[.brokerSince]?.intValue,
                brokerAddresses: addresses.prefix(2).compactMap(\.stringValue),
                configurationDigest: members[.configurationDigest]?.stringValue,
                problems: Self.problems(members[.problems]), untried: Self.problems(members[.untried]),
                recovered: Self.problems(members[.recovered]),
                counters: (members[.counters]?.objectValue ?? [:]).compactMapValues { value in
                    value.intValue.flatMap(UInt64.init(exactly:))
                }, unrouted: members[.unrouted].flatMap(UnroutedReport.init(json:)))
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable {
        case gateway, life, at, broker, brokerSince, brokerAddresses, configurationDigest, problems, untried,
            recovered, counters, unrouted
    }

    /// More than a gateway can have.
    private static let mostProblems = 100

    private static func problems(_ json: JSONValue?) -> [GatewayProblem] {
        guard case .array(let elements)? = json else { return [] }
        return elements.prefix(mostProblems).compactMap(GatewayProblem.init(json:))
    }

    public func serialized() -> [UInt8] {
        var members: OrderedDictionary<String, JSONValue> = ["gateway": .string(gateway)]
        members["life"] = life.map(JSONValue.string)
        members["at"] = .integer(at)
        members["broker"] = .string(broker)
        members["brokerSince"] = brokerSince.map(JSONValue.integer)
        if !brokerAddresses.isEmpty { members["brokerAddresses"] = .array(brokerAddresses.map(JSONValue.string)) }
        members["configurationDigest"] = configurationDigest.map(JSONValue.string)
        if !problems.isEmpty { members["problems"] = .array(problems.map(\.json)) }
        if !untried.isEmpty { members["untried"] = .array(untried.map(\.json)) }
        if !recovered.isEmpty { members["recovered"] = .array(recovered.map(\.json)) }
        members["counters"] = .object(
            .init(uniqueKeysWithValues: counters.map { ($0.key, .integer(Int64(clamping: $0.value))) }))
        members["unrouted"] = unrouted?.json
        return JSONValue.object(members).serialized()
    }
}
