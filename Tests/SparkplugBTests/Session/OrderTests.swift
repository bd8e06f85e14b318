import SparkplugB
import Testing

@Suite("Session: the order of messages")
struct OrderTests {
    private func born(_ sequence: UInt64 = 0, asksFirst: Bool = true, rule: EdgeNodeRule = EdgeNodeRule()) -> Listener {
        var listener = Listener(rule: rule, asksFirst: asksFirst)
        _ = listener.hear(.nodeBirth, birth(from: sequence, [int("a", alias: 1, 0)]), at: 0)
        return listener
    }

    // Assertions: payloads-sequence-num-incrementing, payloads-sequence-num-req-nbirth,
    // payloads-sequence-num-zero-nbirth, topics-nbirth-seq-num, topics-ndata-seq-num, payloads-nbirth-seq,
    // payloads-ndata-seq, payloads-ndata-seq-inc
    @Test(
        "numbers wrap from 255 to 0, whatever the birth has; trap 3.5-1",
        arguments: [0, 1, 200, 255])
    func wrap(_ start: UInt64) {
        var listener = born(start)
        for step in UInt64(1)...600 {
            #expect(
                listener.hear(
                    .nodeData, message((start + step) % 256, at: 1000 + step, [int(1, UInt32(step))]), at: Int64(step))
                    == ["a=\(step)"])
        }
        #expect(listener.session.counters.duplicates == 0 && listener.session.counters.gaps == 0)
    }

    // Assertions: operational-behavior-host-reordering-start, operational-behavior-host-reordering-success
    @Test("what is ahead waits, and is told in its order when the gap closes")
    func healed() {
        var listener = born()
        #expect(listener.hear(.nodeData, message(3, [int(1, 3)]), at: 10) == [])
        #expect(listener.session.deadline == 2010)
        #expect(listener.hear(.nodeData, message(2, [int(1, 2)]), at: 20) == [])
        #expect(listener.hear(.nodeData, message(1, [int(1, 1)]), at: 2000) == ["a=1", "a=2", "a=3"])
        #expect(listener.session.counters.healedGaps == 1 && listener.session.counters.gaps == 0)
        #expect(listener.advance(to: 60_000).isEmpty)
    }

    // Assertions: operational-behavior-host-reordering-rebirth, operational-behavior-host-reordering-param
    @Test("what waits is told when the window is over, and a rebirth is asked for")
    func expired() {
        var rule = EdgeNodeRule()
        rule.reorderWindow = 700
        rule.rebirth.spread = 0
        var listener = born(rule: rule)
        #expect(listener.hear(.nodeData, message(2, [int(1, 2)]), at: 10) == [])
        #expect(listener.hear(.nodeData, message(5, [int(1, 5), int("a", 6)]), at: 100) == [])
        #expect(listener.advance(to: 709) == [])
        #expect(listener.advance(to: 710) == ["a=2 unproven", "rebirth: messages are missing"])
        #expect(listener.advance(to: 800) == ["a=5 unproven", "a=6"])
        // What was given up is not told behind what came after it.
        #expect(listener.hear(.nodeData, message(4, [int(1, 4)]), at: 810) == [])
        #expect(listener.hear(.nodeData, message(1, [int(1, 1)]), at: 820) == [])
        #expect(listener.session.counters.late == 2 && listener.session.counters.gaps == 2)
        #expect(listener.hear(.nodeData, message(6, [int(1, 7)]), at: 830) == ["a=7 unproven"])
        // The birth proves the aliases again.
        _ = listener.hear(.nodeBirth, birth(at: 9000, [int("a", alias: 1, 8)]), at: 840)
        #expect(listener.hear(.nodeData, message(1, at: 9001, [int(1, 9)]), at: 850) == ["a=9"])
    }

    @Test("messages that come twice are taken once, in order, waiting, and long after")
    func duplicates() {
        var listener = born()
        let first = message(1, at: 2001, [int(1, 1)])
        #expect(listener.hear(.nodeData, first, at: 1) == ["a=1"])
        #expect(listener.hear(.nodeData, first, at: 2) == [])
        let third = message(3, at: 2003, [int(1, 3)])
        #expect(listener.hear(.nodeData, third, at: 3) == [])
        #expect(listener.hear(.nodeData, third, at: 4) == [])
        #expect(listener.hear(.nodeData, message(2, at: 2002, [int(1, 2)]), at: 5) == ["a=2", "a=3"])
        for step in UInt64(4)...240 { _ = listener.hear(.nodeData, message(step, at: 2000 + step), at: 10) }
        #expect(listener.hear(.nodeData, first, at: 11) == [])
        #expect(listener.hear(.nodeBirth, birth([int("a", alias: 1, 0)]), at: 12) == [])
        #expect(listener.session.counters.duplicates == 4)
        #expect(listener.advance(to: 60_000) == [])
    }

    @Test("so many messages are missing that what follows looks as if it came late")
    func longGap() {
        var listener = born()
        _ = listener.hear(.nodeData, message(1, at: 2001, [int(1, 1)]), at: 1)
        // 2 to 199 are missing.
        for step in UInt64(200)...203 {
            #expect(listener.hear(.nodeData, message(step, at: 3000 + step, [int(1, UInt32(step))]), at: 2) == [])
        }
        let told = listener.advance(to: 5000)
        #expect(told.filter { $0.hasPrefix("a=") } == (200...203).map { "a=\($0) unproven" })
        #expect(listener.hear(.nodeData, message(204, at: 4000, [int("a", 204)]), at: 6000).contains("a=204"))
        // The numbers behind these are not taken for late ones.
        #expect(listener.hear(.nodeData, message(206, at: 4002, [int("a", 206)]), at: 6000) == [])
        #expect(listener.hear(.nodeData, message(205, at: 4001, [int("a", 205)]), at: 6000) == ["a=205", "a=206"])
    }

    @Test("waiting is bounded in messages and in bytes")
    func bounds() {
        var capacities = EdgeNodeCapacities()
        capacities.heldMessages = 3
        capacities.heldBytes = 200
        var listener = Listener(capacities: capacities)
        _ = listener.hear(.nodeBirth, birth([int("a", alias: 1, 0)]), at: 0)
        for step in [6, 3, 5] as [UInt64] {
            #expect(listener.hear(.nodeData, message(step, [int("a", UInt32(step))]), at: 1) == [])
        }
        #expect(listener.hear(.nodeData, message(4, [int("a", 4)]), at: 1) == ["a=3", "a=4", "a=5", "a=6"])
        let long = SparkplugMetric(name: "a", type: .string, value: .string(String(repeating: "x", count: 300)))
        #expect(listener.hear(.nodeData, message(9, [long]), at: 2).count == 1)
        // Without a birth it is dropped.
        var unborn = Listener(capacities: capacities)
        for step in UInt64(1)...4 { #expect(unborn.hear(.nodeData, message(step), at: 1) == []) }
        #expect(unborn.session.counters.dataBeforeBirth == 4)
    }

    // Assertions: message-flow-device-birth-publish-nbirth-wait, topics-dbirth-seq, topics-ddata-seq-num,
    // payloads-dbirth-seq, payloads-dbirth-seq-inc, payloads-ddata-seq, payloads-ddata-seq-inc, payloads-ddata-order
    @Test("what overtakes its birth waits for it")
    func overtaking() {
        var listener = Listener()
        #expect(listener.hear(.deviceBirth, message(1, at: 1001, [int("b", alias: 2, 1)]), device: "d", at: 1) == [])
        #expect(listener.hear(.deviceData, message(2, at: 1002, [int(2, 2)]), device: "d", at: 2) == [])
        #expect(
            listener.hear(.nodeBirth, birth(at: 1000, [int("a", alias: 1, 1)]), at: 3)
                == ["node online at 3", "a=1", "d online at 1", "d:b=1", "d:b=2"])
        #expect(listener.session.deadline == 10_003)
    }

    @Test("messages that wait when a birth comes are told before it or behind it, by their own time")
    func aroundABirth() {
        var listener = born()
        _ = listener.hear(.nodeData, message(1, at: 1500, [int("a", 1)]), at: 1)
        #expect(listener.hear(.nodeData, message(5, at: 2000, [int("a", 5)]), at: 2) == [])
        #expect(listener.hear(.nodeData, message(3, at: 3003, [int(7, 23)]), at: 3) == [])
        #expect(
            listener.hear(.nodeBirth, birth(from: 2, at: 3002, [int("b", alias: 7, 20)]), at: 4)
                == ["a=5", "b=20", "a stale", "b=23"])
        // One of a session before that comes later still is not taken for one of this.
        #expect(listener.hear(.nodeData, message(9, at: 2001, [int("b", 99)]), at: 5) == [])
        #expect(listener.session.counters.late == 1)
    }

    @Test("a birth that comes behind a newer one, or behind its own death, is not taken")
    func lateBirths() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth(number: 2, at: 50_000, [int("a", alias: 1, 2)]), at: 100)
        #expect(listener.hear(.nodeBirth, birth(number: 1, at: 49_000, [int("a", alias: 9, 1)]), at: 200) == [])
        #expect(listener.latest["a"] == .integer(2))
        // Its clock has been set back: it is a birth like any other.
        #expect(listener.hear(.nodeBirth, birth(number: 3, at: 1000, [int("a", alias: 1, 3)]), at: 300) == ["a=3"])
        _ = listener.hear(.nodeDeath, death(3), at: 400)
        #expect(listener.hear(.nodeBirth, birth(number: 3, at: 1000, [int("a", alias: 1, 3)]), at: 500) == [])
        #expect(listener.session.state == .offline)
        #expect(listener.hear(.nodeBirth, birth(number: 4, at: 1001, [int("a", alias: 1, 4)]), at: 600).last == "a=4")
        // A client whose bdSeq never changes.
        _ = listener.hear(.nodeDeath, death(4), at: 700)
        #expect(listener.hear(.nodeBirth, birth(number: 4, at: 1002, [int("a", alias: 1, 5)]), at: 800).last == "a=5")
    }

    // Assertions: payloads-sequence-num-always-included
    @Test("a client that does not count is taken as it comes; one that counts on is understood")
    func withoutNumbers() {
        var listener = Listener()
        #expect(listener.hear(.nodeData, message(nil, [int(1, 1)]), at: 0) == [])
        _ = listener.hear(.nodeBirth, birth(from: nil, [int("a", alias: 1, 0)]), at: 0)
        #expect(listener.hear(.nodeData, message(nil, [int(1, 1)]), at: 1) == ["a=1"])
        for step in UInt64(1)...300 {
            #expect(listener.hear(.nodeData, message(step, at: 2000 + step, [int(1, 2)]), at: 2) == ["a=2"])
        }
    }

    @Test("a message that cannot be read leaves a gap, one with a bad metric does not")
    func unreadable() {
        var listener = born()
        #expect(listener.hear(.nodeData, [0x12], at: 1) == ["unreadable NDATA: unexpectedEnd"])
        var bad = message(1, [int(1, 1)]).encoded
        bad += [0x12, 0x01, 0x10]
        #expect(listener.hear(.nodeData, bad, at: 2).first == "a=1")
        #expect(listener.session.counters.unreadableMetrics == 1 && listener.session.counters.unreadableMessages == 1)
        // Commands of other hosts, and topics that do not go with their type, mean nothing.
        #expect(listener.hear(.nodeCommand, message(nil, [int("a", 1)]), at: 3) == [])
        #expect(listener.hear(.deviceData, message(2, [int(1, 1)]), at: 3) == [])
        #expect(listener.hear(.nodeData, message(2, [int(1, 2)]), at: 3) == ["a=2"])
    }
}
