import SparkplugB
import Testing

@testable import Plant

@Suite("Edge nodes of Sparkplug B: what their times mean")
struct EdgeTimesTests {
    private static func metric(_ value: Double, at time: Milliseconds?) -> SparkplugMetric {
        TestEdge.metric("temperature", value, at: time)
    }

    /// Whether the device's clock is trusted, and not in doubt.
    private func trusts(_ plant: EdgePlant) throws -> Bool {
        let tag = try #require(plant.plant.tags.id(of: try TagPath("g/e1/temperature")))
        let clock = plant.plant.clocks[Int(plant.plant.topicOfTag[tag.index])]
        return clock.isSettled && clock.doubt == nil && clock.offset.magnitude <= 1_000
    }

    private func doubts(_ plant: EdgePlant) throws -> Bool {
        let tag = try #require(plant.plant.tags.id(of: try TagPath("g/e1/temperature")))
        return plant.plant.clocks[Int(plant.plant.topicOfTag[tag.index])].doubt != nil
    }

    @Test("Old times in a birth put nothing in doubt, because it says itself when it was sent")
    func oldBirth() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        let old = plant.now - 3_600_000
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(20, at: old)]))
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(try plant.entry("g/e1/temperature")?.sourceTime == old)
        #expect(try !doubts(plant))
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(90, at: plant.now - 5)]))
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(plant.plant.pendingTransitionCount == 1)
        #expect(try trusts(plant))
    }

    /// An edge node that was born a while ago, whose data, 21 to 25, has times of a clock so far ahead of its own.
    private static func running(dataAhead ahead: Milliseconds) throws -> (plant: EdgePlant, edge: TestEdge) {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [metric(20, at: plant.now)]))
        for value in 21...25 {
            plant.pass(1_000)
            plant.hear(edge.seal(.nodeData, at: plant.now, [metric(Double(value), at: plant.now + ahead)]))
        }
        return (plant, edge)
    }

    /// How the births of a device date their values whose data has times of another clock than the edge node's.
    enum BirthTimes: CaseIterable {
        case none, ofThatClock, longAgo
    }

    @Test(
        "Data whose times lie constantly behind or ahead of the message's raises at once, and no birth makes it uncertain",
        arguments: [-600_000, -20_000, 20_000] as [Milliseconds], BirthTimes.allCases)
    func otherClock(ahead: Milliseconds, times: BirthTimes) throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        func birth(_ value: Double) -> TestEdge.Message {
            let time: Milliseconds? =
                switch times {
                case .none: nil
                case .ofThatClock: plant.now + ahead
                case .longAgo: plant.now + ahead - 7_200_000
                }
            return edge.seal(.nodeBirth, at: plant.now, [Self.metric(value, at: time)])
        }
        func data(_ value: Double) -> TestEdge.Message {
            edge.seal(.nodeData, at: plant.now, [Self.metric(value, at: plant.now + ahead)])
        }
        plant.hear(birth(20))
        for step in 0..<5 {
            plant.pass(3_000)
            plant.hear(data(Double(20 + step)))
        }
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(try !doubts(plant))
        plant.pass(3_000)
        plant.hear(data(90))
        #expect(plant.plant.pendingTransitionCount == 1)
        plant.pass(3_000)
        plant.hear(data(30))
        #expect(plant.plant.pendingTransitionCount == 2)
        // Between.
        plant.pass(3_000)
        plant.hear(birth(30))
        #expect(try plant.quality("g/e1/temperature") == .good)
        plant.pass(3_000)
        plant.hear(data(91))
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(try plant.value("g/e1/temperature") == 91.0)
        #expect(plant.plant.pendingTransitionCount == 3)
        plant.pass(3_000)
        plant.hear(data(31))
        #expect(plant.plant.pendingTransitionCount == 4)
        // After: what only the birth says counts as well.
        plant.pass(3_000)
        plant.hear(birth(92))
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(try plant.value("g/e1/temperature") == 92.0)
        #expect(plant.plant.pendingTransitionCount == 5)
        #expect(try !doubts(plant))
    }

    @Test(
        "A birth that tells another value than is known tells what is so, whatever time it gives the value",
        arguments: [-86_400_000, -100_000, -3_000, -500, 0] as [Milliseconds])
    func lostChange(age: Milliseconds) throws {
        var (plant, edge) = try Self.running(dataAhead: 0)
        let newest = plant.now
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(90, at: newest + age)]))
        #expect(try plant.value("g/e1/temperature") == 90.0)
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(try plant.entry("g/e1/temperature")?.sourceTime == plant.now)
        #expect(plant.plant.pendingTransitionCount == 1)
        // The same once more, dated as before, changes nothing.
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(90, at: newest + age)]))
        #expect(try plant.entry("g/e1/temperature")?.sourceTime == plant.now - 1_000)
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(30, at: plant.now)]))
        #expect(try plant.value("g/e1/temperature") == 30.0)
        #expect(plant.plant.pendingTransitionCount == 2)
        #expect(try trusts(plant))
    }

    @Test("A birth after a death makes its tags good again, whatever times it gives them")
    func bornAgainWithOldTimes() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        edge.values = ["": [("temperature", 20)]]
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [edge.number, Self.metric(20, at: plant.now)]))
        plant.pass(1_000)
        let newest = plant.now
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(21, at: newest)]))
        for value in [21.0, 22.0] {
            plant.hear(edge.death(at: plant.now))
            #expect(try plant.quality("g/e1/temperature") == .stale)
            plant.pass(5_000)
            edge.birthNumber += 1
            plant.hear(edge.seal(.nodeBirth, at: plant.now, [edge.number, Self.metric(value, at: newest - 60_000)]))
            #expect(try plant.value("g/e1/temperature") == .number(value))
            #expect(try plant.quality("g/e1/temperature") == .good)
        }
    }

    @Test("Data whose clock is a little behind the edge node's is heard at once after a birth that has dated a value")
    func dataBehindTheBirth() throws {
        var (plant, edge) = try Self.running(dataAhead: -1_500)
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(30, at: plant.now - 60_000)]))
        #expect(try plant.value("g/e1/temperature") == 30.0)
        plant.pass(100)
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(90, at: plant.now - 1_500)]))
        #expect(try plant.value("g/e1/temperature") == 90.0)
        #expect(plant.plant.pendingTransitionCount == 1)
        plant.pass(100)
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(31, at: plant.now - 1_500)]))
        #expect(try plant.value("g/e1/temperature") == 31.0)
    }

    @Test(
        "A birth that the broker had kept does not take a tag back to an older value than the tree has, and raises nothing",
        arguments: [true, false])
    func keptBirth(isSentBeforeTheTime: Bool) throws {
        var owner = try EdgePlant()
        owner.pass(20_000)
        var edge = TestEdge()
        edge.values = ["": [("temperature", 95)]]
        let time = owner.now
        let kept = edge.seal(.nodeBirth, at: time, [edge.number, Self.metric(95, at: time - 60_000)])
        owner.hear(kept)
        owner.pass(1_000)
        // The newer value may be dated long ago as well.
        let newer = isSentBeforeTheTime ? owner.now : time - 50_000
        owner.hear(edge.seal(.nodeBirth, at: owner.now, [edge.number, Self.metric(40, at: newer)]))
        #expect(try owner.value("g/e1/temperature") == 40.0)
        var next = try EdgePlant()
        next.seed(from: &owner)
        #expect(try next.value("g/e1/temperature") == 40.0)
        next.pass(1_000)
        // What its owner had not recorded yet.
        let pending = next.plant.pendingTransitionCount
        next.hear(kept)
        #expect(try next.value("g/e1/temperature") == 40.0)
        #expect(next.plant.pendingTransitionCount == pending)
        // One that is sent now tells what is so.
        next.pass(60_000)
        next.hear(edge.seal(.nodeBirth, at: next.now, [edge.number, Self.metric(41, at: time - 60_000)]))
        #expect(try next.value("g/e1/temperature") == 41.0)
    }

    @Test("A birth that was sent before what is known counts as newest when it comes, if it tells another value")
    func birthOfALateClock() throws {
        var (plant, edge) = try Self.running(dataAhead: 1_500)
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(90, at: plant.now - 60_000)]))
        #expect(try plant.value("g/e1/temperature") == 90.0)
        #expect(plant.plant.pendingTransitionCount == 1)
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(30, at: plant.now + 1_500)]))
        #expect(try plant.value("g/e1/temperature") == 30.0)
    }

    @Test("A birth settles no clock and ends no doubt that data has begun")
    func birthSettlesNothing() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(20, at: nil)]))
        #expect(try !trusts(plant))
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(21, at: plant.now - 600_000)]))
        #expect(try doubts(plant))
        for _ in 0..<3 {
            plant.pass(100)
            plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(20, at: nil)]))
            #expect(try doubts(plant))
            #expect(try plant.quality("g/e1/temperature") == .uncertain)
        }
    }

    @Test("An old value above its limit raises all the same, once, when what has been heard is looked at")
    func oldValueRaises() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        let birth = edge.seal(.nodeBirth, at: plant.now, [Self.metric(95, at: plant.now - 3_600_000)])
        plant.hear(birth)
        plant.pass(1_000)
        #expect(plant.plant.pendingTransitionCount == 1)
        plant.pass(60_000)
        let again = edge.seal(.nodeBirth, at: plant.now, [Self.metric(95, at: plant.now - 3_661_000)])
        plant.hear(again)
        plant.pass(10_000)
        #expect(plant.plant.pendingTransitionCount == 1)
        #expect(try plant.quality("g/e1/temperature") == .good)
    }

    @Test("Without a time of sending the newest time of the metrics is all there is: an old one is doubted")
    func withoutSentTime() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        let old = plant.now - 3_600_000
        let payload = SparkplugPayload(timestamp: nil, sequence: 0, metrics: [Self.metric(20, at: old)])
        plant.hear(("spBv1.0/g/NBIRTH/e1", payload.encoded))
        #expect(try plant.quality("g/e1/temperature") == .uncertain)
        #expect(try !trusts(plant))
    }

    @Test("A client that always sends with the same time is judged by what it measures")
    func constantSentTime() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        let start = plant.now
        plant.hear(edge.seal(.nodeBirth, at: start, [Self.metric(20, at: start)]))
        for step in 1...10 {
            plant.pass(60_000)
            plant.hear(edge.seal(.nodeData, at: start, [Self.metric(Double(step), at: plant.now)]))
            #expect(try plant.quality("g/e1/temperature") == .good)
        }
        #expect(try trusts(plant))
    }

    @Test(
        "A clock that steps is doubted: that which dates the values, whatever the time of sending",
        arguments: [true, false])
    func wrongClock(isOfValues: Bool) throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(20, at: nil)]))
        plant.pass(10_000)
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(21, at: plant.now)]))
        #expect(try trusts(plant))
        plant.pass(10_000)
        let wrong = plant.now - 3_600_000
        plant.hear(
            edge.seal(
                .nodeData, at: isOfValues ? plant.now : wrong, [Self.metric(90, at: isOfValues ? wrong : plant.now)]))
        #expect(try plant.quality("g/e1/temperature") == (isOfValues ? .uncertain : .good))
        #expect(plant.plant.pendingTransitionCount == (isOfValues ? 0 : 1))
    }

    @Test("A first birth that was sent long ago, by its own time, shows a wrong clock")
    func wrongClockOfBirth() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        plant.hear(edge.seal(.nodeBirth, at: plant.now - 3_600_000, [Self.metric(90, at: nil)]))
        #expect(try plant.quality("g/e1/temperature") == .uncertain)
        #expect(try doubts(plant))
        #expect(plant.plant.pendingTransitionCount == 0)
    }

    /// A plant with a device whose clock is settled, and then a gap that does not close: what comes with `payload` waits for two
    /// seconds in vain. Gives when it came.
    private func waited(
        _ plant: inout EdgePlant, _ metrics: [SparkplugMetric], as type: SparkplugMessageType = .nodeData,
        hasTime: Bool = true
    ) -> Milliseconds {
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        plant.pass(20_000)
        plant.hear(edge.data("temperature", 21, at: plant.now))
        plant.pass(5_000)
        let came = plant.now
        var payload = SparkplugPayload(timestamp: hasTime ? UInt64(came) : nil, metrics: metrics)
        payload.sequence = 5
        plant.hear((type == .nodeData ? "spBv1.0/g/NDATA/e1" : "spBv1.0/g/\(type.name)/e1/d1", payload.encoded))
        plant.pass(5_000)
        return came
    }

    @Test("What has waited in vain is judged by when it came, not by when its turn was", arguments: [true, false])
    func waitedInVain(hasTime: Bool) throws {
        var plant = try EdgePlant { $0.staleAfter = 30_000 }
        let came = waited(&plant, [Self.metric(90, at: nil)], hasTime: hasTime)
        #expect(try plant.entry("g/e1/temperature")?.receivedTime == came)
        #expect(try plant.quality("g/e1/temperature") == .good)
        if hasTime {
            #expect(try trusts(plant))
            let tag = try #require(plant.plant.tags.id(of: try TagPath("g/e1/temperature")))
            #expect(plant.plant.clocks[Int(plant.plant.topicOfTag[tag.index])].offset == 0)
        }
        // The alarm is one of that moment,
        let transition = try #require(plant.plant.unrecorded(limit: 1).proposals(epoch: 1).first)
        #expect(transition.record.sampledAt == came && transition.record.since == came)
        // and the device has been silent since then.
        let device = try #require(plant.plant.ingest.devices.id(of: try TagPath("g/e1")))
        #expect(plant.plant.ingest.devices.lastHeard(device) == came)
        plant.pass(came + 30_000 - plant.now)
        #expect(try plant.state("g/e1") == .online)
        plant.pass(1_000)
        #expect(try plant.state("g/e1") == .stale)
    }

    @Test("A death that has waited in vain counts from when it came")
    func waitedDeath() throws {
        var plant = try EdgePlant()
        let came = waited(&plant, [], as: .deviceDeath)
        let device = try #require(plant.plant.ingest.devices.id(of: try TagPath("g/e1/d1")))
        let (state, since) = plant.plant.ingest.devices.state(of: device)
        #expect(state == .offline && since == came)
        #expect(try plant.quality("g/e1/d1/speed") == .stale)
    }

    @Test(
        "What has waited for one that came later counts from when it came itself; the device was heard with the later one"
    )
    func healed() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        plant.pass(20_000)
        let sent = plant.now
        let first = edge.data("temperature", 30, at: sent)
        plant.hear(edge.data("temperature", 40, at: sent + 1))
        plant.now += 1_500
        plant.hear(first)
        #expect(try plant.value("g/e1/temperature") == 40.0)
        #expect(try plant.entry("g/e1/temperature")?.receivedTime == sent)
        let device = try #require(plant.plant.ingest.devices.id(of: try TagPath("g/e1")))
        #expect(plant.plant.ingest.devices.lastHeard(device) == sent + 1_500)
    }
}
