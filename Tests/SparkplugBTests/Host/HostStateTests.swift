import SparkplugB
import Testing

@Suite("STATE of the host")
struct HostStateTests {
    private func host(_ id: String = "h", old: Bool = false, last: Int64? = nil, at now: Int64 = 1000) throws
        -> HostState
    {
        var host = try #require(HostState(id: id, publishesOldForm: old))
        _ = host.activated(last: last, at: now)
        _ = host.connected(at: now)
        return host
    }

    private func state(_ isOnline: Bool, _ timestamp: Int64) -> [UInt8] {
        HostStatePayload(isOnline: isOnline, timestamp: timestamp).encoded
    }

    private func message(_ isOnline: Bool, _ timestamp: Int64) -> HostMessage {
        HostMessage(topic: "spBv1.0/STATE/h", payload: state(isOnline, timestamp))
    }

    private func online(_ timestamp: Int64) -> HostEffect { .publish(message(true, timestamp)) }

    private func hear(
        _ host: inout HostState, _ payload: [UInt8], isRetained: Bool = false, at now: Int64
    ) -> [HostEffect] {
        host.received(payload.span, isRetained: isRetained, at: now)
    }

    // Assertions: operational-behavior-host-application-connect-will,
    // operational-behavior-host-application-connect-birth, message-flow-phid-sparkplug-subscription,
    // message-flow-phid-sparkplug-state-publish, message-flow-phid-sparkplug-state-publish-payload-timestamp,
    // host-topic-phid-birth-required, host-topic-phid-birth-sub-required, host-topic-phid-birth-topic,
    // host-topic-phid-birth-payload-timestamp, host-topic-phid-death-topic, host-topic-phid-death-payload-connect,
    // host-topic-phid-death-payload-timestamp-connect, payloads-state-will-message, payloads-state-birth,
    // payloads-state-subscribe
    @Test("connecting, in order")
    func connecting() throws {
        var host = try #require(HostState(id: "h"))
        #expect(host.activated(last: nil, at: 1000) == [.keepTimestamp(1000), .connect(will: message(false, 1000))])
        #expect(host.activated(last: nil, at: 1001) == [])
        #expect(host.connected(at: 1002) == [.subscribe("spBv1.0/STATE/h"), online(1000)])
        #expect(host.connected(at: 1003) == [])
        #expect(host.phase == .online && HostMessage.isRetained)
        #expect(String(decoding: state(true, 1000), as: UTF8.self) == #"{"online":true,"timestamp":1000}"#)
        #expect(HostState(id: "a/b") == nil && HostState(id: "") == nil && HostState(id: "#") == nil)
    }

    @Test("each connection has a newer timestamp, also when the clock is behind that of the gateway before")
    func timestamps() throws {
        var host = try #require(HostState(id: "h"))
        #expect(host.activated(last: 5000, at: 1000).first == .keepTimestamp(5001))
        // Refused, and lost.
        host.connectionLost(at: 1001)
        #expect(host.deadlineReached(at: 1501) == [.keepTimestamp(5002), .connect(will: message(false, 5002))])
        _ = host.connected(at: 1502)
        host.connectionLost(at: 8000)
        #expect(host.deadlineReached(at: 9000) == [.keepTimestamp(9000), .connect(will: message(false, 9000))])
        #expect(host.connected(at: 9000).last == online(9000))
        // Its own wills arrive behind its births: edge nodes that come later would read them.
        #expect(hear(&host, state(false, 5002), at: 9001) == [online(9000)])
        #expect(host.counters.olderOffline == 1)
    }

    // Assertions: message-flow-hid-sparkplug-state-message-delivered
    @Test("an offline on the own topic is answered with online")
    func ownOffline() throws {
        var host = try host()
        #expect(hear(&host, state(true, 1000), at: 1001) == [])
        #expect(hear(&host, state(false, 999), at: 1002) == [online(1000)])
        // Trap 3.5-4: what is not older beats an online with the same timestamp, so a newer one follows.
        #expect(
            hear(&host, state(false, 1000), at: 2000)
                == [.keepTimestamp(2000), .connect(will: message(false, 2000))])
        #expect(host.connected(at: 2001).last == online(2000))
        // That was this connection's own will: nobody else's.
        #expect(host.counters.newerOffline == 0 && host.counters.olderOffline == 1)
    }

    @Test("a goodbye is newer than a foreign online, because edge nodes would not believe it otherwise")
    func goodbyeAfterForeignOnline() throws {
        var host = try host()
        #expect(hear(&host, state(true, 90_000), at: 2000) == [])
        #expect(
            host.stopped(at: 3000) == [.keepTimestamp(90_000), .publish(message(false, 90_000)), .disconnect])
    }

    @Test(
        "trap 3.5-4: a foreign offline from the future is beaten by a timestamp beyond it, and not more often than every five seconds"
    )
    func foreignOffline() throws {
        var host = try host()
        // It stays retained until what beats it is kept.
        #expect(
            hear(&host, state(false, 50_000), at: 2000) == [
                .keepTimestamp(50_001), .connect(will: message(false, 50_001)),
            ])
        _ = host.connected(at: 2001)
        #expect(hear(&host, state(false, 60_000), at: 3000) == [] && host.isOutdone)
        #expect(hear(&host, state(false, 70_000), at: 4000) == [])
        // Nothing replaces it, whatever else is said.
        for payload in [state(false, 50_001), state(false, 9), state(true, 9), []] {
            #expect(hear(&host, payload, at: 4000) == [])
        }
        #expect(host.deadline == 7000)
        #expect(host.deadlineReached(at: 6999) == [])
        #expect(host.deadlineReached(at: 7000) == [.keepTimestamp(70_001), .connect(will: message(false, 70_001))])
        #expect(host.connected(at: 7001).last == online(70_001))
        #expect(host.deadline == nil && !host.isOutdone)
        // One at T replaces nothing that is newer, and is answered.
        #expect(hear(&host, state(false, 70_001), at: 8000) == [online(70_001)])
        #expect(host.deadline == 12_000)
        // The last moment there is cannot be beaten, and traps nothing.
        let end: Int64 = 253_402_300_799_999
        _ = hear(&host, state(false, end), at: 20_000)
        #expect(host.timestamp == end)
        _ = host.connected(at: 20_001)
        #expect(host.deadline == nil)
        host.connectionLost(at: 30_000)
        #expect(host.deadlineReached(at: 40_000).first == .keepTimestamp(end))
        // Nor can what was kept, whatever it says.
        var other = try #require(HostState(id: "h"))
        #expect(other.activated(last: .max, at: 1000).first == .keepTimestamp(end))
    }

    @Test("trap 3.5-4: a second newer offline that is heard while the answer to the first connects is beaten, too")
    func secondOfflineWhileConnecting() throws {
        var host = try host()
        #expect(hear(&host, state(false, 50_000), at: 2000).count == 2)
        #expect(hear(&host, state(false, 60_000), at: 2000) == [])
        #expect(host.counters.newerOffline == 2)
        // What is retained stays so until then.
        #expect(host.connected(at: 2001) == [.subscribe("spBv1.0/STATE/h")])
        #expect(host.deadline == 7000)
        #expect(host.deadlineReached(at: 7000).first == .keepTimestamp(60_001))
        // One at T of the new connection is answered, and beaten.
        var equal = try self.host()
        _ = hear(&equal, state(false, 50_000), at: 2000)
        #expect(hear(&equal, state(false, 50_001), at: 2000) == [])
        #expect(equal.connected(at: 2001).last == online(50_001) && equal.deadline == 7000)
        // A connection that fails meanwhile does not forget it.
        var lost = try self.host()
        _ = hear(&lost, state(false, 50_000), at: 2000)
        _ = hear(&lost, state(false, 60_000), at: 2000)
        lost.connectionLost(at: 2001)
        #expect(lost.deadlineReached(at: 3000).first == .keepTimestamp(60_001))
        // Our own that come back over the connection before are counted as nothing.
        #expect(hear(&lost, state(true, 1000), at: 3001) == [])
        #expect(lost.counters.foreignOnline == 0 && lost.counters.newerOffline == 2)
    }

    @Test("several messages have one answer, and none that replaces a newer offline among them")
    func severalAtOnce() throws {
        let (older, newer, newest) = (
            (payload: state(false, 9), isRetained: false), (payload: state(false, 50_000), isRetained: false),
            (payload: state(false, 60_000), isRetained: false)
        )
        let reconnection: [HostEffect] = [
            .keepTimestamp(50_001), .connect(will: message(false, 50_001)),
        ]
        var host = try host()
        #expect(host.received([older, older], at: 2000) == [online(1000)])
        #expect(host.received([older, newer, newest, older], at: 2000) == reconnection)
        _ = host.connected(at: 2001)
        #expect(host.received([older, newest, older], at: 2002) == [])
        #expect(host.counters.newerOffline == 3)
        var spaced = try self.host()
        #expect(spaced.received([newer], at: 2000) == reconnection)
        #expect(spaced.connected(at: 2001).last == online(50_001))
        #expect(spaced.received([older, newest], at: 2002) == [])
        #expect(spaced.received([(payload: state(true, 70_000), isRetained: false)], at: 2003) == [])
        var former = try self.host()
        _ = former.handedOver(at: 2000)
        let successor = (payload: state(true, 1001), isRetained: false)
        #expect(former.received([older, successor, newest], at: 2001) == [.disconnect])
    }

    @Test(
        "trap 3.5-4: empty and strange payloads on the own topic are counted, and answered with online",
        arguments: [
            "", "OFFLINE", "ONLINE", "{}", "{\"online\":false}", "{\"online\":1,\"timestamp\":5}",
            "{\"online\":false,\"timestamp\":-1}", "{\"online\":false,\"timestamp\":1e3}", "[]",
            "{\"online\":false,\"timestamp\":5",
            "{\"online\":false,\"timestamp\":253402300800000}", "{\"bdSeq\":1,\"online\":false}",
        ])
    func strange(_ payload: String) throws {
        var host = try host()
        #expect(hear(&host, Array(payload.utf8), at: 2000) == [online(1000)])
        #expect(host.counters.unreadable == 1)
    }

    // Assertions: message-flow-phid-sparkplug-state-publish-payload,
    // operational-behavior-host-application-connect-will-payload,
    // operational-behavior-host-application-connect-birth-payload, operational-behavior-host-application-death-payload,
    // host-topic-phid-birth-payload, host-topic-phid-death-payload, payloads-state-will-message-payload,
    // payloads-state-birth-payload
    @Test("members that are not known are ignored (trap 3.5-3: bdSeq is none of STATE)")
    func unknownMembers() {
        let text = Array(#"{"timestamp":7,"bdSeq":3,"online":true}"#.utf8)
        #expect(HostStatePayload(text.span) == HostStatePayload(isOnline: true, timestamp: 7))
    }

    @Test("an online of another host is counted; an older one is replaced, because it is retained")
    func foreignOnline() throws {
        var host = try host()
        #expect(hear(&host, state(true, 900), at: 2000) == [online(1000)])
        #expect(hear(&host, state(true, 1500), at: 2000) == [])
        #expect(host.counters.foreignOnline == 2 && host.phase == .online)
    }

    // Assertions: operational-behavior-host-application-termination, host-topic-phid-death-payload-disconnect-clean,
    // host-topic-phid-death-payload-timestamp-disconnect-clean
    @Test("a clean stop says offline, and answers nothing any more")
    func stop() throws {
        var host = try host()
        #expect(host.stopped(at: 7000) == [.keepTimestamp(7000), .publish(message(false, 7000)), .disconnect])
        #expect(hear(&host, state(false, 7000), at: 7001) == [])
        host.connectionLost(at: 7002)
        #expect(host.phase == .idle && host.stopped(at: 7003) == [])
        // A clock that is behind: no edge node believes what is older than the online that it has seen.
        var other = try self.host(last: 20_000)
        #expect(other.stopped(at: 7000).dropFirst().first == .publish(message(false, 20_001)))
        // It can be active again.
        #expect(other.activated(last: 20_001, at: 7000).first == .keepTimestamp(20_002))
        var early = try #require(HostState(id: "h"))
        _ = early.activated(last: nil, at: 1)
        #expect(early.stopped(at: 2) == [.disconnect])
    }

    @Test("3.6: a hand-over has no moment at which the host is offline, and the one that leaves says nothing")
    func handover() throws {
        var former = try host(at: 1000)
        var successor = try #require(HostState(id: "h"))
        #expect(former.handedOver(at: 2000) == [])
        // The clock of the successor is behind.
        _ = successor.activated(last: 1000, at: 500)
        let said = successor.connected(at: 501).compactMap {
            if case .publish(let message) = $0 { message.payload } else { nil }
        }
        #expect(said == [state(true, 1001)])
        #expect(hear(&former, said[0], at: 2100) == [.disconnect])
        #expect(hear(&successor, said[0], at: 600) == [])
        former.connectionLost(at: 2200)
        #expect(former.phase == .idle && former.deadline == nil)
    }

    @Test("3.6: the will of a peer that has died comes behind our birth, and is replaced")
    func lateWill() throws {
        var successor = try host(last: 4000, at: 3000)
        #expect(hear(&successor, state(false, 4000), at: 3100) == [online(4001)])
    }

    @Test("a hand-over to nobody ends as a stop; a newer offline meanwhile is left for the successor to beat")
    func handoverToNobody() throws {
        var host = try host()
        _ = host.handedOver(at: 2000)
        #expect(host.deadline == 12_000)
        #expect(hear(&host, state(false, 999), at: 2500) == [online(1000)])
        #expect(hear(&host, state(false, 1000), at: 2500) == [online(1000)])
        #expect(hear(&host, state(false, 9000), at: 2500) == [])
        #expect(hear(&host, state(false, 999), at: 2600) == [])
        #expect(
            host.deadlineReached(at: 12_000) == [.keepTimestamp(12_000), .publish(message(false, 12_000)), .disconnect])
        // Nor does its own goodbye say less than what it has heard.
        var outdone = try self.host()
        _ = outdone.handedOver(at: 2000)
        _ = hear(&outdone, state(false, 90_000), at: 2500)
        #expect(
            outdone.deadlineReached(at: 12_000)
                == [.keepTimestamp(90_000), .publish(message(false, 90_000)), .disconnect])
        // Activated again it beats it.
        var back = try self.host()
        _ = back.handedOver(at: 2000)
        _ = hear(&back, state(false, 90_000), at: 2500)
        #expect(back.activated(last: 1000, at: 3000) == [] && back.deadline == 8000)
        #expect(back.deadlineReached(at: 8000).first == .keepTimestamp(90_001))
        var connecting = try #require(HostState(id: "h"))
        _ = connecting.activated(last: nil, at: 1)
        #expect(connecting.handedOver(at: 2) == [.disconnect] && connecting.phase == .idle)
        var lost = try self.host()
        _ = lost.handedOver(at: 2000)
        lost.connectionLost(at: 2001)
        #expect(lost.phase == .idle)
        var waiting = try self.host()
        waiting.connectionLost(at: 2000)
        #expect(waiting.handedOver(at: 2001) == [] && waiting.phase == .idle)
    }

    @Test("trap 3.5-5: edge nodes from before version 3.0 are told as well, where that is wanted")
    func oldForm() throws {
        var host = try #require(HostState(id: "h", publishesOldForm: true))
        _ = host.activated(last: nil, at: 1000)
        #expect(host.connected(at: 1001).last == .publish(HostMessage(topic: "STATE/h", payload: Array("ONLINE".utf8))))
        #expect(
            host.stopped(at: 2000).dropFirst().dropLast() == [
                .publish(message(false, 2000)), .publish(HostMessage(topic: "STATE/h", payload: Array("OFFLINE".utf8))),
            ])
    }

    @Test("what was retained before the own online is the past, unless it is newer: that is beaten, and no alarm")
    func retained() throws {
        var host = try host()
        for payload in [state(false, 999), state(true, 999), [], Array("OFFLINE".utf8)] {
            #expect(hear(&host, payload, isRetained: true, at: 1001) == [])
        }
        #expect(host.counters == HostState.Counters() && host.phase == .online)
        #expect(hear(&host, state(true, 2000), isRetained: true, at: 1001) == [])
        #expect(host.counters.foreignOnline == 1)
        #expect(
            hear(&host, state(false, 3000), isRetained: true, at: 1001)
                == [.keepTimestamp(3001), .connect(will: message(false, 3001))])
        #expect(host.counters.newerOffline == 0)
    }

    @Test("the successor's online may come before the news that there is one: then the former leaves without a word")
    func earlySuccessor() throws {
        var host = try host()
        #expect(hear(&host, state(true, 1001), at: 2000) == [])
        #expect(host.handedOver(at: 2001) == [.disconnect] && host.phase == .idle)
        // An online of an earlier connection's time says nothing about the successor.
        var other = try self.host()
        _ = hear(&other, state(true, 1001), at: 2000)
        other.connectionLost(at: 2001)
        _ = other.deadlineReached(at: 3000)
        _ = other.connected(at: 3001)
        #expect(other.handedOver(at: 3002) == [] && other.phase == .handingOver(until: 13_002))
        // Nor does one that came longer ago than a successor may take: it was another host's.
        var stray = try self.host()
        _ = hear(&stray, state(true, 1001), at: 2000)
        #expect(stray.handedOver(at: 12_000) == [] && stray.phase == .handingOver(until: 22_000))
        var recent = try self.host()
        _ = hear(&recent, state(true, 1001), at: 2000)
        #expect(recent.handedOver(at: 11_999) == [.disconnect])
    }

    @Test("a gateway that is active again stays online when no other has been active, else it is newer than that one")
    func activeAgain() throws {
        var host = try host()
        _ = host.handedOver(at: 2000)
        #expect(host.activated(last: 1000, at: 3000) == [online(1000)] && host.phase == .online)
        #expect(host.deadlineReached(at: 60_000) == [])
        _ = host.handedOver(at: 60_000)
        #expect(
            host.activated(last: 70_000, at: 61_000) == [
                .keepTimestamp(70_001), .connect(will: message(false, 70_001)),
            ])
    }

    @Test(
        "attempts keep a distance, which grows to ten seconds while they fail, and begins again after a long connection"
    )
    func pauses() throws {
        var host = try #require(HostState(id: "h"))
        _ = host.activated(last: nil, at: 0)
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<7 {
            host.connectionLost(at: now)
            let until = try #require(host.deadline)
            pauses.append(until - now)
            #expect(host.phase == .waiting(until: until) && host.deadlineReached(at: until - 1) == [])
            #expect(host.deadlineReached(at: until).count == 2 && host.phase == .connecting)
            now = until
        }
        #expect(pauses == [500, 1000, 2000, 4000, 8000, 10_000, 10_000])
        // A connection that is short, as those of two clients with one id are, is no better than none.
        _ = host.connected(at: now)
        host.connectionLost(at: now + 9_999)
        #expect(host.deadline == now + 19_999)
        now += 19_999
        _ = host.deadlineReached(at: now)
        _ = host.connected(at: now)
        host.connectionLost(at: now + 10_000)
        #expect(host.deadline == now + 10_500)
    }

    @Test("a gateway that becomes active again and again connects no more often than every half second")
    func flappingLease() throws {
        var host = try #require(HostState(id: "h"))
        #expect(host.activated(last: nil, at: 1000).count == 2)
        _ = host.handedOver(at: 1100)
        #expect(host.activated(last: 1000, at: 1200) == [] && host.deadline == 1500)
        #expect(host.stopped(at: 1300) == [] && host.phase == .idle)
        #expect(host.activated(last: 1000, at: 1500).first == .keepTimestamp(1500))
    }

    @Test("a clock that is set back by a day delays nothing by a day")
    func clockSetBack() throws {
        let day: Int64 = 86_400_000
        var host = try host(at: day)
        host.connectionLost(at: day)
        #expect(host.deadlineReached(at: 1000).first == .keepTimestamp(day + 1))
        _ = host.connected(at: 1001)
        _ = host.handedOver(at: day)
        #expect(host.deadlineReached(at: 2000).contains(.publish(message(false, day + 1))))
        var other = try self.host(at: day)
        _ = hear(&other, state(false, day), at: day)
        _ = other.connected(at: day)
        #expect(hear(&other, state(false, day + 5), at: 1000).contains(.keepTimestamp(day + 6)))
        #expect(other.activated(last: nil, at: 1000) == [])
    }

    // Assertions: operational-behavior-host-application-multi-server-timestamp,
    // operational-behavior-host-application-termination
    @Test(
        """
        the connection follows the others to another broker with a timestamp of its own, and says offline where it was
        """)
    func brokerChanged() throws {
        var host = try host()
        #expect(
            host.brokerChanged(at: 1500) == [
                .keepTimestamp(1501), .publish(message(false, 1500)), .connect(will: message(false, 1501)),
            ])
        #expect(host.brokerChanged(at: 1600) == [])
        // The own offline may come back over the connection that is left.
        #expect(hear(&host, state(false, 1500), at: 1600) == [] && host.counters == HostState.Counters())
        #expect(host.connected(at: 1601).last == online(1501))
        // A clock that is behind: the offline is believed all the same.
        var behind = try self.host(last: 20_000)
        #expect(
            behind.brokerChanged(at: 1500) == [
                .keepTimestamp(20_002), .publish(message(false, 20_001)), .connect(will: message(false, 20_002)),
            ])
    }
}
