package import JSON
import OrderedCollections
package import Plant
import Primitives

extension PlantStatus {
    /// The status as programs get it, one object per gateway and subject.
    ///
    /// - Parameters:
    ///   - servers: where the tree is.
    ///   - now: by this machine's clock.
    package func json(servers: String, now: Milliseconds) -> [JSONValue] {
        var objects: [JSONValue] = gateways.map { gateway in
            var object = gateway.data.objectValue ?? [:]
            object["kind"] = "gateway"
            object["gateway"] = .string(gateway.name)
            object["shards"] = .integer(Int64(gateway.shards))
            object["alarmProcessor"] = .bool(gateway.isProcessor)
            object["counts"] = .bool(gateway.member != nil)
            object["standsBy"] = gateway.standsBy.map(JSONValue.string)
            return .object(object)
        }
        objects.append([
            "kind": "alarm-processor", "gateway": processor.map(JSONValue.string) ?? .null,
            "epoch": processorEpoch.map(JSONValue.integer) ?? .null, "standbys": .integer(Int64(standbys)),
        ])
        objects.append([
            "kind": "shards", "owned": .integer(Int64(ownedShards)), "of": .integer(Int64(TreeLayout.shardCount)),
        ])
        objects.append([
            "kind": "plant", "tags": .integer(Int64(tags)),
            "devices": Self.counts(devices), "flappingDevices": .integer(Int64(flappingDevices)),
            "alarms": Self.counts(alarms),
            "journalEntries": .integer(Int64(journalEntries)),
        ])
        for complaint in complaints(at: now) { objects.append(["kind": "problem", "text": .string(complaint)]) }
        objects.append([
            "kind": "tree", "servers": .string(servers), "reachable": true,
            "roundTripMicroseconds": .integer(roundTrip.wholeMicroseconds),
        ])
        return objects
    }

    private static func counts<State: RawRepresentable<String>>(_ counts: [State: Int]) -> JSONValue {
        var members: OrderedDictionary<String, JSONValue> = [:]
        for (name, count) in counts.map({ ($0.key.rawValue, $0.value) }).sorted(by: { $0.0 < $1.0 }) {
            members[name] = .integer(Int64(count))
        }
        return .object(members)
    }
}

extension PlantStatus {
    /// Who owns what, and why, for programs: one object per shard, and one of the alarm processor.
    package var ownersJSON: [JSONValue] {
        ownership.shards.map { json(of: $0) } + [
            [
                "kind": "alarm-processor", "gateway": ownership.processor.map(JSONValue.string) ?? .null,
                "reason": .string(ownership.processorReason.word),
            ]
        ]
    }

    /// One shard for programs.
    ///
    /// - Parameter device: One of its devices, which the object is about.
    package func json(of shard: OwnershipReport.Shard, device: String? = nil) -> JSONValue {
        var members: OrderedDictionary<String, JSONValue> = ["kind": "shard"]
        members["device"] = device.map(JSONValue.string)
        members["shard"] = .integer(Int64(shard.number))
        members["owner"] = shard.owner.map(JSONValue.string) ?? .null
        members["fallsTo"] = shard.planned.map(JSONValue.string) ?? .null
        members["reason"] = .string(shard.reason.word)
        if case .inPlace(let gateway, let hindrance) = shard.reason {
            members["inPlaceOf"] = .string(gateway)
            members["hindrance"] = .string("\(hindrance)")
        }
        guard device == nil, workload.devices.indices.contains(shard.number) else { return .object(members) }
        members["devices"] = .integer(Int64(workload.devices[shard.number]))
        members["tags"] = .integer(Int64(workload.tags[shard.number]))
        return .object(members)
    }
}

extension OwnershipReport.Reason {
    /// A word for programs.
    fileprivate var word: String {
        switch self {
        case .part: "part"
        case .inPlace: "inPlace"
        case .passing: "passing"
        case .waiting: "waiting"
        case .nobodyReady: "nobodyReady"
        case .unregistered: "unregistered"
        case .ownerless: "ownerless"
        }
    }
}

extension OwnershipReport.ProcessorReason {
    /// A word for programs.
    fileprivate var word: String {
        switch self {
        case .first: "first"
        case .passing: "passing"
        case .nobodyElse: "nobodyElse"
        case .nobodyReady: "nobodyReady"
        case .unregistered: "unregistered"
        case .vacant: "vacant"
        }
    }
}
