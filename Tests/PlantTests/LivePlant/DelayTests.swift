import Testing

@testable import Plant

/// Delays end by what has been heard, and survive restarts and takeovers.
@Suite("Delays of alarms")
struct DelayTests {
    @Test("A delay does not end by the clock alone")
    func clockAlone() throws {
        var plant = try LivePlantFixture(onDelay: 500)
        plant.hear(90, at: 0)
        plant.pass(800)
        #expect(plant.steps.isEmpty)
        #expect(plant.plant.wantsProof(at: plant.clock))
        plant.prove()
        #expect(plant.steps == [Step(.activated, .high, at: 500)])
        #expect(!plant.plant.wantsProof(at: plant.clock))
    }

    /// Given a pulse of 100 ms and an on-delay of 500 ms, when the process is paused during it, then no alarm comes,
    /// although the clock passes the end of the delay before the end of the pulse is read.
    @Test("A pause makes no alarm of a pulse that is shorter than the on-delay")
    func pause() throws {
        var plant = try LivePlantFixture(onDelay: 500)
        plant.hear(90, at: 0)
        plant.pass(850)
        plant.hear(50, at: 100)
        plant.prove()
        plant.pass(1000)
        plant.prove()
        #expect(plant.steps.isEmpty)
    }

    /// The same without times of their own: the end of the pulse is dated when it is read.
    @Test("A pause makes no alarm of a short pulse without times either")
    func pauseWithoutTimes() throws {
        var plant = try LivePlantFixture(onDelay: 500)
        plant.hear(90)
        plant.pass(850)
        plant.hear(50)
        plant.prove()
        plant.pass(1000)
        plant.prove()
        #expect(plant.steps.isEmpty)
    }

    @Test("Proof of an earlier time ends no later delay")
    func earlierProof() throws {
        var plant = try LivePlantFixture(onDelay: 500)
        plant.hear(90, at: 0)
        plant.pass(800)
        _ = plant.plant.heard(through: plant.clock - 400, at: plant.clock)
        #expect(plant.steps.isEmpty)
    }

    @Test("An on-delay that goes on over a restart ends when it would have ended")
    func onDelayOverRestart() throws {
        var first = try LivePlantFixture(onDelay: 5000)
        first.hear(90, at: 0)
        first.pass(1000)
        first.hear(91, at: 1000)
        let nodes = first.flush()
        let text = nodes.values.map { String(decoding: $0, as: UTF8.self) }.first ?? ""
        #expect(text.hasSuffix(#","d":{"hot":[1767225600000,90.0]}}"#), "\(text)")
        var second = try first.restarted(nodes: nodes)
        second.pass(200)
        #expect(second.plant.wantsProof(at: second.clock))
        second.prove()
        #expect(try second.standing() == .waitingForOnDelay)
        second.pass(3800)
        second.prove()
        let proposal = try #require(second.plant.proposals(limit: .max, epoch: 1).first)
        #expect(second.steps == [Step(.activated, .high, at: 5000)])
        first.pass(4000)
        first.prove()
        // The same occurrence as the first process would have recorded.
        #expect(first.plant.proposals(limit: .max, epoch: 1).first?.record.eventID == proposal.record.eventID)
    }

    /// Given a value above the limit that is known from the tree alone, when a message comes that cannot be read, then the
    /// on-delay ends by it no more than it does where the value was heard: nobody knows how long it was under way.
    @Test("What cannot be read ends no delay beyond what has been heard, also after a restart")
    func unreadable() throws {
        var first = try LivePlantFixture(onDelay: 5000)
        first.hear(90, at: 0)
        var second = try first.restarted(nodes: first.flush())
        first.pass(200)
        second.pass(200)
        first.prove()
        second.prove()
        #expect(try second.standing() == .waitingForOnDelay)
        for var plant in [first, second] {
            plant.pass(6000)
            plant.receive("rubbish")
            #expect(plant.steps.isEmpty)
            #expect(try plant.standing() == .waitingForOnDelay)
            // A sample with a time of its own proves that nothing came before it.
            plant.hear(91, at: 6200)
            #expect(plant.steps == [Step(.activated, .high, at: 5000)])
        }
    }

    @Test("A condition that stands alarms after a restart, also when its value is stale by then")
    func standing() throws {
        var first = try LivePlantFixture()
        first.hear(90, at: 0)
        var second = try first.restarted(nodes: first.flush())
        second.pass(100_000)
        second.prove()
        #expect(second.steps == [Step(.activated, .high, at: 0)])
    }

    @Test(
        "An alarm returns after a restart when the value that did it is good and fresh",
        arguments: [0, 500] as [Milliseconds])
    func offDelayOverRestart(offDelay: Milliseconds) throws {
        var first = try LivePlantFixture(offDelay: offDelay)
        first.hear(90, at: 0)
        let record = first.record()
        first.pass(100)
        first.hear(50, at: 100)
        var second = try first.restarted(nodes: first.flush(), record: record)
        second.pass(700)
        second.prove()
        #expect(second.steps == [Step(.returned, .normal, at: 100 + offDelay)])
    }

    @Test("An alarm does not return after a restart by a value that is stale")
    func staleReturn() throws {
        var first = try LivePlantFixture()
        first.hear(90, at: 0)
        let record = first.record()
        first.hear(50, at: 1)
        // As a gateway without delays in its records left it.
        let nodes = first.flush().mapValues { data in
            var record = TagRecord(parsing: data)
            record?.delays = [:]
            return record?.serialized() ?? []
        }
        var second = try first.restarted(nodes: nodes, record: record)
        second.pass(31_000)
        second.prove()
        #expect(second.steps.isEmpty)
        second.hear(50, at: 31_000)
        #expect(second.steps == [Step(.returned, .normal, at: 31_000)])
    }

    /// Given an off-delay that was rebuilt at the start, when the shard is won and its nodes are read, and then the alarms,
    /// then it goes on.
    @Test("What is read again after the start ends no delay that was rebuilt")
    func readAgain() throws {
        var first = try LivePlantFixture(offDelay: 500)
        first.hear(90, at: 0)
        let recorded = first.record()
        let record = try #require(recorded)
        first.pass(100)
        first.hear(50, at: 100)
        let nodes = first.flush()
        var second = try first.restarted(nodes: nodes, record: record)
        second.pass(100)
        second.prove()
        let tag = try #require(second.plant.tagsInTree(ofShards: .max).first?.tag)
        let read: [LivePlant.TagNode] = nodes.values.map { (tag: tag, data: $0) }
        second.plant.reconcile(
            shards: .max, nodes: read, records: LivePlant.records(read, at: second.clock), at: second.clock)
        second.plant.restoreAlarms([record], at: second.clock)
        #expect(try second.standing() == .waitingForOffDelay(.high))
        second.pass(700)
        second.prove()
        #expect(second.steps == [Step(.returned, .normal, at: 600)])
    }

    @Test("Rebuilding does not move the position: what comes late is evaluated, and then the newer value again")
    func late() throws {
        var first = try LivePlantFixture()
        first.hear(50, at: 100)
        var second = try first.restarted(nodes: first.flush())
        second.prove()
        second.hear(90, at: 10)
        #expect(second.steps == [Step(.activated, .high, at: 10), Step(.returned, .normal, at: 100)])
    }

    @Test("A delay that began within the tag's deadband stands in the tree all the same")
    func withinDeadband() throws {
        var plant = try LivePlantFixture(onDelay: 1000, deadband: 3)
        plant.hear(84, at: 0)
        _ = plant.flush()
        plant.hear(86, at: 10)
        let text = plant.flush().values.map { String(decoding: $0, as: UTF8.self) }.first
        #expect(text?.contains(#""d":{"hot":[1767225600010,86.0]}"#) == true)
        plant.hear(84.5, at: 20)
        #expect(plant.flush().values.map { String(decoding: $0, as: UTF8.self) }.first?.contains("\"d\"") == false)
    }

    @Test("Without anything heard for ten seconds a lone gateway raises the alarm, and says that it did not hear")
    func unheard() throws {
        var plant = try LivePlantFixture(onDelay: 500)
        plant.pass(1, isAlone: true)
        plant.hear(90, at: 0)
        plant.pass(10_400, isAlone: true)
        #expect(plant.steps.isEmpty)
        plant.pass(200, isAlone: false)
        #expect(plant.steps.isEmpty)
        plant.pass(1, isAlone: true)
        #expect(plant.steps == [Step(.activated, .high, at: 500)])
        let recorded = plant.record()
        let record = try #require(recorded)
        #expect(record.isUnheard)
        #expect(try AlarmRecord(parsing: record.serialized()) == record)
        // What was to be read then tells that the value had returned.
        plant.hear(50, at: 100)
        #expect(plant.record()?.isUnheard == false)
    }

    /// Given a pulse of 100 ms, when the process is paused for longer than a gateway may be deaf, then it first reads what
    /// the broker kept.
    @Test("A long pause makes no alarm of a short pulse")
    func longPause() throws {
        var plant = try LivePlantFixture(onDelay: 500)
        plant.pass(1, isAlone: true)
        plant.hear(90, at: 0)
        plant.pause(12_000, isAlone: true)
        plant.pass(500, isAlone: true)
        #expect(plant.steps.isEmpty)
        plant.hear(50, at: 100)
        plant.prove()
        #expect(plant.steps.isEmpty)
    }

    @Test("A clock that was ahead has no delay end by itself once it is right")
    func clockAhead() throws {
        var plant = try LivePlantFixture(onDelay: 500)
        plant.now = 86_400_000
        plant.prove()
        plant.now = 0
        plant.prove()
        plant.hear(90, at: 0)
        plant.pass(800)
        #expect(plant.steps.isEmpty)
        plant.prove()
        #expect(plant.steps == [Step(.activated, .high, at: 500)])
    }

    /// Given an on-delay that ran when the gateway was lost, when it comes back after so long that what the broker kept is
    /// history, then the delay ends or breaks by that history, and the tag's node does not forget it before.
    @Test("A delay that ran survives a long absence", arguments: [true, false])
    func longAbsence(breaks: Bool) throws {
        var first = try LivePlantFixture(onDelay: 5_000)
        first.hear(90, at: 0)
        var second = try first.restarted(nodes: first.flush())
        second.now = 100_000
        second.plant.brokerConnected(at: second.clock)
        second.hear(breaks ? 50 : 91, at: 1_000)
        let text = second.flush().values.map { String(decoding: $0, as: UTF8.self) }.first
        #expect(text?.contains(#""d":{"hot":[1767225600000,90.0]}"#) == !breaks, "\(text ?? "nothing")")
        second.hear(52, at: 40_000)
        second.prove()
        #expect(second.steps.first == (breaks ? nil : Step(.activated, .high, at: 5_000)))
    }

    /// Given a gateway whose device had fallen silent for it, when it takes over a value beyond the limit that another one
    /// heard, then the on-delay runs from that value.
    @Test("A value that another gateway heard alarms also where the device was silent")
    func frozen() throws {
        var plant = try LivePlantFixture(onDelay: 10_000)
        plant.hear(20, at: 0)
        _ = plant.flush()
        plant.pass(40_000)
        let tag = try #require(plant.plant.tagsInTree(ofShards: .max).first?.tag)
        let value = TagRecord(
            value: .number(90), quality: .good, sourceTime: LivePlantFixture.start + 60_000,
            receivedTime: LivePlantFixture.start + 60_005)
        let read: [LivePlant.TagNode] = [(tag: tag, data: value.serialized())]
        plant.now = 65_000
        plant.plant.reconcile(
            shards: .max, nodes: read, records: LivePlant.records(read, at: plant.clock), at: plant.clock)
        plant.pass(1)
        plant.prove()
        plant.pass(6_000)
        plant.prove()
        #expect(plant.steps == [Step(.activated, .high, at: 70_000)])
    }

    @Test("Off-delays wait for what is to be heard")
    func offDelayUnheard() throws {
        var plant = try LivePlantFixture(offDelay: 500)
        plant.hear(90, at: 0)
        plant.record()
        plant.hear(50, at: 1)
        for _ in 0..<10 { plant.pass(10_000, isAlone: true) }
        #expect(plant.steps.isEmpty)
    }

    @Test("History raises nothing by itself; what still stands after it alarms once")
    func history() throws {
        var plant = try LivePlantFixture()
        plant.now = 1_000_000
        plant.plant.brokerConnected(at: plant.clock)
        plant.hear(90, at: 0)
        plant.hear(50, at: 1)
        plant.hear(95, at: 2)
        #expect(plant.steps.isEmpty)
        plant.pass(10)
        plant.prove()
        #expect(plant.steps == [Step(.activated, .high, at: 2)])
    }

    @Test("Delays in a tag's record are read with the bounds that a clock and a sensor have")
    func delaysInRecords() {
        let record = TagRecord(
            parsing: Array(
                #"{"v":1,"q":"good","t":1,"r":2,"d":{"a":[5,1.5],"b":[7,1,6,2],"c":[1e300,1],"d":[5],"e":"x","f":[5,null]}}"#
                    .utf8))
        #expect(
            record?.delays == [
                "a": [RunningDelay(start: 5, value: 1.5)],
                "b": [RunningDelay(start: 6, value: 2), RunningDelay(start: 7, value: 1)],
            ])
        #expect(TagRecord(parsing: Array(#"{"v":1,"q":"good","t":1,"r":2,"d":[]}"#.utf8))?.delays == [:])
    }

    @Test("A delay that is over by the device's own times when the device falls silent leaves something to be recorded")
    func endsWithSilence() throws {
        var plant = try LivePlantFixture(onDelay: 5_000, staleAfter: 3_400)
        plant.pass(1_000)
        // It came a second late, the next one did not.
        plant.hear(97, at: 0)
        plant.pass(1_000)
        plant.hear(97, at: 2_000)
        plant.now = 5_500
        plant.prove()
        #expect(plant.steps == [])
        let effects = plant.plant.advance(to: plant.clock)
        #expect(effects.devicesChanged && effects.alarmsPending)
        #expect(plant.steps == [Step(.activated, .high, at: 5_000)])
    }
}
