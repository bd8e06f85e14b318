import MQTT
import Plant
import SparkplugB
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import Gateway

@Suite("SparkplugHost: STATE at a real broker", .timeLimit(.minutes(2)))
struct SparkplugHostTests {
    /// What a connection has sent: the kinds of its packets, and of each its bytes.
    private static func packets(_ bytes: [UInt8]) -> [(kind: UInt8, body: [UInt8])] {
        var result: [(kind: UInt8, body: [UInt8])] = []
        var index = 0
        while index < bytes.count {
            let kind = bytes[index]
            var (length, shift) = (0, 0)
            repeat {
                index += 1
                guard index < bytes.count else { return result }
                length |= Int(bytes[index] & 0x7f) << shift
                shift += 7
            } while bytes[index] & 0x80 != 0
            index += 1
            guard index + length <= bytes.count else { return result }
            result.append((kind, Array(bytes[index..<index + length])))
            index += length
        }
        return result
    }

    @Test(
        """
        operational-behavior-host-application-connect-will, message-flow-phid-sparkplug-clean-session-311, -50, \
        message-flow-phid-sparkplug-subscription, message-flow-phid-sparkplug-state-publish-payload-timestamp, \
        host-topic-phid-birth-payload: CONNECT with the will, SUBSCRIBE, and as the first publish online with the will's time
        """, arguments: [MQTTProtocolVersion.v311, .v5])
    func session(version: MQTTProtocolVersion) async throws {
        try await HostTestBed.with { bed, _ in
            bed.proxy.recordSent()
            let host = try bed.host("gw1", version: version, wall: 5000)
            host.start(bed.lease)
            try await bed.state("online", host) { $0 == HostStatePayload(isOnline: true, timestamp: 5000) }
            #expect(try await bed.kept() == SparkplugHostRecord(timestamp: 5000, gateway: "gw1"))
            let packets = Self.packets(bed.proxy.sent)
            #expect(
                packets.prefix(3).map { $0.kind } == [0x10, 0x82, 0x33],
                "CONNECT, SUBSCRIBE, PUBLISH with QoS 1, retained")
            let connect = packets[0].body
            // Behind the protocol's name and version: clean start, a will of QoS 1, retained.
            #expect(connect[7] & 0b0011_1110 == 0b0010_1110)
            let will = HostStatePayload(isOnline: false, timestamp: 5000).encoded
            #expect(connect.suffix(will.count).elementsEqual(will))
            // Nobody is told that it is a second message.
            #expect(bed.states == [HostStatePayload(isOnline: true, timestamp: 5000)])

            // When it dies, then the broker says so.
            await host.kill()
            try await bed.state("offline") { $0 == HostStatePayload(isOnline: false, timestamp: 5000) }
        }
    }

    @Test(
        """
        operational-behavior-host-application-termination, host-topic-phid-death-payload-timestamp-disconnect-clean: a lone gateway \
        says offline when it is stopped, with the time of now; and the next time is newer though the clock was set back
        """)
    func restarts() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", old: true, wall: 50_000)
            host.start(bed.lease)
            try await bed.state("online", host) { $0 == HostStatePayload(isOnline: true, timestamp: 50_000) }
            try await eventually("the old form") { bed.heard(on: "STATE/h").last?.text == "ONLINE" }
            host.wall.setWall(60_000)
            try await host.stop()
            try await bed.state("offline") { $0 == HostStatePayload(isOnline: false, timestamp: 60_000) }
            try await eventually("the old form") { bed.heard(on: "STATE/h").last?.text == "OFFLINE" }
            #expect(try await bed.kept()?.timestamp == 60_000)

            let again = try bed.host("gw1", wall: 1000)
            again.start(bed.lease)
            try await bed.state("online", again) { $0 == HostStatePayload(isOnline: true, timestamp: 60_001) }
            // What had been retained is the past.
            try await eventually("it is counted") { again.number("hostConnections") == 1 }
            #expect(again.number("hostOlderOffline") == 0 && again.number("hostNewerOffline") == 0)
            try await again.stop()
            try await bed.state("offline") { $0 == HostStatePayload(isOnline: false, timestamp: 60_001) }
        }
    }

    @Test("3.6: the successor says online before the former leaves, and no edge node believes an offline")
    func takeover() async throws {
        try await HostTestBed.with { bed, _ in
            let (former, successor) = (try bed.host("gw1", wall: 9000), try bed.host("gw2", wall: 2000))
            successor.start(nil)
            former.start(bed.lease)
            try await bed.state("online", former) { $0 == HostStatePayload(isOnline: true, timestamp: 9000) }
            former.lease.set(nil)
            // A stop in the middle of it does not make it say more.
            async let stopped: Void = former.stop()
            successor.lease.set(bed.lease)
            try await bed.state("online", successor) { $0.timestamp > 9000 }
            try await stopped
            #expect(former.lines.count("the Sparkplug host is handed over") == 1, "\(former.lines.all)")
            #expect(
                bed.states
                    == [true, true].enumerated().map { HostStatePayload(isOnline: $1, timestamp: 9000 + Int64($0)) })
            #expect(successor.problem("sparkplugState") == nil && former.number("hostForeignOnline") == 0)

            // When the successor dies, and a third comes before its will is known,
            await successor.kill()
            try await bed.state("offline") { !$0.isOnline && $0.timestamp == 9001 }
            let third = try bed.host("gw3", wall: 2000)
            third.start(bed.lease)
            try await bed.state("online", third) { $0.timestamp == 9002 && $0.isOnline }
            // then a will that comes late is answered, and edge nodes do not believe it.
            try await bed.ear.publish(
                HostTestBed.topic, HostStatePayload(isOnline: false, timestamp: 9001).encoded, retain: true)
            try await eventually("the answer", seen: { "\(bed.states)" }) {
                bed.states.count(where: { $0 == HostStatePayload(isOnline: true, timestamp: 9002) }) == 2
            }
            #expect(HostTestBed.believed(bed.states).last?.isOnline == true)
            try await eventually("it is counted") { third.number("hostOlderOffline") == 1 }
            #expect(third.problem("sparkplugState") == nil)
            try await third.stop()
        }
    }

    @Test(
        "message-flow-hid-sparkplug-state-message-delivered: a foreign offline is answered, beaten, and a problem of the gateway"
    )
    func foreignOffline() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", wall: 5000)
            host.start(bed.lease)
            try await bed.state("online", host) { $0.isOnline }
            try await bed.ear.publish(
                HostTestBed.topic, HostStatePayload(isOnline: false, timestamp: 70_000).encoded, retain: true)
            try await bed.state("online beyond it", host) { $0 == HostStatePayload(isOnline: true, timestamp: 70_001) }
            try await eventually("the problem", seen: { "\(host.lines.all)" }) { host.problem("sparkplugState") != nil }
            let problem = try #require(host.problem("sparkplugState"))
            #expect(problem.text.contains("(h)") && problem.cause.contains("newer timestamp"))
            try await eventually("it is counted") {
                host.number("hostNewerOffline") == 1 && host.number("hostConnections") == 2
            }
            // What is cleared is said again.
            try await bed.ear.publish(HostTestBed.topic, "", retain: true)
            try await eventually("the answer", seen: { "\(bed.states)" }) {
                bed.heard().last?.payload == HostStatePayload(isOnline: true, timestamp: 70_001).encoded
                    && host.number("hostUnreadable") == 1
            }
            #expect(host.lines.count("another client publishes") == 1)
            try await host.stop()
        }
    }

    @Test("a connection that is lost comes back with a larger timestamp, and its will is answered or the past")
    func lost() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", wall: 5000, runs: true)
            host.start(bed.lease)
            let first = try await bed.state("online", host) { $0.isOnline }
            bed.proxy.cut()
            let second = try await bed.state("online again", host) { $0.isOnline && $0.timestamp > first.timestamp }
            try await eventually("the will", seen: { "\(bed.states)" }) {
                bed.states.contains(HostStatePayload(isOnline: false, timestamp: first.timestamp))
            }
            try await eventually("it is counted") { host.number("hostConnections") == 2 }
            #expect(try await bed.kept()?.timestamp == second.timestamp)
            try await host.stop()
        }
    }

    @Test("nothing connects before its timestamp is in the tree; that it cannot be written there is a problem")
    func treeFirst() async throws {
        try await HostTestBed.with { bed, _ in
            let client = bed.tree.operatorClient
            try await client.setACL(
                TreeLayout.sparkplug, acl: [ACL(permissions: [.read, .admin], scheme: "world", id: "anyone")])
            let host = try bed.host("gw1", wall: 5000, runs: true)
            host.start(bed.lease)
            try await eventually("the problem", within: .seconds(30), seen: { "\(host.lines.all)" }) {
                host.problem("sparkplugConnection") != nil
            }
            #expect(bed.proxy.acceptedConnections == 0 && bed.states.isEmpty)
            try await client.setACL(TreeLayout.sparkplug, acl: ACL.worldAll)
            try await bed.state("online", host) { $0.isOnline }
            try await eventually("no problem", seen: { "\(host.lines.all)" }) {
                host.problem("sparkplugConnection") == nil
            }
            try await host.stop()
        }
    }

    @Test("a gateway that is not active connects to nothing; an active one waits for its publishing connection")
    func waits() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", wall: 5000)
            host.isPublishing.set(false)
            host.start(nil)
            try await eventually("it looks at the lease") { host.lease.asked > 3 }
            host.lease.set(bed.lease)
            let asked = host.lease.asked
            try await eventually("it looks at the lease again") { host.lease.asked > asked + 5 }
            #expect(bed.proxy.acceptedConnections == 0)
            host.isPublishing.set(true)
            try await bed.state("online", host) { $0.isOnline }
            try await host.stop()
        }
    }

    @Test(
        "a lease that is lost and comes back, with nobody in between, costs no connection; a broker that refuses is a problem"
    )
    func leaseComesBack() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", wall: 5000, runs: true)
            host.start(bed.lease)
            let first = try await bed.state("online", host) { $0.isOnline }
            let asked = host.lease.asked
            host.lease.set(nil)
            try await eventually("it looks at the lease") { host.lease.asked > asked + 8 }
            host.lease.set(bed.lease)
            try await eventually("online again", seen: { "\(bed.states)" }) { bed.states.count == 2 }
            #expect(Set(bed.states) == [first])
            #expect(host.number("hostConnections") == 1)

            bed.proxy.refuse(true)
            bed.proxy.cut()
            try await eventually("the problem", within: .seconds(30), seen: { "\(host.lines.all)" }) {
                host.problem("sparkplugConnection") != nil
            }
            bed.proxy.refuse(false)
            try await bed.state("online again", host) { $0.isOnline && $0.timestamp > first.timestamp }
            try await eventually("no problem") { host.problem("sparkplugConnection") == nil }
            try await host.stop()
        }
    }
}
