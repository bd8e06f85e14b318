import Testing

@testable import Plant

/// Devices whose clocks step, stand still, run ahead or behind, and messages that were kept, by the broker or by the device.
@Suite("Devices' clocks")
struct DeviceClockTests {
    /// A plant that has heard a good value every second for a minute, whatever the device's clock shows.
    private func settled(
        behind: Milliseconds = 0, onDelay: Milliseconds = 0, offDelay: Milliseconds = 0, value: Double = 20
    ) throws -> LivePlantFixture {
        var plant = try LivePlantFixture(onDelay: onDelay, offDelay: offDelay)
        plant.publish(value, behind: behind, for: 60)
        return plant
    }

    // MARK: Stepping

    /// B01, with its steps.
    @Test(
        "A clock that steps back leaves nothing unwatched",
        arguments: [40_000, 3_600_000, 1_209_600_000] as [Milliseconds])
    func stepBack(by step: Milliseconds) throws {
        var plant = try settled()
        _ = plant.flush()
        plant.hear(97, behind: step)
        #expect(try plant.latest()?.quality == .uncertain && plant.latest()?.value == .number(97))
        #expect(plant.flush().count == 1)
        for _ in 0..<5 {
            plant.pass(500)
            plant.hear(97, behind: step)
            plant.prove()
        }
        #expect(plant.steps.isEmpty)
        #expect(try plant.latest()?.quality == .uncertain)
        plant.publish(97, behind: step, for: 3)
        #expect(try plant.latest()?.quality == .good)
        #expect(plant.steps.map(\.transition) == [.activated])
        #expect(plant.record()?.isTimeUnsure == false)
        // And it returns, by the new base.
        plant.publish(20, behind: step, for: 1)
        #expect(plant.steps.map(\.transition) == [.returned])
        plant.publish(98, behind: step, for: 1)
        #expect(plant.record().map { $0.occurrence } == 2)
    }

    @Test("An interlock refuses from the first contradicting value on")
    func interlock() throws {
        var plant = try settled(value: 1)
        plant.hear(0, behind: 3_600_000)
        let entry = try #require(try plant.latest())
        let interlock = try Interlock("factory/l1/m1/temperature == 1")
        let reading = Interlock.Reading(
            value: entry.value, quality: entry.quality, receivedAt: entry.receivedTime)
        let device = try TagPath("factory/l1/m1")
        #expect(
            interlock.verdict([reading], device: device, at: plant.clock)
                == .refused("interlock: factory/l1/m1/temperature is uncertain"))
    }

    @Test("A spike before the re-base alarms after it, at its own time")
    func spikeInDoubt() throws {
        var plant = try settled()
        plant.publish(20, behind: 3_600_000, for: 1)
        plant.pass(500)
        plant.hear(97, behind: 3_600_000)
        let spike = plant.now - 3_600_000
        plant.publish(20, behind: 3_600_000, for: 6)
        #expect(plant.steps.map(\.transition) == [.activated, .returned])
        let records = plant.plant.proposals(limit: .max, epoch: 1).map(\.record)
        #expect(records.first?.sampledAt == LivePlantFixture.start + spike)
        #expect(records.first?.value == 97)
    }

    @Test("Nothing returns while the clock is in doubt; off-delays wait, and end afterwards")
    func noReturn() throws {
        var plant = try settled(offDelay: 2_000, value: 97)
        plant.record()
        plant.publish(20, for: 1)
        plant.hear(20, behind: -30_000)
        plant.publish(20, behind: -30_000, for: 4)
        #expect(plant.steps.isEmpty)
        plant.publish(20, behind: -30_000, for: 4)
        #expect(plant.steps.map(\.transition) == [.returned])
    }

    @Test("An on-delay that ran when the clock stepped goes on over the step", arguments: [-30_000, 3_600_000])
    func onDelayOverStep(behind: Milliseconds) throws {
        var plant = try settled(onDelay: 8_000)
        plant.publish(97, for: 4)
        plant.publish(97, behind: behind, for: 3)
        #expect(plant.steps.isEmpty)
        plant.publish(97, behind: behind, for: 4)
        #expect(plant.steps.map(\.transition) == [.activated])
    }

    @Test("What contradicts and stays undecided may raise, marked, and never clears")
    func timeUnsure() throws {
        var plant = try settled()
        plant.pass(500)
        plant.hear(97, behind: 3_600_000)
        plant.pass(5_900)
        plant.prove()
        #expect(plant.steps.isEmpty)
        plant.pass(200)
        #expect(plant.plant.wantsProof(at: plant.clock))
        plant.prove()
        #expect(plant.steps.map(\.transition) == [.activated])
        let recorded = plant.record()
        let record = try #require(recorded)
        #expect(record.isTimeUnsure)
        #expect(try AlarmRecord(parsing: record.serialized()) == record)
        #expect(String(decoding: record.serialized(), as: UTF8.self).contains(#""timeUnsure":true"#))
        // Every time another one.
        for step in 1..<20 {
            plant.pass(1_000)
            plant.hear(20, behind: Milliseconds(step) * 100_000)
            plant.prove()
        }
        #expect(plant.steps.isEmpty)
        plant.publish(20, for: 4)
        #expect(plant.steps.map(\.transition) == [.returned])
        #expect(plant.record()?.isTimeUnsure == false)
    }

    @Test("A time that is only late raises under its own identity, marked")
    func lateAndUndecided() throws {
        var plant = try settled()
        plant.pass(9_000)
        plant.prove()
        plant.hear(97, behind: 8_000)
        let sampled = plant.clock - 8_000
        plant.pass(21_000)
        plant.prove()
        let recorded = plant.record()
        let record = try #require(recorded)
        #expect(record.isTimeUnsure && record.sampledAt == sampled)
    }

    @Test(
        "A clock that stands still: uncertain after two seconds; what is beyond a limit raises, marked, at its reception"
    )
    func standingStill() throws {
        var plant = try settled()
        let source = plant.now
        var ids: Set<String> = []
        for round in 0..<40 {
            plant.pass(500)
            plant.hear(20 + Double(round) / 100, at: source)
            plant.prove()
        }
        #expect(try plant.latest()?.quality == .uncertain)
        #expect(plant.steps.isEmpty)
        for round in 0..<4 {
            plant.pass(500)
            plant.hear(97 + Double(round), at: source)
            plant.prove()
            if let record = plant.record() { ids.insert(record.eventID) }
        }
        #expect(ids.count == 1)
        plant.publish(20, for: 8)
        #expect(try plant.latest()?.quality == .good)
        #expect(plant.steps.map(\.transition) == [.returned])
    }

    // MARK: Kept messages

    /// B17: the gateway has just started and knows no offset.
    @Test(
        "Queued messages that are half an hour old raise nothing; what still stands alarms once", arguments: [20.0, 97])
    func queuedHistory(last: Double) throws {
        var plant = try LivePlantFixture()
        plant.now = 1_800_000
        for position in 0..<400 { plant.hear(position < 390 ? 97 : last, at: Milliseconds(position) * 10) }
        #expect(plant.steps.isEmpty)
        plant.pass(50)
        plant.prove()
        plant.pass(60_000)
        plant.prove()
        #expect(plant.steps.count == (last == 20 ? 0 : 1))
    }

    @Test("Younger messages that the broker had queued are live, in their order, and good")
    func queued() throws {
        var plant = try settled()
        let start = plant.now
        plant.now += 25_000
        plant.hear(97, at: start + 1_000)
        plant.hear(20, at: start + 2_000)
        #expect(try plant.latest()?.quality == .good)
        #expect(
            plant.steps == [
                Step(.activated, .high, at: start + 1_000), Step(.returned, .normal, at: start + 2_000),
            ])
    }

    @Test(
        "A wrong and constant clock works as a right one, and history is judged by its offset",
        arguments: [
            -50_000, 20_000, 3_600_000,
        ] as [Milliseconds])
    func wrongAndConstant(behind: Milliseconds) throws {
        var plant = try settled(behind: behind)
        #expect(try plant.latest()?.quality == .good)
        plant.publish(97, behind: behind, for: 1)
        plant.publish(20, behind: behind, for: 1)
        #expect(plant.record()?.occurrence == 1)
        #expect(try plant.latest()?.quality == .good)
        // Away for a while: what is young by that clock is live, what is old is history.
        let start = plant.now - behind
        plant.now += 200_000
        plant.hear(97, at: start + 1_000)
        #expect(plant.steps.isEmpty)
        plant.hear(97, at: start + 195_000)
        #expect(plant.steps == [Step(.activated, .high, at: start + 195_000)])
    }

    @Test("What a device had buffered is evaluated in its order once its clock has proved right")
    func buffered() throws {
        var plant = try settled()
        let start = plant.now
        plant.pass(10_000)
        plant.prove()
        for second in 1...10 as ClosedRange<Milliseconds> {
            plant.hear(second == 3 ? 97 : 20, at: start + second * 1_000)
        }
        #expect(try plant.latest()?.quality == .good)
        #expect(
            plant.steps == [
                Step(.activated, .high, at: start + 3_000), Step(.returned, .normal, at: start + 4_000),
            ])
    }

    @Test("What a device had buffered for longer is history")
    func bufferedForLong() throws {
        var plant = try settled()
        let start = plant.now
        plant.pass(600_000)
        plant.prove()
        for second in 1...600 as ClosedRange<Milliseconds> {
            plant.hear(second < 590 && second % 2 == 0 ? 97 : 20, at: start + second * 1_000)
        }
        #expect(plant.steps.filter { $0.at < start + 560_000 }.isEmpty)
        #expect(try plant.latest()?.quality == .good)
    }

    @Test("Bursts every ten seconds do not go between uncertain and good for ever")
    func bursts() throws {
        var plant = try settled()
        var qualities: [Quality] = []
        for _ in 0..<10 {
            let start = plant.now
            plant.pass(10_000)
            plant.prove()
            for second in 1...10 as ClosedRange<Milliseconds> {
                plant.hear(20, at: start + second * 1_000)
                if let quality = try plant.latest()?.quality { qualities.append(quality) }
            }
        }
        #expect(qualities.suffix(60).allSatisfy { $0 == .good })
    }

    @Test("A gateway that stood still, or whose clock was set, doubts nobody", arguments: [-3_600_000, 3_600_000])
    func ownClock(leap: Milliseconds) throws {
        var plant = try settled()
        plant.now += leap
        plant.plant.clockLeapt(by: leap, at: plant.clock)
        // One that was stamped before.
        plant.now -= leap
        plant.hear(21, at: plant.now)
        #expect(try plant.latest()?.quality == .good)
        plant.now += leap
        for second in 1...20 as ClosedRange<Milliseconds> {
            plant.pass(1_000)
            plant.hear(22, at: plant.now - leap)
            if second % 5 == 0 { plant.prove() }
            #expect(try plant.latest()?.quality == .good && plant.latest()?.value == .number(22))
        }
        let before = plant.now - leap
        plant.now += 25_000
        plant.hear(97, at: before + 1_000)
        #expect(plant.steps.count == 1)
    }

    @Test("Without a clock a device is judged by reception, also when it had one before")
    func absent() throws {
        var plant = try settled()
        plant.pass(1_000)
        plant.hear(97, behind: 3_600_000)
        plant.pass(1_000)
        plant.hear(97)
        #expect(plant.steps.map(\.transition) == [.activated])
        #expect(try plant.latest()?.quality == .good)
    }

    @Test("What was kept counts in the order of its reception when a device stops to say a time")
    func keptThenAbsent() throws {
        var plant = try settled()
        for value in [20.0, 97, 20] {
            plant.hear(value, behind: 3_600_000)
            plant.pass(500)
        }
        plant.hear(20)
        #expect(
            plant.steps == [
                Step(.activated, .high, at: 60_500), Step(.returned, .normal, at: 61_000),
            ])
        #expect(try plant.latest()?.quality == .good)
    }

    @Test("Once a clock has another offset, that goes for the tags as well of which nothing came meanwhile")
    func rebasedForOthers() throws {
        var plant = try settled()
        let route = RouteDraft(
            name: "machines", topic: "factory/{line}/{machine}",
            values: [.init("temperature", "/a"), .init("b", "/b")], time: "/ts", staleAfter: nil)
        plant.plant = try LivePlant(
            routes: [try route.checked()],
            alarms: [
                AlarmDefinition(
                    name: "hot", tags: try TopicFilter("factory/+/+/temperature"),
                    high: AlarmLimit(limit: 85, priority: .high), deadband: 2, onDelay: 0, offDelay: 0)
            ])
        func send(_ text: String, behind: Milliseconds, _ count: Int = 1) {
            for _ in 0..<count {
                plant.pass(500)
                plant.receive("{\(text),\"ts\":\(plant.clock - behind)}", topic: "factory/l1/m1")
                plant.prove()
            }
        }
        send(#""a":20,"b":1"#, behind: 0, 120)
        send(#""b":1"#, behind: 8_000, 13)
        #expect(plant.plant.clocks[0].offset == 8_000)
        send(#""a":97,"b":1"#, behind: 8_000)
        #expect(try plant.latest()?.value?.doubleValue == 97 && plant.latest()?.quality == .good)
        #expect(plant.steps.map(\.transition) == [.activated])
        send(#""a":20"#, behind: 8_000)
        #expect(plant.steps.map(\.transition) == [.activated, .returned])
        // Its own order goes on.
        send(#""a":98"#, behind: 9_500)
        #expect(try plant.latest()?.value?.doubleValue == 20)
    }

    // MARK: Without echoes

    /// Every half second a message, 7 ms after a look at the clock.
    private func playUnproved(_ plant: inout LivePlantFixture, _ value: Double, behind: Milliseconds, for seconds: Int)
    {
        for _ in 0..<seconds * 2 {
            plant.pass(493)
            plant.now += 7
            plant.hear(value, behind: behind)
        }
    }

    @Test("Without an echo, ever or any more, a step back is seen", arguments: [0, 60])
    func withoutEcho(proved: Int) throws {
        var plant = try LivePlantFixture(staleAfter: nil)
        plant.plant.brokerConnected(at: plant.clock)
        plant.publish(20, for: proved)
        playUnproved(&plant, 20, behind: 0, for: 200)
        #expect(plant.plant.clocks[0].isSettled)
        playUnproved(&plant, 97, behind: 60_000, for: 40)
        #expect(plant.steps.map(\.transition) == [.activated])
        #expect(try plant.latest()?.quality == .good)
        plant.record()
        playUnproved(&plant, 20, behind: 60_000, for: 1)
        #expect(plant.steps.map(\.transition) == [.returned])
        // An echo that comes after all proves what it says.
        plant.prove()
        #expect(plant.plant.provedThrough == plant.clock)
    }

    @Test(
        "What stays undecided raises without an echo as well, where nobody else could hear",
        arguments: [0, 5_000] as [Milliseconds])
    func undecidedWithoutEcho(onDelay: Milliseconds) throws {
        var plant = try LivePlantFixture(onDelay: onDelay, staleAfter: nil)
        plant.publish(20, for: 60)
        for round in 0..<90 {
            plant.pass(500, isAlone: true)
            plant.hear(97 + Double(round % 7) / 10, behind: round % 2 == 0 ? -10_000 : -20_000)
        }
        #expect(plant.steps.map(\.transition) == [.activated])
        #expect(plant.record()?.isTimeUnsure == true)
    }

    // MARK: Dated before what has come

    @Test(
        "A last message dated before the one before it makes its tag uncertain, and may raise, marked",
        arguments: [1_500, 5_000] as [Milliseconds], [0, 8] as [Int])
    func lastIsOlder(behind: Milliseconds, unproved: Int) throws {
        var plant = try settled()
        _ = plant.flush()
        for _ in 0..<unproved {
            plant.pass(500)
            plant.hear(20, behind: 0)
        }
        plant.pass(1_000)
        plant.hear(97, behind: behind)
        let received = plant.now
        #expect(try plant.latest()?.quality == .uncertain)
        #expect(plant.flush().count == 1)
        #expect(plant.steps.isEmpty)
        plant.wait(30_000)
        #expect(plant.steps.map(\.transition) == [.activated])
        #expect(plant.steps.first.map { (received - behind...received).contains($0.at) } == true)
        #expect(plant.record()?.isTimeUnsure == true)
        #expect(try plant.latest()?.quality == .uncertain)
        plant.publish(20, for: 3)
        #expect(try plant.latest()?.quality == .good)
        #expect(plant.steps.map(\.transition) == [.returned])
        #expect(plant.plant.suspects.isEmpty && plant.plant.doubts.isEmpty)
    }

    @Test("A later message, or the latest one again, shows that what came out of order had been sent before")
    func redelivered() throws {
        var plant = try settled()
        for value in [97.0, 98, 20] {
            plant.pass(500)
            plant.hear(value, behind: 0)
            plant.prove()
        }
        plant.record()
        let last = plant.now
        plant.pass(500)
        // The first of a run is remembered; the second one is not.
        plant.hear(97, at: last - 1_000)
        #expect(try plant.latest()?.quality == .good)
        plant.hear(98, at: last - 500)
        #expect(try plant.latest()?.quality == .uncertain)
        plant.hear(20, at: last)
        #expect(try plant.latest()?.quality == .good)
        plant.pass(500)
        plant.hear(98, at: last - 500)
        plant.pass(500)
        plant.hear(21, behind: 0)
        #expect(try plant.latest()?.quality == .good)
        plant.wait(120_000)
        #expect(plant.steps.isEmpty && plant.plant.suspects.isEmpty && plant.plant.doubts.isEmpty)
    }

    @Test("Suspects are bounded, count among what is kept, and are forgotten with it")
    func suspectsAreBounded() throws {
        var plant = try settled()
        plant.pass(500)
        for position in 0..<1_000 as Range<Milliseconds> {
            plant.hear(21 + Double(position), at: plant.now - 600 - position)
        }
        #expect(plant.plant.heldCount == LivePlant.HeldSamples.suspectsPerTag && plant.plant.heldDropped > 0)
        // Without proof they stay, but only the young ones.
        plant.plant.brokerConnected(at: plant.clock)
        plant.pass(61_000)
        plant.hear(50, at: 59_000)
        #expect(plant.plant.heldCount == 1)
        plant.hear(20, behind: 0)
        #expect(plant.plant.heldCount == 0 && plant.plant.suspects.isEmpty)
    }

    // MARK: Restarts and takeovers

    @Test("After a restart a device that is an hour behind its own record is evaluated")
    func restartAfterStep() throws {
        var first = try settled()
        first.publish(97, for: 1)
        let record = first.record()
        first.publish(20, for: 1)
        let last = first.record()
        var second = try first.restarted(nodes: first.flush(), record: last ?? record)
        second.pass(100)
        second.prove()
        second.publish(97, behind: 3_600_000, for: 7)
        #expect(second.steps.map(\.transition) == [.activated])
        #expect(try second.latest()?.quality == .good)
        let text = second.flush().values.map { String(decoding: $0, as: UTF8.self) }.first ?? ""
        #expect(text.contains("\"t\":\(second.clock - 3_600_000)"), "the node goes back: \(text)")
    }

    /// Two gateways hear the same, a few milliseconds apart; the one that records dies in the middle.
    @Test("Gateways that hear the same step decide alike", arguments: 0..<24)
    func takeover(after seconds: Int) throws {
        var first = try settled()
        var second = try settled()
        second.now += 7
        var ids: [String] = []
        func run(_ plant: inout LivePlantFixture, _ step: Int) {
            plant.pass(500)
            plant.hear([20, 97, 97, 20, 97][step / 5 % 5], at: 60_000 + Milliseconds(step) * 500 - 3_600_000)
            plant.prove()
        }
        var journal: [AlarmRecord] = []
        for step in 0..<48 {
            run(&first, step)
            // What the first records, the second sees before or after it hears the sample.
            if step % 2 == 0 { run(&second, step) }
            if step / 2 <= seconds {
                for proposal in first.plant.proposals(limit: .max, epoch: 1) {
                    journal.append(proposal.record)
                    first.plant.transitionRecorded(proposal.record, isOurs: true, at: first.clock)
                    second.plant.transitionRecorded(proposal.record, isOurs: false, at: second.clock)
                }
            }
            if step % 2 == 1 { run(&second, step) }
            if step / 2 > seconds, let record = second.record() { journal.append(record) }
        }
        ids = journal.filter { $0.condition == .high }.map(\.eventID)
        var alone = try settled()
        var expected: [String] = []
        for step in 0..<48 {
            run(&alone, step)
            if let record = alone.record(), record.condition == .high { expected.append(record.eventID) }
        }
        #expect(Set(ids) == Set(expected) && ids.count == expected.count, "\(journal)")
    }

    @Test(
        "A restart while a value is in doubt leaves nothing unwatched, though its device is silent",
        arguments: [97.0, 20])
    func restartInDoubt(value: Double) throws {
        var first = try settled()
        _ = first.flush()
        first.pass(500)
        first.hear(value, behind: 3_600_000)
        let nodes = first.flush()
        #expect(nodes.values.contains { String(decoding: $0, as: UTF8.self).contains("uncertain") })
        var second = try first.restarted(nodes: nodes)
        #expect(second.steps.isEmpty)
        second.wait(10_000)
        #expect(second.steps.map(\.transition) == (value == 97 ? [.activated] : []))
        if value == 97 { #expect(second.record()?.isTimeUnsure == true) }
        second.publish(20, for: 3)
        #expect(second.steps.map(\.transition) == (value == 97 ? [.returned] : []))
    }

    @Test("After a restart what is in doubt returns nothing, and what is heard counts instead of it")
    func restartInDoubtAndHeard() throws {
        var first = try settled(value: 97)
        let record = first.record()
        _ = first.flush()
        first.pass(500)
        first.hear(20, behind: 3_600_000)
        var second = try first.restarted(nodes: first.flush(), record: record)
        second.wait(20_000)
        #expect(second.steps.isEmpty)
        var third = try settled()
        _ = third.flush()
        third.pass(500)
        third.hear(97, behind: 3_600_000)
        third = try third.restarted(nodes: third.flush())
        third.publish(20, for: 10)
        #expect(third.steps.isEmpty)
    }

    @Test("A retained message does not take the delays away that ran according to the tag's node")
    func retainedKeepsDelays() throws {
        var first = try LivePlantFixture(onDelay: 60_000)
        first.publish(20, for: 10)
        first.publish(97, for: 20)
        let last = first.clock
        var second = try first.restarted(nodes: first.flush())
        second.receive(#"{"v":97,"ts":\#(last)}"#, retained: true)
        second.prove()
        second.wait(60_000)
        #expect(second.steps == [Step(.activated, .high, at: 70_500)])
    }

    @Test("A new owner does not go back to a value from before the step")
    func ownerAfterStep() throws {
        var first = try settled()
        var second = try settled()
        let old = first.flush()
        _ = second.flush()
        second.publish(21, behind: 3_600_000, for: 8)
        let tag = try #require(second.plant.tagsInTree(ofShards: .max).first?.tag)
        let nodes: [LivePlant.TagNode] = old.values.map { (tag: tag, data: $0) }
        second.plant.reconcile(
            shards: .max, nodes: nodes, records: LivePlant.records(nodes, at: second.clock), at: second.clock)
        #expect(try second.latest()?.value == .number(21))
        #expect(second.flush().count == 1)
        // Nor does a retained one from before it replace what was heard.
        second.receive(#"{"v":20,"ts":\#(LivePlantFixture.start + 60_000)}"#, retained: true)
        #expect(try second.latest()?.value == .number(21))
    }
}

extension LivePlantFixture {
    /// A live message of a device whose clock is that far behind.
    mutating func hear(_ value: Double, behind: Milliseconds) { hear(value, at: now - behind) }

    /// The device publishes twice a second for so many seconds; everything is read at once.
    mutating func publish(_ value: Double, behind: Milliseconds = 0, for seconds: Int) {
        for _ in 0..<seconds * 2 {
            pass(500)
            hear(value, behind: behind)
            prove()
        }
    }

    func latest() throws -> LatestValues.Entry? { plant.value(of: try TagPath(Self.temperature)) }
}
