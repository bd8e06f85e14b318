import JSON
import OrderedCollections

/// A gateway's registration, the data of `/gateways/<gateway>`: what decides ownership, written again only when it changes.
///
///     {"gateway","host","pid","version","started","life","boot","pidNamespace","processStart","ready","settled","routesDigest",
///      "weight","draining"}
///
/// Older gateways write the first five, and what now stands in `/status/<gateway>` (``GatewayStatusRecord``). A record of
/// theirs counts as ready, settled, and equal in its routes. `weight` is left out when it is 1, `draining` when it is false.
public struct GatewayRecord: Sendable, Hashable {
    /// Larger data is no record.
    public static let sizeLimit = 64 * 1024

    public var identity: GatewayIdentity
    /// Whether it hears the broker: both connections stand, and subscriptions are granted. nil: an older gateway.
    public var isReady: Bool?
    /// Whether it may have shards while others that were there before it are ready as well. nil: an older gateway.
    public var isSettled: Bool?
    /// What its routes are, in short. nil: an older gateway.
    public var routesDigest: String?
    /// How many times as many shards it takes as a gateway of weight 1; one of ``ShardMap/weights``.
    public var weight: Int
    /// Whether it hands over what it owns, and takes nothing more as long as others can.
    public var isDraining: Bool

    public init(
        identity: GatewayIdentity, isReady: Bool?, isSettled: Bool?, routesDigest: String?, weight: Int = 1,
        isDraining: Bool = false
    ) {
        self.identity = identity
        self.isReady = isReady
        self.isSettled = isSettled
        self.routesDigest = routesDigest
        self.weight = weight
        self.isDraining = isDraining
    }

    /// nil for anything that is not the registration of the gateway of that name: anybody may make a node there.
    public init?(parsing data: [UInt8], name: String) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(parsing: data, sizeLimit: Self.sizeLimit)
            guard try members.requiredText(.gateway) == name else { return nil }
            var proof: GatewayIdentity.ProcessProof?
            if let boot = members[.boot]?.stringValue, let namespace = members[.pidNamespace]?.stringValue,
                let start = members[.processStart]?.intValue
            {
                proof = .init(bootID: boot, pidNamespace: namespace, processStart: start)
            }
            self.init(
                identity: GatewayIdentity(
                    gateway: name, host: members[.host]?.stringValue ?? "", pid: try members.requiredInteger(.pid),
                    version: members[.version]?.stringValue ?? "", started: try members.requiredTime(.started),
                    life: members[.life]?.stringValue, proof: proof),
                isReady: members[.ready]?.boolValue, isSettled: members[.settled]?.boolValue,
                routesDigest: members[.routesDigest]?.stringValue, weight: Self.weight(members[.weight]),
                isDraining: members[.draining]?.boolValue ?? false)
        } catch {
            return nil
        }
    }

    /// What cannot be a weight counts as 1, for every gateway that reads it.
    private static func weight(_ value: JSONValue?) -> Int {
        guard let number = value?.intValue, let weight = Int(exactly: number), ShardMap.weights.contains(weight) else {
            return 1
        }
        return weight
    }

    private enum Member: String, CaseIterable {
        case gateway, host, pid, version, started, life, boot, pidNamespace, processStart, ready, settled, routesDigest
        case weight, draining
    }

    public func serialized() -> [UInt8] {
        var members: OrderedDictionary<String, JSONValue> = [
            "gateway": .string(identity.gateway), "host": .string(identity.host), "pid": .integer(identity.pid),
            "version": .string(identity.version), "started": .integer(identity.started),
        ]
        members["life"] = identity.life.map(JSONValue.string)
        if let proof = identity.proof {
            members["boot"] = .string(proof.bootID)
            members["pidNamespace"] = .string(proof.pidNamespace)
            members["processStart"] = .integer(proof.processStart)
        }
        members["ready"] = isReady.map(JSONValue.bool)
        members["settled"] = isSettled.map(JSONValue.bool)
        members["routesDigest"] = routesDigest.map(JSONValue.string)
        if weight != 1 { members["weight"] = .integer(Int64(weight)) }
        if isDraining { members["draining"] = true }
        return JSONValue.object(members).serialized()
    }
}
