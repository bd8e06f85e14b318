import SparkplugB
import Testing

@Suite("Session: births and deaths")
struct BirthAndDeathTests {
    // Assertions: topics-nbirth-metrics, topics-dbirth-metrics, topics-ndata-payload, topics-ddata-payload
    @Test("a birth tells values, and what later messages mean by an alias")
    func births() {
        var listener = Listener()
        #expect(
            listener.hear(.nodeBirth, birth([int("a", alias: 1, 5), int("b/c", alias: 2, 6)]), at: 10)
                == ["node online at 10", "a=5", "b/c=6"])
        #expect(
            listener.hear(.deviceBirth, message(1, [int("a", alias: 3, 7)]), device: "d1", at: 20)
                == ["d1 online at 20", "d1:a=7"])
        #expect(listener.hear(.nodeData, message(2, [int(2, 60), int("a", 50)]), at: 30) == ["b/c=60", "a=50"])
        #expect(listener.hear(.deviceData, message(3, [int(3, 70)]), device: "d1", at: 40) == ["d1:a=70"])
        #expect(listener.session.tagCount == 3 && listener.session.deviceCount == 2)
        #expect(listener.standing("b/c") == .named(.int32, alias: 2, tag: SparkplugTagID(rawValue: 1)))
    }

    // Assertions: topics-nbirth-rebirth-metric, topics-nbirth-bdseq-included, payloads-nbirth-bdseq,
    // payloads-nbirth-rebirth-req, operational-behavior-data-commands-rebirth-name,
    // operational-behavior-data-commands-rebirth-datatype, operational-behavior-data-commands-rebirth-value
    @Test("what belongs to the protocol is no value of the plant")
    func plumbing() {
        var listener = Listener()
        #expect(
            listener.hear(.nodeBirth, birth([int("Node Control/Scan Rate", 1)]), at: 0).last
                == "Node Control/Scan Rate=1")
        #expect(listener.session.tagCount == 1)
        // Of a device these are names like any other.
        #expect(
            listener.hear(.deviceBirth, message(1, [int("bdSeq", 4)]), device: "d", at: 0).last == "d:bdSeq=4")
    }

    // Assertions: payloads-name-birth-data-requirement, payloads-timestamp-in-UTC, payloads-metric-timestamp-in-UTC,
    // topics-nbirth-timestamp, topics-dbirth-timestamp, topics-ndata-timestamp, topics-ddata-timestamp,
    // payloads-nbirth-timestamp, payloads-dbirth-timestamp, payloads-ndata-timestamp, payloads-ddata-timestamp
    @Test("times of metrics, else of the message, else none")
    func times() {
        var session = EdgeNodeSession(seed: 1, asksFirst: true)
        var metric = int("a", 1)
        metric.timestamp = 900
        var impossible = int("c", 3)
        impossible.timestamp = .max
        let events =
            session.hear(.nodeBirth, birth(at: 1000, [metric, int("b", 2), impossible]), at: 50)
            + session.hear(.nodeData, message(1, at: nil, [int("a", 2)]), at: 60)
            + session.hear(.deviceBirth, message(2, at: 2000, [metric, int("b", 2)]), device: "d", at: 70)
            + session.hear(.deviceData, message(3, at: 3000, [int("b", 3)]), device: "d", at: 80)
        let times = events.compactMap { event -> Int64?? in
            if case .sample(let sample) = event { return .some(sample.time) }
            return nil
        }
        #expect(times == [900, 1000, 1000, nil, 900, 2000, 3000])
        #expect(session.counters.unreadableTimes == 1)
    }

    // Assertions: operational-behavior-edge-node-termination-host-action-ndeath-node-offline,
    // operational-behavior-edge-node-termination-host-action-ndeath-devices-offline, topics-ndeath-payload,
    // topics-ndeath-seq, payloads-ndeath-seq
    @Test("a death makes the edge node and its devices offline, at host time")
    func nodeDeath() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth(number: 3, [int("a", alias: 1, 5)]), at: 10)
        _ = listener.hear(.deviceBirth, message(1), device: "d1", at: 20)
        _ = listener.hear(.deviceBirth, message(2), device: "d2", at: 20)
        _ = listener.hear(.deviceDeath, message(3, at: 2500), device: "d2", at: 25)
        #expect(listener.hear(.nodeDeath, death(3), at: 99) == ["node offline at 99", "d1 offline at 99"])
        // Its aliases are gone with it.
        #expect(listener.hear(.nodeData, message(4, [int(1, 50)]), at: 100) == [])
        #expect(listener.advance(to: 2100) == [])
        #expect(listener.advance(to: 2600) == ["rebirth: data before a birth"])
        #expect(listener.session.counters.dataBeforeBirth == 1)
    }

    // Assertions: operational-behavior-device-ddeath,
    // operational-behavior-edge-node-termination-host-action-ddeath-devices-offline, payloads-ddeath-timestamp,
    // topics-ddeath-seq-num, payloads-ddeath-seq, payloads-ddeath-seq-inc, payloads-ddeath-seq-number
    @Test("a device is offline at the time in the payload, and silent until it is born")
    func deviceDeath() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth(), at: 10)
        _ = listener.hear(.deviceBirth, message(1, [int("a", alias: 1, 5)]), device: "d", at: 20)
        #expect(
            listener.hear(.deviceDeath, message(2, at: 1_790_000_000_000), device: "d", at: 30) == [
                "d offline at 1790000000000"
            ])
        #expect(listener.hear(.deviceData, message(3, [int(1, 6)]), device: "d", at: 40) == [])
        #expect(listener.session.counters.unknownDevices == 1)
        #expect(
            listener.hear(.deviceBirth, message(4, [int("a", alias: 9, 7)]), device: "d", at: 50)
                == ["d online at 50", "d:a=7"])
        // A death that says no time, or none that is one.
        #expect(listener.hear(.deviceDeath, message(5, at: .max), device: "d", at: 60) == ["d offline at 60"])
        // One that has not been born here may have been there before.
        #expect(listener.hear(.deviceDeath, message(6), device: "unknown", at: 70) == ["unknown offline at 2000"])
        #expect(listener.session.counters.unknownDevices == 2)
    }

    @Test("a death without a birth before it counts: nothing contradicts it, and whoever was restarted hears no other")
    func deathBeforeBirth() {
        var listener = Listener()
        #expect(listener.hear(.nodeDeath, death(7), at: 1) == ["node offline at 1"])
        #expect(listener.hear(.nodeDeath, death(7), at: 2) == [])
        // The broker may have kept it, and not the birth behind it.
        #expect(listener.session.wantedBirth == .unclearDeath)
        #expect(listener.hear(.nodeBirth, birth(number: 8, [int("a", 1)]), at: 10) == ["node online at 10", "a=1"])
        #expect(listener.hear(.nodeDeath, death(7), at: 20) == [])
        #expect(listener.session.counters.foreignDeaths == 1)
    }

    @Test("a host that did not hear calls no device stale for a birth that it may have missed")
    func deafDuringBirths() {
        var listener = Listener()
        let grace = listener.session.rule.deviceGrace
        _ = listener.hear(.nodeBirth, birth([int("a", 1)]), at: 0)
        _ = listener.hear(.deviceBirth, message(1, [int("b", 1)]), device: "d", at: 1)
        _ = listener.hear(.nodeBirth, birth(number: 1, at: 5_000, [int("a", 1)]), at: 100)
        _ = listener.connectionLost(at: 200)
        listener.session.connectionRegained(at: 300)
        #expect(listener.advance(to: 100 + grace) == [])
        // Nothing was missed: the device has its time anew.
        #expect(listener.hear(.nodeData, message(1, at: 20_000, [int("a", 2)]), at: 20_000) == ["a=2"])
        #expect(listener.advance(to: 19_999 + grace) == [])
        #expect(listener.advance(to: 20_000 + grace) == ["d stale at \(20_000 + grace)"])
    }

    @Test("what waits for a birth when the death comes is dropped, and the edge node asked whether it lives")
    func deathBehindData() {
        var listener = Listener()
        #expect(listener.hear(.nodeData, message(4, [int(1, 5)]), at: 0) == [])
        #expect(listener.hear(.deviceDeath, message(5), device: "d", at: 1) == [])
        #expect(listener.hear(.nodeDeath, death(7), at: 2) == ["d offline at 2000", "node offline at 2"])
        #expect(listener.session.wantedBirth == .unclearDeath)
        #expect(listener.session.counters.dataBeforeBirth == 2)
    }

    @Test(
        "a DDEATH before a birth counts once it is clear that the birth will not explain it, with or without a number")
    func deviceDeathBeforeBirth() {
        var listener = Listener()
        #expect(listener.hear(.deviceDeath, message(5), device: "d1", at: 0) == [])
        // What it says later contradicts it.
        #expect(listener.hear(.deviceDeath, message(6), device: "d2", at: 1) == [])
        #expect(listener.hear(.deviceBirth, message(7), device: "d2", at: 2) == [])
        #expect(listener.advance(to: 2000) == ["d1 offline at 2000"])
        #expect(listener.advance(to: 2500) == ["rebirth: data before a birth"])
        #expect(listener.hear(.deviceDeath, message(nil), device: "d3", at: 2600) == ["d3 offline at 2000"])
        #expect(
            listener.hear(.nodeBirth, birth(at: 9000), at: 2700) == ["node online at 2700"])
        #expect(listener.hear(.deviceBirth, message(1, at: 9001), device: "d1", at: 2701) == ["d1 online at 2701"])
    }

    @Test("a DDEATH that waits when the birth comes is from before it")
    func deviceDeathBehindBirth() {
        var listener = Listener()
        _ = listener.hear(.deviceDeath, message(5, at: 500), device: "d", at: 0)
        #expect(listener.hear(.nodeBirth, birth(at: 1000), at: 10) == ["d offline at 500", "node online at 10"])
        #expect(listener.hear(.deviceBirth, message(1, at: 1001), device: "d", at: 20) == ["d online at 20"])
    }

    // Assertions: topics-nbirth-bdseq-matching, topics-nbirth-bdseq-increment, payloads-nbirth-bdseq-repeat,
    // payloads-ndeath-bdseq, message-flow-edge-node-birth-publish-will-message-payload-bdSeq,
    // operational-behavior-data-commands-rebirth-action-3
    @Test("the death of another session is ignored")
    func deathOfAnother() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth(number: 255), at: 10)
        _ = listener.hear(.nodeBirth, birth(number: 0, at: 5000), at: 20)
        #expect(listener.hear(.nodeDeath, death(255), at: 30) == [])
        #expect(listener.session.counters.foreignDeaths == 1)
        #expect(listener.session.state == .online)
        // A rebirth has the number of its session again.
        _ = listener.hear(.nodeBirth, birth(number: 0, at: 9000), at: 40)
        #expect(listener.hear(.nodeDeath, death(0), at: 50) == ["node offline at 50"])
        // Of a session that has ended.
        #expect(listener.hear(.nodeDeath, death(255), at: 60) == [])
        #expect(listener.session.counters.foreignDeaths == 2)
    }

    @Test("bdSeq as UInt64, in int_value, or missing on either side")
    func deathNumbers() {
        for (type, value) in [
            (SparkplugDataType.uint64, SparkplugValue.long(7)), (.int32, .int(7)), (.unknown, .long(7)),
        ] {
            var listener = Listener()
            let number = SparkplugMetric(name: "bdSeq", type: type, value: value)
            _ = listener.hear(.nodeBirth, birth(number: nil, [number]), at: 0)
            #expect(listener.hear(.nodeDeath, death(8), at: 5) == [])
            #expect(listener.hear(.nodeDeath, death(7), at: 5) == ["node offline at 5"])
        }
        for (born, dead) in [(UInt64?.none, UInt64?.some(1)), (1, nil), (nil, nil)] {
            var listener = Listener()
            _ = listener.hear(.nodeBirth, birth(number: born), at: 0)
            #expect(listener.hear(.nodeDeath, death(dead), at: 5) == ["node offline at 5"])
        }
    }

    // Assertions: topics-nbirth-metric-reqs, operational-behavior-data-publish-nbirth
    @Test("a birth that leaves metrics out, gives aliases to others and adds some")
    func redefinition() {
        var listener = Listener()
        _ = listener.hear(
            .nodeBirth, birth([int("a", alias: 1, 5), int("b", alias: 2, 6), int("c", alias: 3, 7)]), at: 0)
        #expect(
            listener.hear(.nodeBirth, birth(at: 9000, [int("b", alias: 1, 60), int("d", alias: 2, 8)]), at: 10)
                == ["b=60", "d=8", "a stale", "c stale"])
        #expect(listener.hear(.nodeData, message(1, at: 9001, [int(1, 61), int(2, 9)]), at: 20) == ["b=61", "d=9"])
        #expect(listener.hear(.nodeData, message(2, at: 9002, [int(3, 1)]), at: 30) == [])
        #expect(listener.hear(.nodeData, message(3, at: 9003, [int("c", 1)]), at: 30) == [])
        #expect(listener.session.counters.unknownMetrics == 2)
        // What comes again has its number again.
        #expect(
            listener.hear(.nodeBirth, birth(at: 19_000, [int("a", alias: 1, 1)]), at: 40) == [
                "a=1", "b stale", "d stale",
            ])
        #expect(listener.session.tagCount == 4)
    }

    // Assertions: payloads-dbirth-order, operational-behavior-data-commands-rebirth-action-2
    @Test("after an NBIRTH a device is stale unless it is born again in time")
    func awaitedDevices() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth(), at: 0)
        for (number, device) in ["d1", "d2"].enumerated() {
            _ = listener.hear(.deviceBirth, message(UInt64(number) + 1, [int("a", alias: 1, 1)]), device: device, at: 0)
        }
        #expect(listener.hear(.nodeBirth, birth(at: 9000), at: 1000) == [])
        #expect(listener.session.deadline == 11_000)
        #expect(
            listener.hear(.deviceBirth, message(1, at: 9001, [int("a", alias: 2, 3)]), device: "d2", at: 1001) == [
                "d2:a=3"
            ])
        #expect(listener.advance(to: 10_999) == [])
        #expect(listener.advance(to: 11_000) == ["d1 stale at 11000"])
        #expect(listener.birthsOver == [11_000])
        #expect(listener.hear(.deviceData, message(2, at: 9002, [int(1, 5)]), device: "d1", at: 11_001) == [])
        #expect(listener.session.counters.unknownDevices == 1)
    }

    // Assertions: payloads-alias-uniqueness, payloads-alias-birth-requirement
    @Test("an alias belongs to its device, and to the last metric that has it")
    func aliases() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth([int("a", alias: 1, 1), int("b", alias: 1, 2)]), at: 0)
        #expect(listener.session.counters.aliasConflicts == 1)
        _ = listener.hear(.deviceBirth, message(1, [int("c", alias: 1, 3)]), device: "d", at: 0)
        #expect(listener.hear(.nodeData, message(2, [int(1, 20)]), at: 0) == ["b=20"])
        #expect(listener.hear(.deviceData, message(3, [int(1, 30)]), device: "d", at: 0) == ["d:c=30"])
        // A device's birth ends its own aliases, and no others.
        _ = listener.hear(.deviceBirth, message(4, [int("c", alias: 5, 3)]), device: "d", at: 0)
        #expect(listener.hear(.deviceData, message(5, [int(1, 31)]), device: "d", at: 0) == [])
        #expect(listener.hear(.nodeData, message(6, [int(1, 21)]), at: 0) == ["b=21"])
        // A large one is one like any other.
        _ = listener.hear(.deviceBirth, message(7, [int("c", alias: .max, 3)]), device: "d", at: 0)
        #expect(listener.hear(.deviceData, message(8, [int(.max, 32)]), device: "d", at: 0) == ["d:c=32"])
    }

    // Assertions: topics-nbirth-templates
    @Test("definitions have no values")
    func definitions() {
        var listener = Listener()
        let definition = SparkplugMetric(
            name: "_types_/motor", type: .template,
            value: .template(SparkplugTemplate(isDefinition: true, metrics: [int("rpm", 0)])))
        #expect(listener.hear(.nodeBirth, birth([definition, int("a", 1)]), at: 0) == ["node online at 0", "a=1"])
        #expect(listener.session.tagCount == 1)
    }

    @Test("a type that a birth gives is remembered; a type in data counts for that value")
    func types() {
        var listener = Listener()
        _ = listener.hear(
            .nodeBirth, birth([SparkplugMetric(name: "a", alias: 1, type: .int8, value: .int(0xFF))]), at: 0)
        #expect(listener.latest["a"] == .integer(-1))
        #expect(listener.hear(.nodeData, message(1, [int(1, 0xFE)]), at: 0) == ["a=-2"])
        let typed = SparkplugMetric(alias: 1, type: .uint8, value: .int(0xFE))
        #expect(listener.hear(.nodeData, message(2, [typed]), at: 0) == ["a=254"])
        #expect(
            listener.hear(.nodeData, message(3, [SparkplugMetric(alias: 1, value: .int(500))]), at: 0)
                == ["refused a: the value is out of the range of its type at byte 5", "a=nil bad"])
    }

    // Assertions: operational-behavior-data-publish-nbirth-order, operational-behavior-data-publish-dbirth-order,
    // operational-behavior-data-publish-nbirth-values
    @Test("is_historical, is_transient, is_null and Quality are told with each sample")
    func flags() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth([int("a", alias: 1, 1)]), at: 0)
        var historical = int(1, 2)
        historical.isHistorical = true
        var transient = int(1, 3)
        transient.isTransient = true
        var null = SparkplugMetric(alias: 1)
        null.isNull = true
        var stale = int(1, 4)
        stale.properties = SparkplugPropertySet(quality: .stale)
        var odd = int(1, 5)
        odd.properties = SparkplugPropertySet(
            keys: ["quality"], values: [SparkplugPropertyValue(type: .int32, value: .int(77))])
        #expect(
            listener.hear(.nodeData, message(1, [historical, transient, null, stale, odd]), at: 0)
                == ["a=2 historical", "a=3 transient", "a=nil null", "a=4 stale", "a=5 uncertain"])
        // The last one of those that are not historical is the latest.
        #expect(listener.latest["a"] == .integer(5))
        _ = listener.hear(.deviceBirth, message(2, [int("b", alias: 2, 1)]), device: "d", at: 0)
        historical.alias = 2
        #expect(
            listener.hear(.deviceData, message(3, [int(2, 3), int(2, 4), historical]), device: "d", at: 0)
                == ["d:b=3", "d:b=4", "d:b=2 historical"])
        #expect(listener.latest["d:b"] == .integer(4))
    }
}
