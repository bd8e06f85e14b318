import SparkplugB
import Testing

@Suite("Session: requests for rebirths, and the connection to the broker")
struct RebirthTests {
    private func born(seed: UInt64 = 1, asksFirst: Bool = true) -> Listener {
        var listener = Listener(seed: seed, asksFirst: asksFirst)
        _ = listener.hear(.nodeBirth, birth([int("a", alias: 1, 0)]), at: 0)
        _ = listener.hear(.deviceBirth, message(1), device: "d", at: 0)
        return listener
    }

    /// Advances from deadline to deadline, and says when which rebirth was asked for.
    private func requests(_ listener: inout Listener, until end: Int64) -> [Int64] {
        var times: [Int64] = []
        while let deadline = listener.session.deadline, deadline <= end {
            if listener.advance(to: deadline).contains(where: { $0.hasPrefix("rebirth") }) { times.append(deadline) }
        }
        return times
    }

    // Assertions: topics-dbirth-metric-reqs, operational-behavior-data-publish-dbirth, payloads-ndata-order
    @Test("each cause leads to a request, soon and once")
    func causes() {
        let causes: [(SparkplugMessageType, SparkplugPayload, String, RebirthReason)] = [
            (.nodeData, message(2, [int(77, 1)]), "", .unknownMetric),
            (.nodeData, message(2, [int("unknown", 1)]), "", .unknownMetric),
            (.deviceData, message(2, [int("unknown", 1)]), "d", .unknownMetric),
            (.deviceData, message(2), "unknown", .unknownDevice),
            (.nodeData, message(3), "", .gap),
        ]
        for (type, payload, device, reason) in causes {
            var listener = born()
            for _ in 0..<3 { #expect(listener.hear(type, payload, device: device, at: 100) == []) }
            // The window of a gap, and then the spread.
            #expect((listener.advance(to: 2100) + listener.advance(to: 2600)).contains("rebirth: \(reason.rawValue)"))
            #expect(listener.advance(to: 29_000).filter { $0.hasPrefix("rebirth") } == [])
        }
        var unborn = Listener()
        #expect(unborn.hear(.nodeData, message(0), at: 100) == [])
        #expect(unborn.advance(to: 2099) == [] && unborn.advance(to: 2100) == [])
        #expect(unborn.advance(to: 2600) == ["rebirth: data before a birth"])
    }

    @Test("requests that are not answered are repeated at growing distances, of which the least is kept across births")
    func spacing() {
        var listener = born()
        _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 0)
        let times = requests(&listener, until: 8 * 3_600_000)
        #expect(times.count > 20 && times.count < 40, "\(times)")
        let distances = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(distances.allSatisfy { $0 >= 30_000 && $0 <= 900_000 * 5 / 4 }, "\(distances)")
        #expect(distances.suffix(10).allSatisfy { $0 >= 900_000 })
        #expect(zip(distances, distances.dropFirst()).prefix(4).allSatisfy { $1 > $0 })
        // Answered, and wanted again at once.
        let last = times.last ?? 0
        _ = listener.hear(.nodeBirth, birth(at: 9000), at: last + 10)
        _ = listener.hear(.nodeData, message(1, at: 9001, [int(77, 1)]), at: last + 20)
        let next = requests(&listener, until: last + 1_200_000)
        #expect(next.count == 1 && next[0] >= last + 900_000, "\(next)")
    }

    @Test("long after the last request the distance is the least one again")
    func reset() {
        var listener = born()
        _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 0)
        _ = requests(&listener, until: 300_000)
        _ = listener.hear(.nodeBirth, birth(at: 9000), at: 300_000)
        _ = listener.hear(.nodeData, message(1, at: 9001, [int(77, 1)]), at: 10_000_000)
        let times = requests(&listener, until: 10_040_000)
        #expect(times.count == 2 && times[0] <= 10_000_500, "\(times)")
    }

    @Test("a gateway that does not ask first asks later, spread, and not at all when a birth has come meanwhile")
    func later() {
        var times: [Int64] = []
        for seed in UInt64(0)..<200 {
            var listener = born(seed: seed, asksFirst: false)
            _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 100)
            if seed.isMultiple(of: 2) { _ = listener.hear(.nodeBirth, birth(at: 9000), at: 10_000) }
            let own = requests(&listener, until: 40_600)
            #expect(own.count == (seed.isMultiple(of: 2) ? 0 : 1), "seed \(seed): \(own)")
            #expect(own.allSatisfy { $0 >= 10_100 }, "seed \(seed): \(own)")
            times += own
        }
        let seconds = Dictionary(grouping: times) { $0 / 1000 }
        #expect(seconds.count > 20, "\(seconds.mapValues(\.count))")
    }

    @Test(
        "what a gateway lacks because it was started it asks for at once, whoever asks first, and again while it is in vain"
    )
    func ownCause() {
        for seed in UInt64(0)..<50 {
            var listener = Listener(seed: seed, asksFirst: false)
            _ = listener.hear(.nodeData, message(5), at: 0)
            var times = requests(&listener, until: 2_000)
            if seed.isMultiple(of: 2) { listener.session.precedenceChanged(asksFirst: true, at: 2_000) }
            times += requests(&listener, until: 40_000)
            #expect(times.count == 2 && times[0] >= 2_000 && times[0] <= 2_500 && times[1] >= 32_000, "\(times)")
        }
        // After a takeover, and when another one asks first, nothing changes.
        var listener = Listener(asksFirst: true)
        listener.sendsRequests = false
        _ = listener.hear(.nodeData, message(5), at: 0)
        #expect(requests(&listener, until: 2_500).count == 1)
        listener.session.precedenceChanged(asksFirst: false, at: 2_600)
        #expect(listener.session.isRebirthDue)
    }

    @Test("data after a death lacks a birth that all may have missed: the others ask later")
    func sharedCause() {
        var listener = born(asksFirst: false)
        _ = listener.hear(.nodeDeath, death(0), at: 10)
        _ = listener.hear(.nodeData, message(3), at: 20)
        #expect(requests(&listener, until: 12_019) == [])
        #expect(requests(&listener, until: 43_000).count == 1)
    }

    @Test("an edge node that was heard before its birth, and leaves requests unanswered, is stale")
    func staleUnborn() {
        var listener = Listener()
        _ = listener.hear(.nodeData, message(5), at: 0)
        var told: [String] = []
        while told.count < 2, let deadline = listener.session.deadline, deadline < 3_600_000 {
            told = listener.advance(to: deadline)
        }
        #expect(told.count == 2 && told[1].hasPrefix("node stale at"), "\(told)")
        #expect(listener.session.counters.rebirthRequests == 4)
        #expect(listener.hear(.nodeBirth, birth(at: 9000), at: 3_600_001).last == "node online at 3600001")
    }

    @Test("a request that could not be sent after all changes nothing, and is due at once")
    func failed() {
        var listener = born()
        listener.sendsRequests = false
        _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 0)
        for round in Int64(0)..<10 {
            #expect(requests(&listener, until: 1_000 + round).count == 1)
            listener.session.rebirthSent(at: 1_000 + round)
            listener.session.rebirthFailed(at: 1_000 + round)
            #expect(listener.session.deadline == 1_000 + round)
        }
        #expect(listener.session.counters.rebirthRequests == 0 && listener.session.state == .online)
        // The next one that leaves has the least distance to the one after it.
        listener.sendsRequests = true
        let times = requests(&listener, until: 60_000)
        #expect(times.count == 2 && times[1] - times[0] <= 37_500, "\(times)")
        // Without a request there is nothing that could fail.
        var another = born()
        another.session.rebirthFailed(at: 10)
        #expect(another.session.counters.rebirthRequests == 0)
    }

    @Test("a birth that comes before a request is known not to have left settles it")
    func failedAndBorn() {
        var listener = born()
        _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 0)
        #expect(requests(&listener, until: 1_000).count == 1)
        _ = listener.hear(.nodeBirth, birth(at: 9000), at: 1_100)
        listener.session.rebirthFailed(at: 1_200)
        #expect(requests(&listener, until: 3_600_000) == [])
        #expect(listener.session.counters.rebirthRequests == 0)
    }

    @Test("while the connection is lost no request is due that waited to be sent: its answer could not be heard")
    func lostWhileWaiting() {
        var listener = born()
        listener.sendsRequests = false
        _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 0)
        #expect(requests(&listener, until: 1_000).count == 1 && listener.session.isRebirthDue)
        _ = listener.connectionLost(at: 1_100)
        #expect(!listener.session.isRebirthDue)
        listener.session.connectionRegained(at: 2_000)
        #expect(!listener.session.isRebirthDue)
        #expect(requests(&listener, until: 32_000).count == 1 && listener.session.isRebirthDue)
    }

    @Test("on a takeover only what is still wanted is asked, spread, and nothing later than it would have been")
    func takeover() {
        var times: [Int64] = []
        for seed in UInt64(0)..<200 {
            var listener = born(seed: seed, asksFirst: false)
            if seed.isMultiple(of: 2) { _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 100) }
            let before = listener.session.deadline
            listener.session.precedenceChanged(asksFirst: true, at: 200)
            #expect(listener.session.deadline ?? .max <= before ?? .max, "seed \(seed)")
            let own = requests(&listener, until: 30_200)
            #expect(own.count == (seed.isMultiple(of: 2) ? 1 : 0), "seed \(seed): \(own)")
            times += own
        }
        // 100 edge nodes over 30 seconds: no second has a sixth of them.
        let seconds = Dictionary(grouping: times) { $0 / 1000 }
        #expect(seconds.values.allSatisfy { $0.count <= 16 }, "\(seconds.mapValues(\.count))")
        #expect(seconds.count > 20)
    }

    @Test("a gateway that no longer asks first gives the other one time before it asks itself")
    func handedOver() {
        var listener = born()
        listener.sendsRequests = false
        _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 0)
        #expect(listener.advance(to: 1_000).count == 1 && listener.session.isRebirthDue)
        listener.session.precedenceChanged(asksFirst: false, at: 2_000)
        #expect(!listener.session.isRebirthDue)
        #expect(requests(&listener, until: 11_999) == [])
        #expect(requests(&listener, until: 42_000).count == 1)
    }

    @Test(
        "a request that has not been sent is not unanswered: none is due beside it, and the edge node is not called stale"
    )
    func unsent() {
        var listener = born()
        listener.sendsRequests = false
        _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 0)
        #expect(requests(&listener, until: 3_600_000).count == 1)
        #expect(listener.session.isRebirthDue && listener.session.deadline == nil)
        #expect(listener.session.counters.rebirthRequests == 0)
        listener.session.rebirthSent(at: 3_600_000)
        listener.session.rebirthSent(at: 3_600_001)
        #expect(!listener.session.isRebirthDue && listener.session.counters.rebirthRequests == 1)
        #expect(listener.session.deadline ?? 0 >= 3_630_000)
        #expect(requests(&listener, until: 7_200_000).count == 1)
        #expect(listener.session.state == .online)
        // Born before it was sent: it is needless.
        _ = listener.hear(.nodeBirth, birth(at: 9000), at: 7_200_000)
        #expect(!listener.session.isRebirthDue)
    }

    @Test("without a connection to the broker no request is due; when it is back, what is wanted is spread")
    func withoutConnection() {
        var times: Set<Int64> = []
        for seed in UInt64(0)..<50 {
            var listener = born(seed: seed)
            _ = listener.hear(.nodeData, message(2, [int(77, 1)]), at: 0)
            _ = listener.connectionLost(at: 10)
            #expect(requests(&listener, until: 3_600_000) == [])
            #expect(listener.session.deadline == nil)
            listener.session.connectionRegained(at: 3_600_000)
            let own = requests(&listener, until: 3_630_000)
            #expect(own.count == 1)
            times.formUnion(own)
        }
        #expect(times.count > 25, "they are asked together: \(times)")
    }

    @Test("two gateways that hear the same have the same tables")
    func determinism() {
        var first = born(seed: 7)
        var second = born(seed: 7, asksFirst: false)
        for step in UInt64(2)..<200 where step % 7 != 0 {
            let payload = message(step, at: 2000 + step, [int(1, UInt32(step)), int(step, 1)])
            let told = first.hear(.nodeData, payload, at: Int64(step) * 100)
            let other = second.hear(.nodeData, payload, at: Int64(step) * 100)
            #expect(told.filter { !$0.hasPrefix("rebirth") } == other.filter { !$0.hasPrefix("rebirth") })
        }
        #expect(first.latest == second.latest)
    }

    @Test("after the broker was away, the number that was next proves that nothing is missing")
    func continuity() {
        var listener = born()
        #expect(listener.connectionLost(at: 10) == [])
        listener.session.connectionRegained(at: 60_000)
        #expect(listener.hear(.nodeData, message(2, [int(1, 5)]), at: 60_010) == ["a=5"])
        #expect(listener.advance(to: 600_000) == [])
    }

    @Test("any other number is taken as it comes, and a rebirth is asked for, spread widely")
    func missed() {
        var listener = born()
        _ = listener.hear(.nodeData, message(4, [int("a", 4)]), at: 5)
        // What waits is told: what is missing will not come.
        #expect(listener.connectionLost(at: 10) == ["a=4"])
        listener.session.connectionRegained(at: 60_000)
        #expect(listener.hear(.nodeData, message(90, [int(1, 5)]), at: 60_010).contains("a=5 unproven"))
        #expect(listener.hear(.nodeData, message(89, [int(1, 4)]), at: 60_011).filter { $0.hasPrefix("a=") } == [])
        #expect(listener.session.counters.late == 1)
        #expect(listener.hear(.nodeBirth, birth(at: 70_000, [int("a", alias: 1, 6)]), at: 60_020).contains("a=6"))
        #expect(listener.hear(.nodeData, message(1, at: 70_001, [int(1, 7)]), at: 60_021) == ["a=7"])
    }

    @Test("an edge node that is silent after the broker was away is asked, and stale when it does not answer")
    func silence() {
        var times: [Int64] = []
        for seed in UInt64(0)..<50 {
            var listener = born(seed: seed)
            _ = listener.connectionLost(at: 10)
            listener.session.connectionRegained(at: 100_000)
            let first = requests(&listener, until: 170_000).first ?? 0
            #expect(first >= 130_000 && first <= 160_000, "\(first)")
            times.append(first)
            var told: [String] = []
            while listener.session.state == .online, let deadline = listener.session.deadline, deadline < 3_600_000 {
                told = listener.advance(to: deadline)
            }
            #expect(listener.session.counters.rebirthRequests == 4)
            #expect(told.count == 3 && told[1].hasPrefix("node stale") && told[2].hasPrefix("d stale"), "\(told)")
            // It was there all the time.
            #expect(
                listener.hear(.nodeData, message(2, [int(1, 5)]), at: 3_600_001).suffix(2) == [
                    "node online at 3600001", "a=5",
                ])
        }
        #expect(Set(times).count > 25, "they are asked together: \(times)")
    }

    @Test(
        "a death that is heard, or no birth before the broker was away: nothing is asked; a death behind that: whether it is over"
    )
    func nothingToAsk() {
        var heard = born()
        _ = heard.hear(.nodeDeath, death(0), at: 30)
        #expect(heard.session.deadline == nil)
        var listener = born()
        _ = listener.connectionLost(at: 10)
        listener.session.connectionRegained(at: 20)
        _ = listener.hear(.nodeDeath, death(0), at: 30)
        #expect(listener.session.wantedBirth == .unclearDeath)
        // It does not answer, so it is dead, and left in peace.
        while let deadline = listener.session.deadline, deadline < 3_600_000 { _ = listener.advance(to: deadline) }
        #expect(listener.session.deadline == nil && listener.session.state == .offline)
        #expect(listener.session.counters.rebirthRequests == listener.session.rule.unansweredRequests)
        var unborn = Listener()
        _ = unborn.connectionLost(at: 10)
        unborn.session.connectionRegained(at: 20)
        #expect(unborn.session.deadline == nil)
        #expect(unborn.hear(.nodeBirth, birth(), at: 30) == ["node online at 30"])
    }
}
