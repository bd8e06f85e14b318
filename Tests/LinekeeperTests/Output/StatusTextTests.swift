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
}
