import Testing

@testable import Plant

/// A machine that sends what it has measured in batches, with an alarm above 85.
@Suite("What samples of one message count for")
struct BatchTests {
    private struct Batches {
        var fixture: LivePlantFixture
        static let topic = "batch/m1"

        init(onDelay: Milliseconds = 0, staleAfter: Milliseconds? = 120_000) throws {
            fixture = try LivePlantFixture(onDelay: onDelay)
            let route = RouteDraft(
                name: "b", topic: "batch/{machine}", device: "batch/{machine}",
                values: [.init("t", "/t"), .init("p", "/p")],
                each: "", time: "/ts", staleAfter: staleAfter)
            fixture.plant = try LivePlant(
                routes: [try route.checked()],
                alarms: [
                    AlarmDefinition(
                        name: "hot", tags: try TopicFilter("batch/+/t"), high: AlarmLimit(limit: 85, priority: .high),
                        deadband: 2, onDelay: onDelay)
                ], echoTopic: Array("linekeeper/p/gateways/g/echo".utf8))
        }

        /// Samples of `t` with their times after the start.
        mutating func hear(_ samples: [(at: Milliseconds, t: Double)], retained: Bool = false) {
            let elements = samples.map { #"{"ts":\#(LivePlantFixture.start + $0.at),"t":\#($0.t)}"# }
            fixture.receive("[\(elements.joined(separator: ","))]", retained: retained, topic: Self.topic)
        }

        var entry: LatestValues.Entry? {
            get throws { fixture.plant.value(of: try TagPath("batch/m1/t")) }
        }
    }

    @Test("A spike between two samples alarms at its own time, and returns at the next one's")
    func spike() throws {
        var plant = try Batches()
        plant.fixture.pass(10_000)
        plant.fixture.prove()
        plant.hear([(0, 20), (3_000, 90), (1_000, 30), (6_000, 40), (9_900, 50)])
        #expect(plant.fixture.steps == [Step(.activated, .high, at: 3_000), Step(.returned, .normal, at: 6_000)])
        let entry = try #require(try plant.entry)
        #expect(entry.value == 50.0 && entry.sourceTime == LivePlantFixture.start + 9_900 && entry.quality == .good)
    }

    @Test("An on-delay runs by the samples' times, within one message and over several")
    func delays() throws {
        var plant = try Batches(onDelay: 5_000)
        plant.fixture.pass(10_000)
        plant.fixture.prove()
        plant.hear([(0, 90), (4_000, 20), (5_000, 90)])
        #expect(plant.fixture.steps == [], "the first time was too short")
        plant.fixture.pass(10_000)
        plant.fixture.prove()
        plant.hear([(11_000, 90), (19_900, 90)])
        #expect(plant.fixture.steps == [Step(.activated, .high, at: 10_000)])
    }

    @Test("Batches that overlap count once")
    func overlap() throws {
        var plant = try Batches()
        plant.fixture.pass(10_000)
        plant.fixture.prove()
        plant.hear([(1_000, 20), (2_000, 90), (3_000, 20)])
        plant.fixture.record()
        plant.fixture.pass(1_000)
        plant.fixture.prove()
        plant.hear([(2_000, 90), (3_000, 20), (10_500, 30)])
        #expect(plant.fixture.steps == [])
        #expect(try plant.entry?.value == 30.0)
    }

    @Test("The newest sample tells of the device's clock; what is older than the line of history raises nothing")
    func history() throws {
        var plant = try Batches(staleAfter: nil)
        plant.fixture.pass(100_000)
        plant.fixture.prove()
        plant.hear([(0, 90), (60_000, 20), (80_000, 90), (90_000, 20), (99_900, 20)])
        #expect(plant.fixture.steps == [Step(.activated, .high, at: 80_000), Step(.returned, .normal, at: 90_000)])
        #expect(try plant.entry?.quality == .good)
    }

    @Test("A device whose clock is wrong and constant is as good as another")
    func wrongClock() throws {
        var plant = try Batches()
        // A day behind: the first message contradicts, until three have shown that the clock is constant.
        let behind: Milliseconds = -86_400_000
        plant.fixture.pass(1_000)
        plant.fixture.prove()
        for round in 0..<8 {
            plant.fixture.pass(4_000)
            plant.fixture.prove()
            let now = plant.fixture.now
            plant.hear((0..<4).map { (behind + now - 3_900 + Int64($0) * 1_000, 20) })
            #expect(try plant.entry?.quality == (round < 2 ? .uncertain : .good), "round \(round)")
        }
        plant.fixture.pass(4_000)
        plant.fixture.prove()
        let now = plant.fixture.now
        plant.hear([
            (behind + now - 3_900, 20), (behind + now - 2_900, 95), (behind + now - 1_900, 20),
            (behind + now - 900, 20),
        ])
        #expect(
            plant.fixture.steps == [
                Step(.activated, .high, at: behind + now - 2_900), Step(.returned, .normal, at: behind + now - 1_900),
            ])
    }

    @Test("What was kept while the clock was in doubt is evaluated in its order once it is not")
    func doubt() throws {
        var plant = try Batches()
        plant.fixture.pass(4_000)
        plant.fixture.prove()
        plant.hear([(1_000, 20), (3_900, 20)])
        // Late by a minute, which nothing explains; then three at the offset.
        plant.fixture.pass(60_000)
        plant.fixture.prove()
        plant.hear([(5_000, 20), (6_000, 95), (7_000, 20)])
        #expect(plant.fixture.steps == [])
        for _ in 0..<3 {
            plant.fixture.pass(1_000)
            plant.fixture.prove()
            let now = plant.fixture.now
            plant.hear([(now - 600, 20), (now - 100, 20)])
        }
        #expect(plant.fixture.steps == [Step(.activated, .high, at: 6_000), Step(.returned, .normal, at: 7_000)])
    }

    @Test("An element with a newer time and without a value tells nothing of the clock")
    func emptyElement() throws {
        var plant = try Batches()
        plant.fixture.pass(1_000)
        plant.fixture.prove()
        let old = LivePlantFixture.start - 90_000_000
        plant.fixture.receive(#"[{"ts":\#(old),"t":1},{"ts":\#(old + 1000)}]"#, topic: Batches.topic)
        #expect(try plant.entry?.quality == .uncertain)
    }

    @Test("A tag that some elements leave out is not silent, one that all leave out is")
    func silence() throws {
        var plant = try Batches(staleAfter: 10_000)
        func quality(_ tag: String) throws -> Quality? {
            plant.fixture.plant.value(of: try TagPath("batch/m1/\(tag)"))?.quality
        }
        func send(_ rest: String) {
            let now = plant.fixture.clock
            plant.fixture.receive(
                #"[{"ts":\#(now - 500),"t":1},{"ts":\#(now - 400)\#(rest)},{"ts":\#(now - 100),"t":2}]"#,
                topic: Batches.topic)
        }
        for _ in 0..<8 {
            plant.fixture.pass(2_000)
            plant.fixture.prove()
            send(#","p":5"#)
        }
        #expect(try quality("p") == .good && quality("t") == .good)
        for _ in 0..<8 {
            plant.fixture.pass(2_000)
            plant.fixture.prove()
            send(#","t":5"#)
        }
        #expect(try quality("p") == .stale && quality("t") == .good)
    }

    @Test("What the broker had kept is as good as each sample is young, and begins nothing")
    func retained() throws {
        var plant = try Batches(staleAfter: 30_000)
        plant.fixture.pass(100_000)
        plant.hear([(0, 90), (90_000, 20)], retained: true)
        #expect(plant.fixture.steps == [])
        let entry = try #require(try plant.entry)
        #expect(entry.value == 20.0 && entry.quality == .good)
    }
}
