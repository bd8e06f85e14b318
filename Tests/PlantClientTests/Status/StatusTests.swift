import JSON
import OrderedCollections
import Plant
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import PlantClient

@Suite("How a plant is", .timeLimit(.minutes(2)))
struct StatusTests {
    @Test(
        "an empty tree: nothing runs, nothing is owned, and the one complaint says what to do",
        arguments: [true, false])
    func empty(hasRoots: Bool) async throws {
        func check(_ tree: ZooKeeperClient) async throws {
            let status = try await PlantClient(tree: tree).status()
            #expect(status.gateways.isEmpty && status.processor == nil && status.processorEpoch == nil)
            #expect(status.ownedShards == 0 && status.standbys == 0 && status.roundTrip > .zero)
            #expect(status.tags == 0 && status.devices.isEmpty && status.alarms.isEmpty && status.journalEntries == 0)
            #expect(
                status.complaints(at: 0) == ["no gateway runs: nothing is watched; start one (linekeeper run)"])
            let json = status.json(servers: "zk1:2181", now: 0)
            #expect(
                json.compactMap { $0["kind"]?.stringValue } == [
                    "alarm-processor", "shards", "plant", "problem", "tree",
                ])
        }
        if hasRoots {
            try await withPlantTree("status-empty", check)
        } else {
            try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("status-bare"), check)
        }
    }

    @Test("what stands in the tree is counted, and the first in a queue owns")
    func counts() async throws {
        try await withPlantTree("status-counts") { tree in
            let record = #"{"gateway":"gw1","host":"h","pid":1,"version":"0.1.0","started":1767225600000}"#
            try await tree.create("/gateways/gw1", data: Array(record.utf8), mode: .ephemeral)
            try await tree.put("/gateways/ghost", "x")
            try await tree.put("/alarm-processor/b-lock-0000000004", "gw1")
            try await tree.put("/alarm-processor/a-lock-0000000005", "gw2")
            try await tree.put("/shards/07/x-lock-0000000001", "gw1")
            try await tree.put("/tags/factory/line1/press1/temperature", "{}")
            try await tree.put("/tags/factory/line1/press1/pressure", "{}")
            for (device, state) in [("press1", "online"), ("press2", "offline"), ("press3", "offline")] {
                let flapping = device == "press3" ? #","flapping":1767225600000"# : ""
                try await tree.put(
                    "/devices/factory/\(device)",
                    #"{"device":"factory/\#(device)","route":"r","firstSeen":1,"state":"\#(state)","since":2\#(flapping)}"#
                )
            }
            let status = try await PlantClient(tree: tree).status()
            #expect(status.devices == [.online: 1, .offline: 2] && status.flappingDevices == 1)
            #expect(status.gateways.map(\.name) == ["ghost", "gw1"])
            #expect(status.gateways.map { $0.member != nil } == [false, true])
            #expect(status.gateways.map(\.shards) == [0, 1])
            #expect(status.processor == "gw1" && status.standbys == 1 && status.ownedShards == 1)
            #expect(status.tags == 2)
            let complaints = status.complaints(at: 1_767_225_600_000)
            #expect(complaints.contains { $0.hasPrefix("ghost is not a gateway") }, "\(complaints)")
            #expect(complaints.contains("63 shards have no owner: values there are not written"), "\(complaints)")
        }
    }

    @Test("who owns what is read with all who queue, and devices and tags are counted by shard")
    func owners() async throws {
        try await withPlantTree("status-owners") { tree in
            func register(_ name: String, _ more: String = "") async throws {
                let record =
                    #"{"gateway":"\#(name)","host":"h","pid":1,"version":"1","started":1,"life":"\#(name)","ready":true,"settled":true,"routesDigest":"r"\#(more)}"#
                try await tree.create("/gateways/\(name)", data: Array(record.utf8), mode: .ephemeral)
            }
            try await register("gw1", #","draining":true"#)
            try await register("gw2", #","weight":3"#)
            for shard in 0..<TreeLayout.shardCount {
                try await tree.put(TreeLayout.shard(shard) + "/a-lock-0000000001", "gw1")
            }
            try await tree.put(TreeLayout.shard(7) + "/b-lock-0000000002", "gw2")
            try await tree.put("/alarm-processor/b-lock-0000000004", "gw1")
            let device = "factory/line1/press1"
            let record = DeviceRecord(device: device, route: "r", firstSeen: 1, state: .online, since: 1)
            try await tree.put("/devices/\(device)", String(decoding: record.serialized(), as: UTF8.self))
            for tag in ["temperature", "motor/current"] { try await tree.put("/tags/\(device)/\(tag)", "{}") }
            try await tree.put("/tags/linekeeper/gateways/gw1/tree", "{}")
            let status = try await PlantClient(tree: tree).status()
            let shard = ShardMap.shard(of: try TagPath(device))
            #expect(status.workload.devices[shard] == 1 && status.workload.tags[shard] == 2)
            #expect(status.workload.otherTags == 1 && status.workload.devices.reduce(0, +) == 1)
            #expect(status.ownership.shard(7).reason == .passing(to: "gw2"))
            #expect(status.ownership.shard(8).reason == .waiting(for: "gw2"))
            #expect(status.ownership.processorReason == .nobodyElse(.draining))
            #expect(status.ownership.onTheirWay.map(\.shards) == [1] && status.ownership.waiting.map(\.shards) == [63])
            let objects = status.ownersJSON
            #expect(objects.count == 65 && objects[7]["reason"] == "passing" && objects[7]["fallsTo"] == "gw2")
            #expect(objects[shard]["tags"] == 2 && objects[64]["reason"] == "nobodyElse")
            #expect(status.complaints(at: 1).isEmpty, "\(status.complaints(at: 1))")
            // The listing of gateways says so, too.
            let listed = status.json(servers: "", now: 1)
            #expect(listed.first?["draining"] == true && listed.dropFirst().first?["weight"] == 3)
        }
    }

    @Test("that all gateways drain is a complaint; that one does is none")
    func allDrain() {
        func member(_ name: String, draining: Bool) -> PlantStatus.GatewayStatus {
            let member = GatewayMember(
                name: name, life: GatewayLife(gateway: name, key: "1"), registration: 1, isReady: true, isSettled: true,
                routesDigest: "r", isOlder: true, isDraining: draining)
            return PlantStatus.GatewayStatus(
                name: name, data: [:], shards: 32, isProcessor: name == "a", member: member)
        }
        var status = PlantStatus()
        status.processor = "a"
        status.ownedShards = TreeLayout.shardCount
        status.gateways = [member("a", draining: true), member("b", draining: false)]
        #expect(status.complaints(at: 0).isEmpty, "\(status.complaints(at: 0))")
        status.gateways = [member("a", draining: true), member("b", draining: true)]
        #expect(
            status.complaints(at: 0) == [
                "all gateways drain, so they share the work as if none did; bring one back: linekeeper drain a --undo"
            ])
    }

    @Test("what no route takes is read of each gateway that lives; of another life it says nothing")
    func unrouted() async throws {
        try await withPlantTree("status-unrouted") { tree in
            for (gateway, life) in [("gw1", "1"), ("gw2", "2")] {
                let registration =
                    #"{"gateway":"\#(gateway)","host":"h","pid":1,"version":"0.1.0","started":1767225600000,"life":"\#(life)"}"#
                try await tree.create("/gateways/\(gateway)", data: Array(registration.utf8), mode: .ephemeral)
                let report = UnroutedReport(observed: ["#"], rows: [.init(topics: "tele/x/#", messages: 3)], further: 1)
                let record = GatewayStatusRecord(
                    gateway: gateway, life: "1", at: 1, broker: "", counters: [:], unrouted: report)
                try await tree.put("/status/\(gateway)", String(decoding: record.serialized(), as: UTF8.self))
            }
            try await tree.put("/gateways/ghost", "x")
            let status = try await PlantClient(tree: tree).status()
            #expect(status.unrouted.map(\.gateway) == ["gw1", "gw2"])
            #expect(status.unrouted.map { $0.report?.rows.first?.messages } == [3, nil])
            #expect(
                status.unroutedJSON.map { $0["kind"]?.stringValue } == ["observed", "unrouted", "unrouted", "observed"])
            // The list of gateways does not show all of this.
            #expect(!status.json(servers: "", now: 0).contains { $0["unrouted"] != nil })
        }
    }

    @Test("who looks after the plant: nobody, gateways without an alarm processor, or one that processes alarms")
    func attendance() async throws {
        try await withPlantTree("attendance") { tree in
            let plant = PlantClient(tree: tree)
            #expect(try await plant.attendance() == .noGateway)
            // A node that no gateway keeps is none.
            try await tree.put("/gateways/ghost", "x")
            #expect(try await plant.attendance() == .noGateway)
            try await tree.create("/gateways/gw1", data: [], mode: .ephemeral)
            #expect(try await plant.attendance() == .noAlarmProcessor)
            try await tree.put("/alarm-processor/b-lock-0000000004", "gw1")
            #expect(try await plant.attendance() == .attended)
        }
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("attendance-bare")) { tree in
            let attendance = try await PlantClient(tree: tree).attendance()
            #expect(attendance == .noGateway)
        }
    }
}
