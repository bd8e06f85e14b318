import JSON
import Plant
import Testing

@testable import PlantClient
@testable import linekeeper

@Suite("The status as text")
struct StatusTextTests {
    private static func gateway(_ name: String, isReady: Bool, standsBy: String?, isProcessor: Bool)
        throws -> PlantStatus.GatewayStatus
    {
        let data = #"{"gateway":"\#(name)","host":"h","pid":1,"version":"1","started":1,"ready":\#(isReady)}"#
        let member = try #require(
            GatewayMember(name: name, data: Array(data.utf8), sessionID: 1, registration: 1), "\(data)")
        return PlantStatus.GatewayStatus(
            name: name, data: ["gateway": .string(name)], shards: 1, isProcessor: isProcessor, member: member,
            standsBy: standsBy)
    }

    @Test("a gateway that processes alarms and should not is shown with the reason")
    func deafProcessor() throws {
        var status = PlantStatus()
        status.processor = "vm"
        status.ownedShards = TreeLayout.shardCount - 1
        status.tags = 1
        status.devices = [.online: 1]
        status.journalEntries = 1
        let deaf = "does not hear the broker"
        status.gateways = [try Self.gateway("vm", isReady: false, standsBy: deaf, isProcessor: true)]
        let text = status.text(servers: "zk1:2181", now: 0)
        #expect(text.contains("alarm processor: does not hear the broker"), "\(text)")
        #expect(text.contains("vm processes alarms, but it does not hear the broker"), "\(text)")
        #expect(!text.contains("cannot take over"), "\(text)")
        #expect(text.contains("1 shard has no owner"), "\(text)")
        #expect(text.contains("1 tag; devices: 1 online; 1 journal entry"), "\(text)")

        status.devices = [.online: 5, .offline: 2]
        status.flappingDevices = 1
        #expect(status.text(servers: "zk1:2181", now: 0).contains("devices: 5 online, 2 offline (1 flapping);"))
        let plant = status.json(servers: "zk1:2181", now: 0).first { $0["kind"] == "plant" }
        #expect(plant?["flappingDevices"] == 1 && plant?["devices"]?["offline"] == 2)

        status.gateways = [
            try Self.gateway("vm", isReady: true, standsBy: "other routes than gw1", isProcessor: true),
            try Self.gateway("gw2", isReady: false, standsBy: deaf, isProcessor: false),
        ]
        let complaints = status.complaints(at: 0)
        #expect(
            complaints.starts(with: [
                "vm processes alarms, but it has other routes than gw1; give all gateways the same routes",
                "gw2 cannot take over: it does not hear the broker",
            ]), "\(complaints)")
    }

    /// Two gateways, of which the first owns everything and drains.
    private static func draining() -> PlantStatus {
        func member(_ name: String, draining: Bool, weight: Int) -> GatewayMember {
            GatewayMember(
                name: name, life: GatewayLife(gateway: name, key: "1"), registration: 1, isReady: true, isSettled: true,
                routesDigest: "r", weight: weight, isDraining: draining)
        }
        let members = [member("gw1", draining: true, weight: 1), member("gw2", draining: false, weight: 2)]
        var status = PlantStatus()
        status.ownership = OwnershipReport(
            members: members, queues: Array(repeating: ["gw1"], count: 63) + [["gw1", "gw2"]], processorQueue: ["gw2"])
        status.ownedShards = 64
        status.processor = "gw2"
        status.workload = Workload(devices: ["a/b"], tags: ["a/b/c", "x"])
        status.gateways = members.map {
            PlantStatus.GatewayStatus(
                name: $0.name, data: [:], shards: status.ownership.holdings(of: $0.name).shards,
                isProcessor: $0.name == "gw2", member: $0)
        }
        return status
    }

    @Test("a gateway that drains says so, and where its shards go; weights are shown where they differ from 1")
    func drainingGateway() {
        var status = Self.draining()
        let text = status.text(servers: "s", now: 0)
        #expect(text.contains("WEIGHT") && text.contains("draining"), "\(text)")
        #expect(text.contains("64 of 64 owned, 1 on their way to gw2, 63 kept until gw2 queues"), "\(text)")
        status.gateways[0].shards = 0
        #expect(status.text(servers: "s", now: 0).contains("drained"))
        let plain = GatewayMember(
            name: "gw1", life: GatewayLife(gateway: "gw1", key: "1"), registration: 1, isReady: true, isSettled: true,
            routesDigest: "r")
        status.gateways = [
            PlantStatus.GatewayStatus(name: "gw1", data: [:], shards: 64, isProcessor: false, member: plain)
        ]
        #expect(!status.text(servers: "s", now: 0).contains("WEIGHT"))
    }

    @Test("owners are shown with ranges of shards, devices, tags and reasons")
    func owners() throws {
        let status = Self.draining()
        let text = status.ownersText
        #expect(text.contains("gw1      0-62"), "\(text)")
        #expect(text.contains("until gw2, to which they fall, queues for them"), "\(text)")
        #expect(text.contains("63      "), "\(text)")
        #expect(text.contains("on their way to gw2: what was heard is written first"), "\(text)")
        #expect(text.contains("1 further tag below no device"), "\(text)")
        #expect(
            text.contains("alarms   processed by gw2, which of those that may serve has queued for longest"), "\(text)")
        let shard = ShardMap.shard(of: try TagPath("a/b"))
        let one = status.ownership.text(of: status.ownership.shard(shard), device: "a/b")
        #expect(one.hasPrefix("a/b is in shard \(shard), owned by gw1: "), "\(one)")
    }

    @Test("every reason has a sentence of its own")
    func reasons() {
        let report = Self.draining().ownership
        let reasons: [OwnershipReport.Reason] = [
            .part, .inPlace(of: "x", .unready), .inPlace(of: "x", .settling), .passing(to: "x"), .waiting(for: "x"),
            .nobodyReady, .unregistered, .ownerless(fallsTo: "x"), .ownerless(fallsTo: nil),
        ]
        #expect(Set(reasons.map { report.text($0, of: "gw2") }).count == reasons.count)
        #expect(report.text(.part, of: "gw2") == "its part (weight 2 of 2)")
        #expect(report.text(.part, of: "nobody's name") == "its part")
    }

    @Test("shards in ranges", arguments: [([], ""), ([5], "5"), ([1, 0, 2], "0-2"), ([0, 2, 3, 63], "0, 2-3, 63")])
    func ranges(shards: [Int], text: String) {
        #expect(ShardRanges.text(shards) == text)
    }

    @Test("what a drained gateway has handed over, and to whom")
    func handedOver() {
        let before = Self.draining().ownership
        let after = OwnershipReport(
            members: before.plan.members, queues: Array(repeating: ["gw2"], count: 64), processorQueue: ["gw2"])
        #expect(
            DrainCommand.text(of: "gw1", before, after, after: .milliseconds(350))
                == "gw1 has handed 64 shards over in 350ms: gw2 has 64 shards")
        #expect(DrainCommand.text(of: "gw1", after, after, after: .zero) == "gw1 drains; it owned nothing")
        #expect(OwnershipHoldings(shards: 1, isProcessor: true).text == "1 shard and the alarms")
        #expect(OwnershipHoldings(shards: 0, isProcessor: true).text == "the alarms")
        #expect(OwnershipHoldings(shards: 0, isProcessor: false).text == "nothing")
    }
}
