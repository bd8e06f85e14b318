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
    // Assertions: operational-behavior-host-application-connect-will,
    // operational-behavior-host-application-connect-will-topic,
    // operational-behavior-host-application-connect-will-payload,
    // operational-behavior-host-application-connect-will-qos,
    // operational-behavior-host-application-connect-will-retained, operational-behavior-host-application-connect-birth,
    // operational-behavior-host-application-connect-birth-topic,
    // operational-behavior-host-application-connect-birth-payload,
    // operational-behavior-host-application-connect-birth-qos,
    // operational-behavior-host-application-connect-birth-retained, operational-behavior-host-application-death-topic,
    // operational-behavior-host-application-death-payload, message-flow-phid-sparkplug-clean-session-311,
    // message-flow-phid-sparkplug-clean-session-50, message-flow-phid-sparkplug-subscription,
    // message-flow-phid-sparkplug-state-publish, message-flow-phid-sparkplug-state-publish-payload,
    // message-flow-phid-sparkplug-state-publish-payload-timestamp, host-topic-phid-birth-message,
    // host-topic-phid-birth-required, host-topic-phid-birth-topic, host-topic-phid-birth-payload,
    // host-topic-phid-birth-payload-timestamp, host-topic-phid-birth-qos, host-topic-phid-birth-retain,
    // host-topic-phid-birth-sub-required, host-topic-phid-death-required, host-topic-phid-death-topic,
    // host-topic-phid-death-payload, host-topic-phid-death-payload-connect,
    // host-topic-phid-death-payload-timestamp-connect, host-topic-phid-death-qos, host-topic-phid-death-retain,
    // payloads-state-will-message, payloads-state-will-message-qos, payloads-state-will-message-retain,
    // payloads-state-will-message-payload, payloads-state-birth, payloads-state-birth-payload, payloads-state-subscribe
    @Test(
        "CONNECT with the will, SUBSCRIBE, and as the first publish online with the will's time",
        arguments: [MQTTProtocolVersion.v311, .v5])
    func session(version: MQTTProtocolVersion) async throws {
        try await HostTestBed.with { bed, _ in
            bed.proxy.recordSent()
            let host = try bed.host("gw1", version: version, wall: 5000)
            host.start(bed.lease)
            try await bed.state("online", host) { $0 == HostStatePayload(isOnline: true, timestamp: 5000) }
            #expect(try await bed.kept() == SparkplugHostRecord(timestamp: 5000, gateway: "gw1"))
            let packets = SentPacket.all(in: bed.proxy.sent)
            try #require(
                packets.prefix(3).map(\.kind) == [0x10, 0x82, 0x33],
                "CONNECT, SUBSCRIBE, PUBLISH with QoS 1, retained")
            let connect = try packets[0].connect()
            #expect(connect.version == (version == .v5 ? 5 : 4))
            // Clean start, a will of QoS 1, retained.
            #expect(connect.flags & 0b0011_1110 == 0b0010_1110)
            #expect(connect.sessionExpiry == 0)
            #expect(connect.clientID == "linekeeper-bottling-gw1-sparkplug")
            #expect(connect.willTopic == HostTestBed.topic)
            #expect(connect.will == HostStatePayload(isOnline: false, timestamp: 5000).encoded)
            let subscribe = try packets[1].subscribe(version)
            #expect(subscribe.filter == HostTestBed.topic && subscribe.options & 3 == 1)
            // Nobody is told that it is a second message.
            #expect(bed.states == [HostStatePayload(isOnline: true, timestamp: 5000)])

            // When it dies, then the broker says so.
            await host.kill()
            try await bed.state("offline") { $0 == HostStatePayload(isOnline: false, timestamp: 5000) }
        }
    }

    // Assertions: operational-behavior-host-application-termination, operational-behavior-host-application-death-qos,
    // operational-behavior-host-application-death-retained,
    // operational-behavior-host-application-disconnect-intentional, host-topic-phid-death-payload-disconnect-clean,
    // host-topic-phid-death-payload-timestamp-disconnect-clean
    @Test(
        """
        a lone gateway says offline when it is stopped, with the time of now, and disconnects; and the next time is \
        newer though the clock was set back
        """)
    func restarts() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", old: true, wall: 50_000)
            host.start(bed.lease)
            try await bed.state("online", host) { $0 == HostStatePayload(isOnline: true, timestamp: 50_000) }
            try await eventually("the old form") { bed.heard(on: "STATE/h").last?.text == "ONLINE" }
            host.wall.setWall(60_000)
            bed.proxy.recordSent()
            try await host.stop()
            // PUBLISH with QoS 1, retained, in both forms, then DISCONNECT, which does not ask for the will.
            try await eventually("the last packets", seen: { "\(SentPacket.all(in: bed.proxy.sent))" }) {
                let said = SentPacket.all(in: bed.proxy.sent).filter { ![0x40, 0xC0].contains($0.kind) }
                return said.map(\.kind) == [0x33, 0x33, 0xE0] && said[2].body.first ?? 0 == 0
            }
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

            // When the successor dies, and a third takes over,
            await successor.kill()
            try await bed.state("offline") { !$0.isOnline && $0.timestamp == 9001 }
            let third = try bed.host("gw3", wall: 2000)
            third.start(bed.lease)
            try await bed.state("online", third) { $0.timestamp == 9002 && $0.isOnline }
            // then a will that comes late, as a bridge may deliver it, is answered, and edge nodes do not believe it.
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

    // Assertions: message-flow-hid-sparkplug-state-message-delivered, operational-behavior-host-application-host-id
    @Test("a foreign offline is answered, beaten, and a problem of the gateway")
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

    // Assertions: message-flow-phid-sparkplug-subscription, host-topic-phid-birth-sub-required
    @Test("a gateway that is not active connects to nothing; an active one waits until it listens to edge nodes")
    func waits() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", wall: 5000)
            let place = host.place.value
            host.place.set(nil)
            host.start(nil)
            try await eventually("it looks at the lease") { host.lease.asked > 3 }
            host.lease.set(bed.lease)
            let asked = host.lease.asked
            try await eventually("it looks at the lease again") { host.lease.asked > asked + 5 }
            #expect(bed.proxy.acceptedConnections == 0)
            host.place.set(place)
            try await bed.state("online", host) { $0.isOnline }
            try await host.stop()
        }
    }

    // Assertions: host-topic-phid-birth-sub-required
    @Test("when edge nodes are not heard for longer, the host is offline until they are")
    func deaf() async throws {
        try await HostTestBed.with { bed, _ in
            var rule = HostState.Rule()
            rule.handover = 300
            let host = try bed.host("gw1", wall: 5000, rule: rule)
            let place = host.place.value
            host.start(bed.lease)
            try await bed.state("online", host) { $0 == HostStatePayload(isOnline: true, timestamp: 5000) }
            host.place.set(nil)
            try await bed.state("offline", host) { $0 == HostStatePayload(isOnline: false, timestamp: 5000) }
            let asked = host.lease.asked
            try await eventually("it looks at the lease again") { host.lease.asked > asked + 8 }
            #expect(bed.states.count == 2 && host.number("hostConnections") == 1)
            host.wall.setWall(6000)
            host.place.set(place)
            try await bed.state("online again", host) { $0 == HostStatePayload(isOnline: true, timestamp: 6000) }
            try await host.stop()
        }
    }

    // Assertions: operational-behavior-host-application-multi-server-timestamp,
    // operational-behavior-host-application-termination
    @Test("where the gateway is at another broker now, the host is online there, and offline where it was")
    func otherBroker() async throws {
        try await HostTestBed.with { bed, _ in
            let other = try await Mosquitto()
            let heard = HostTestBed.Setting<[HostStatePayload]>([])
            let ear = try await BrokerLink(
                port: other.port, clientID: "other-edge", subscriptions: [HostTestBed.topic]
            ) { message in
                guard let state = HostStatePayload(message.payload.span) else { return }
                heard.change { $0.append(state) }
            }
            let host = try bed.host("gw1", wall: 5000)
            host.start(bed.lease)
            try await bed.state("online", host) { $0 == HostStatePayload(isOnline: true, timestamp: 5000) }
            host.wall.setWall(6000)
            host.place.set(MQTTBroker(host: "127.0.0.1", port: other.port))
            try await bed.state("offline", host) { $0 == HostStatePayload(isOnline: false, timestamp: 6000) }
            try await eventually("online at the other broker", seen: { "\(heard.value) \(host.lines.all)" }) {
                heard.value == [HostStatePayload(isOnline: true, timestamp: 6001)]
            }
            #expect(try await bed.kept()?.timestamp == 6001)
            #expect(host.number("hostOlderOffline") == 0)
            try await host.stop()
            await ear.close()
        }
    }

    @Test("a lease that is lost while a timestamp is kept: the last will takes back what was said")
    func leaseLostWhileKeeping() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", wall: 5000)
            var duty = HostDuty(host.service, try #require(HostState(id: "h")))
            /// - Parameter answers: how often the lease is had in that turn.
            func turns(_ what: String, answers: Int?, until holds: () -> Bool) async throws {
                for _ in 0..<400 where !holds() {
                    host.lease.set(bed.lease, answers: answers)
                    _ = await duty.turn(isStopping: false)
                    try await Task.sleep(for: .milliseconds(25))
                }
                let isSo = holds()
                try #require(isSo, "\(what): \(bed.states) \(host.lines.all)")
            }
            try await turns("online", answers: nil) {
                bed.states.last == HostStatePayload(isOnline: true, timestamp: 5000)
            }
            // Had when the turn begins, and lost when it is asked for to keep the timestamp.
            try await bed.ear.publish(
                HostTestBed.topic, HostStatePayload(isOnline: false, timestamp: 70_000).encoded, retain: true)
            try await turns("the will", answers: 1) {
                bed.states.last == HostStatePayload(isOnline: false, timestamp: 5000)
            }
            #expect(bed.states.count == 3)
            #expect(try await bed.kept()?.timestamp == 5000)
            host.lease.set(nil)
            await duty.end()
        }
    }

    @Test(
        "a broker that acknowledges nothing: a stop does not wait for each message by itself, and the will says offline"
    )
    func silentBroker() async throws {
        try await HostTestBed.with { bed, _ in
            let host = try bed.host("gw1", old: true, wall: 5000)
            host.start(bed.lease)
            try await bed.state("online", host) { $0.isOnline }
            try await eventually("the old form") { bed.heard(on: "STATE/h").last?.text == "ONLINE" }
            try await eventually("it is counted") { host.number("hostConnections") == 1 }
            let asked = host.lease.asked
            try await eventually("it looks at the lease again") { host.lease.asked > asked + 4 }
            host.wall.setWall(60_000)
            bed.proxy.discard(.toServer)
            host.longestSleep.set(.zero)
            try await host.stop()
            #expect(host.longestSleep.value <= SparkplugHost.farewellTime)
            try await bed.state("offline") { $0 == HostStatePayload(isOnline: false, timestamp: 5000) }
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
