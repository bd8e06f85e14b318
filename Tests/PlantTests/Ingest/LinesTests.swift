import LineProtocol
import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Messages in line protocol")
struct LinesTests {
    private static let start: Milliseconds = 1_700_000_000_000

    private func plant(_ change: (inout RouteDraft) -> Void = { _ in }, limits: IngestLimits = .init()) throws
        -> IngestHarness
    {
        var draft = RouteDraft(name: "l", topic: "telegraf/{x}", device: "telegraf/{host}", payload: .lines)
        change(&draft)
        var harness = try IngestHarness([draft], limits: limits)
        harness.now += 100_000
        return harness
    }

    /// All parts of one message.
    private func send(_ plant: inout IngestHarness, _ payload: String, topic: String = "telegraf/a") -> [MessageOutcome]
    {
        var outcomes = [plant.send(topic, payload)]
        while plant.ingest.hasFurtherParts {
            outcomes.append(
                plant.ingest.furtherPart(
                    Array(topic.utf8).span, Array(payload.utf8).span, retained: false, receivedAt: plant.now,
                    into: &plant.samples))
        }
        return outcomes
    }

    private static let twoHosts = """
        cpu,host=web1,cpu=cpu0 usage_idle=93.5,usage_user=2i 1700000001000000000
        # a comment

        disk,host=web1,path=/boot free=12u,mode="rw" 1700000001000000000
        cpu,host=web2,cpu=cpu0 usage_idle=50 1700000002000000000
        """

    @Test("Every measurement with its tags is a topic of its own, named by the values in the order of their keys")
    func series() throws {
        var plant = try plant()
        for round in 0..<2 {
            let outcomes = send(&plant, Self.twoHosts)
            #expect(outcomes.map(\.result) == [.samples(2), .samples(2), .samples(1)])
            #expect(outcomes.map(\.isNewDevice) == [round == 0, false, round == 0])
            #expect(
                plant.values == [
                    "telegraf/a/cpu/cpu0/web1/usage_idle": 93.5, "telegraf/a/cpu/cpu0/web1/usage_user": 2,
                    "telegraf/a/disk/web1/%2Fboot/free": 12, "telegraf/a/disk/web1/%2Fboot/mode": "rw",
                    "telegraf/a/cpu/cpu0/web2/usage_idle": 50.0,
                ])
            #expect(
                Set(plant.samples.map { plant.ingest.devices[plant.ingest.tags[$0.tag].device].path.text }) == [
                    "telegraf/web1", "telegraf/web2",
                ])
            #expect(plant.samples.map(\.sourceTime) == [1_000, 1_000, 1_000, 1_000, 2_000].map { Self.start + $0 })
        }
        #expect(plant.ingest.tags.count == 5 && plant.ingest.topicCount == 4)
    }

    @Test("Several times of one series come in their order; without a time the time of reception counts")
    func times() throws {
        var plant = try plant()
        let outcomes = send(
            &plant,
            "m,host=h v=3 1700000003000000000\nm,host=h v=9\nm,host=h v=1 1700000001000000000\nm,host=h w=2 1700000002000000000"
        )
        #expect(outcomes.count == 1 && outcomes[0].isBatch && outcomes[0].sourceTime == Self.start + 3_000)
        #expect(
            plant.samples.map(\.value) == [1.0, 2.0, 3.0, 9.0]
                && plant.samples.map(\.hasSourceTime) == [true, true, true, false])
        var seconds = try self.plant { $0.timeUnit = .seconds }
        #expect(send(&seconds, "m,host=h v=3 1700000001")[0].sourceTime == Self.start + 1_000)
    }

    @Test("Names of the route's own: from the topic, the measurement and the tags")
    func names() throws {
        var plant = try plant {
            $0.tag = "site/{x}/{host}/{measurement}"
            $0.device = "site/{host}"
            $0.values = [
                .init("idle", .init(at: "/usage_idle", unit: "%")),
                .init("on", .init(at: "/state", map: [.init("t", false), .init("true", true)])),
            ]
        }
        let outcomes = send(&plant, "cpu,host=w+1 usage_idle=5i,other=1 1700000001000000000\nio state=true")
        #expect(outcomes.map(\.result) == [.samples(1)], "a line without the tag has no name")
        #expect(plant.values == ["site/a/w%2B1/cpu/idle": 5])
        #expect(plant.ingest.tags[plant.samples[0].tag].unit == "%")
        #expect(plant.ingest.counters.refusedTopics == 1)
        #expect(outcomes[0].flaw?.failure == .refused(.missingName("host")))
        #expect(
            send(&plant, "io state=true").map(\.result) == [.undecodable(.refused(.refusedBefore))],
            "and is not looked at again")
        #expect(send(&plant, "io,host=h state=true").map(\.result) == [.samples(1)])
        #expect(plant.values["site/a/h/io/on"] == true)
        #expect(send(&plant, "io,host=i nothing=1").map(\.result) == [.samples(0)], "it is about something else")
        #expect(try plant.tag("site/a/i/io/on") == nil)
        #expect(
            send(&plant, "io,host=i state=t").map(\.result) == [.samples(1)] && plant.values["site/a/i/io/on"] == true)
    }

    @Test("Of two series that would have the same tags neither is taken, whichever comes first, and what it had is bad")
    func collision() throws {
        for order in [["0", "1"], ["1", "0"]] {
            var plant = try plant {
                $0.tag = "{host}/{measurement}"
                $0.device = "{host}"
            }
            #expect(send(&plant, "cpu,host=h,cpu=\(order[0]) v=1").map(\.result) == [.samples(1)])
            let both = send(&plant, "cpu,host=h,cpu=\(order[0]) v=1\ncpu,host=h,cpu=\(order[1]) v=2\nok,host=h v=3")
            #expect(both.map(\.result) == [.undecodable(.refused(.sameTags(nil))), .samples(1)])
            #expect(plant.values == ["h/cpu/v": nil, "h/ok/v": 3.0] && plant.samples.map(\.quality) == [.bad, .good])
            #expect(both[0].flaw?.failure == .refused(.sameTags(try TagPath("h/cpu"))))
            let first = send(&plant, "cpu,host=h,cpu=\(order[0]) v=1")
            #expect(first.map(\.result) == [.undecodable(.refused(.sameTags(nil)))] && plant.values == ["h/cpu/v": nil])
            let second = send(&plant, "cpu,host=h,cpu=\(order[1]) v=1")
            #expect(second.map(\.result) == [.undecodable(.refused(.refusedBefore))])
            // Both for the first time, and nothing else in the message.
            let other = send(&plant, "mem,host=h,cpu=\(order[0]) v=1\nmem,host=h,cpu=\(order[1]) v=2")
            #expect(other.map(\.result) == [.undecodable(.refused(.sameTags(nil)))])
        }
    }

    @Test(
        "A series is the same however its tags are ordered, and what stands for a slash differs from what looks like it"
    )
    func spelling() throws {
        var plant = try plant()
        #expect(send(&plant, "m,host=h,c=0 v=1").map(\.result) == [.samples(1)])
        #expect(send(&plant, "m,c=0,host=h v=2\nm,host=h,c=0 v=3").map(\.result) == [.samples(2)])
        #expect(plant.values == ["telegraf/a/m/0/h/v": 3.0] && plant.ingest.topicCount == 2)
        #expect(send(&plant, "d,host=h,p=a/b v=1\nd,host=h,p=a%2Fb v=2").map(\.result) == [.samples(1), .samples(1)])
        #expect(plant.values == ["telegraf/a/d/h/a%2Fb/v": 1.0, "telegraf/a/d/h/a%252Fb/v": 2.0])
    }

    @Test(
        "Names that look like something else do no harm: measurements that are numbers, a topic's name called measurement"
    )
    func likeness() throws {
        for isLinesFirst in [true, false] {
            let lines = RouteDraft(
                name: "l", topic: "t/{x}", continues: isLinesFirst, device: "d", payload: .lines)
            let text = RouteDraft(
                name: "raw", topic: "t/{x}", continues: !isLinesFirst, device: "raw", tag: "raw/{x}", payload: .text)
            var plant = try IngestHarness(isLinesFirst ? [lines, text] : [text, lines])
            for payload in ["1 v=1", "0 v=1\n1 v=2", "R1 v=1\nL v=1\nR0 v=2"] {
                let outcomes = send(&plant, payload, topic: "t/a")
                #expect(outcomes.allSatisfy { $0.result == .samples(1) })
                #expect(outcomes.count == payload.split(separator: "\n").count + 1)
            }
        }
        var named = try IngestHarness([
            RouteDraft(name: "l", topic: "t/{host}/{measurement}", device: "{host}", payload: .lines)
        ])
        #expect(send(&named, "cpu,c=0 v=1", topic: "t/h/cpu").map(\.result) == [.samples(1)])
        #expect(named.values == ["t/h/cpu/cpu/0/v": 1.0])
        var two = try IngestHarness([
            RouteDraft(
                name: "a", topic: "t/{x}", continues: true, device: "d1", payload: .lines, values: [.init("a", "/a")]),
            RouteDraft(name: "b", topic: "t/{x}", device: "d2", payload: .lines, values: [.init("b", "/b")]),
        ])
        #expect(send(&two, "m a=1,b=2", topic: "t/a").map(\.result) == [.samples(1), .samples(1)])
        #expect(two.values == ["t/a/m/a": 1.0, "t/a/m/b": 2.0])
    }

    @Test("Many tags are no hindrance where the route names its own")
    func manyTags() throws {
        let tags = (0..<40).map { "k\($0)=v" }.joined(separator: ",")
        var plant = try plant { $0.tag = "{host}/{measurement}" }
        #expect(send(&plant, "m,host=h,\(tags) v=1").map(\.result) == [.samples(1)])
        var long = try self.plant()
        let refused = send(&long, "m,host=h,\(tags) v=1").map(\.result)
        #expect(refused == [.undecodable(.refused(.path(.tooManyLevels(44))))])
    }

    @Test("A message that is too long, or whose first route makes lines of it, keeps nothing from what comes after")
    func bindings() throws {
        func plant(_ routes: [RouteDraft]) throws -> LivePlant {
            try LivePlant(
                routes: routes.map { try $0.checked() },
                alarms: [
                    AlarmDefinition(
                        name: "high", tags: try TopicFilter("#"), high: AlarmLimit(limit: 5, priority: .high))
                ])
        }
        let start = LivePlantFixture.start
        func hear(_ plant: inout LivePlant, _ payload: String) -> MessageOutcome? {
            var effects = LivePlant.Effects()
            return plant.messageReceived(
                topic: Array("t/a".utf8).span, payload: Array(payload.utf8).span, retained: false, receivedAt: start,
                effects: &effects)
        }
        let many = String(repeating: "m v=1\n", count: 10_001)
        for first in ["a v=1", nil] {
            var plant = try plant([
                RouteDraft(name: "l", topic: "t/{x}", device: "d", payload: .lines, values: [.init("v", "/v")])
            ])
            _ = plant.heard(through: start, at: start)
            if let first { _ = hear(&plant, first) }
            #expect(hear(&plant, many)?.result == .undecodable(.tooManyElements(limit: 10_000)))
            #expect(hear(&plant, "m v=9")?.result == .samples(1))
            #expect(plant.proposals(limit: 10, epoch: 1).map(\.record.path.tag.text) == ["t/a/m/v"])
        }
        var shared = try plant([
            RouteDraft(name: "l", topic: "t/{x}", continues: true, device: "d", payload: .lines),
            RouteDraft(name: "j", topic: "t/{x}", device: "j", tag: "n/{x}", values: [.init("b", "/b")]),
        ])
        _ = shared.heard(through: start, at: start)
        #expect(hear(&shared, #"{"b":9}"#)?.result == .samples(1))
        #expect(shared.proposals(limit: 10, epoch: 1).map(\.record.path.tag.text) == ["n/a/b"])
    }

    @Test("A field that is new is learnt, one that is excepted is not; quality and defaults are the line's own")
    func fields() throws {
        var plant = try plant {
            $0.values = [
                .init("n", .init(at: "/n", fallback: 0)), .init("+", .init(at: "/+", except: ["secret"])),
            ]
            $0.quality = .init(at: "/q", good: ["ok"])
        }
        #expect(send(&plant, #"m,host=h a=1,q="ok",secret=5"#)[0].newTags.count == 2)
        #expect(plant.values == ["telegraf/a/m/h/n": 0, "telegraf/a/m/h/a": 1.0])
        #expect(send(&plant, #"m,host=h q="bad",b=t,a=2,n=7i"#)[0].newTags.count == 1)
        #expect(plant.samples.map(\.quality) == [.bad, .bad, .bad])
        #expect(send(&plant, #"m,host=h b=f,a=3"#)[0].newTags.isEmpty)
        #expect(plant.values == ["telegraf/a/m/h/n": 0, "telegraf/a/m/h/a": 3.0, "telegraf/a/m/h/b": false])
        #expect(send(&plant, #"m,host=h a\ b=1"#)[0].newTags.count == 1 && plant.values["telegraf/a/m/h/a b"] == 1.0)
        #expect(send(&plant, #"m,host=h a\ b=2"#)[0].newTags.isEmpty && plant.values["telegraf/a/m/h/a b"] == 2.0)
    }

    @Test("A line that is wrong costs itself alone")
    func broken() throws {
        var plant = try plant()
        var outcomes = send(&plant, "m,host=h v=1\nm,host=h v=nan\nnonsense\nm,host=g v=2")
        #expect(outcomes.map(\.result) == [.samples(1), .samples(1)])
        #expect(outcomes[0].flaw?.failure == .line(LineProtocolError(.notFinite, at: 24)))
        #expect(plant.ingest.counters.undecodable == 2)
        #expect(send(&plant, "new v=1").map(\.result) == [.undecodable(.refused(.missingName("host")))])
        outcomes = send(&plant, "nonsense")
        #expect(outcomes.map(\.result) == [.undecodable(.line(LineProtocolError(.missingFields, at: 8)))])
        #expect(send(&plant, "# nothing").map(\.result) == [.samples(0)])
        #expect(send(&plant, "").map(\.result) == [.empty])
        var limits = IngestLimits()
        limits.elements = 2
        limits.payloadBytes = 40
        var small = try self.plant(limits: limits)
        #expect(send(&small, "m,host=h v=1\nm,host=h v=2")[0].result == .samples(2))
        #expect(
            send(&small, "m,host=h v=1\nm,host=h v=2\nm,host=h v=3")[0].result
                == .undecodable(.tooManyElements(limit: 2)))
        #expect(
            send(&small, String(repeating: "m,host=h v=1\n", count: 5))[0].result
                == .undecodable(.payloadTooLong(bytes: 65)))
    }

    @Test("It shares a topic with other routes")
    func shared() throws {
        var plant = try IngestHarness([
            RouteDraft(name: "l", topic: "t/{x}", continues: true, device: "{host}", payload: .lines),
            RouteDraft(name: "raw", topic: "t/{x}", device: "raw", tag: "raw/{x}", payload: .text),
        ])
        for _ in 0..<2 {
            let outcomes = send(&plant, "m,host=h v=1\nm,host=g v=2", topic: "t/a")
            #expect(outcomes.map(\.result) == [.samples(1), .samples(1), .samples(1)])
            #expect(plant.values["raw/a"] == "m,host=h v=1\nm,host=g v=2")
        }
        var second = try IngestHarness([
            RouteDraft(name: "raw", topic: "t/{x}", continues: true, device: "raw", tag: "raw/{x}", payload: .text),
            RouteDraft(name: "l", topic: "t/{x}", device: "{host}", payload: .lines),
        ])
        for _ in 0..<2 {
            #expect(
                send(&second, "m,host=h v=1\nm,host=g v=2", topic: "t/a").map(\.result) == [
                    .samples(1), .samples(1), .samples(1),
                ])
        }
    }

    @Test("Alarms and silence are those of each series")
    func live() throws {
        let route = RouteDraft(
            name: "l", topic: "telegraf/{x}", device: "telegraf", payload: .lines, staleAfter: 10_000,
            reporting: .periodic)
        var plant = try LivePlant(
            routes: [try route.checked()],
            alarms: [
                AlarmDefinition(
                    name: "high", tags: try TopicFilter("telegraf/+/cpu/+/v"),
                    high: AlarmLimit(limit: 5, priority: .high))
            ])
        var effects = LivePlant.Effects()
        func hear(_ payload: String, at now: Milliseconds) -> MessageOutcome? {
            plant.messageReceived(
                topic: Array("telegraf/a".utf8).span, payload: Array(payload.utf8).span, retained: false,
                receivedAt: LivePlantFixture.start + now, effects: &effects)
        }
        let begin = LivePlantFixture.start
        _ = plant.heard(through: begin, at: begin)
        #expect(hear("cpu,c=0 v=1,w=2\ncpu,c=1 v=9\ncpu,c=2 v=\"text\"", at: 0)?.result == .samples(4))
        #expect(plant.proposals(limit: 10, epoch: 1).map(\.record.path.tag.text) == ["telegraf/a/cpu/1/v"])
        #expect(plant.value(of: try TagPath("telegraf/a/cpu/2/v"))?.quality == .bad, "no text for an alarm's tag")
        for second in 1...20 {
            let now = Int64(second) * 1_000
            _ = hear("cpu,c=1 v=9", at: now)
            _ = plant.advance(to: begin + now, raisesUnheard: false)
        }
        #expect(plant.value(of: try TagPath("telegraf/a/cpu/0/v"))?.quality == .stale)
        #expect(plant.value(of: try TagPath("telegraf/a/cpu/1/v"))?.quality == .good)
    }

    @Test(
        "What the tree has of a series gets its device, and with it its time to go stale; its topic comes with its lines"
    )
    func restart() throws {
        var plant = try plant { $0.staleAfter = 5_000 }
        #expect(try plant.tag("telegraf/a/m/h/v") == nil, "there is no such device")
        let device = try #require(try plant.device("telegraf/h"))
        let tag = try #require(try plant.tag("telegraf/a/m/h/v"))
        #expect(plant.ingest.tags[tag].device == device && plant.ingest.devices[device].rules.staleAfter == 5_000)
        #expect(plant.ingest.topicCount == 0)
        #expect(plant.ingest.makes(try TagPath("telegraf/a/m/h/v")), "it is no orphan")
        #expect(plant.ingest.makes(try TagPath("telegraf/a/m/v")))
        #expect(try !["telegraf/a/m", "telegraf/a", "other/a/m/v"].contains { plant.ingest.makes(try TagPath($0)) })
        let named = try self.plant {
            $0.tag = "x/{host}/{measurement}"
            $0.values = [.init("v", "/v")]
        }
        #expect(try named.ingest.makes(TagPath("x/h/m/v")) && !named.ingest.makes(TagPath("x/h/m/w")))
        #expect(try !named.ingest.makes(TagPath("telegraf/a/m/v")))
        #expect(send(&plant, "m,host=h v=1").map(\.result) == [.samples(1)] && plant.samples[0].tag == tag)
    }

    @Test("Whatever the bytes are: tags stay within bounds, and every part is taken")
    func mutants() throws {
        let mutator = Mutator(
            seeds: [Self.twoHosts, "m v=1 1\nm v=2 2\nm,a=b v=3", #"m,host=h t="a\"b",u="c d" 5"#].map {
                Array($0.utf8)
            })
        var random = SeededRandom(seed: 3)
        var limits = IngestLimits()
        (limits.tags, limits.topics, limits.learntPerTopic) = (300, 200, 10)
        var plant = try plant({ $0.device = "d" }, limits: limits)
        var taken = 0
        var run = LongRun(usual: 30_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            // Full tables take nothing more; a fresh plant does.
            if round % 10_000 == 0 { plant = try self.plant({ $0.device = "d" }, limits: limits) }
            let payload = mutator.mutant(&random)
            plant.send(Array("telegraf/a".utf8), payload)
            while plant.ingest.hasFurtherParts {
                _ = plant.ingest.furtherPart(
                    Array("telegraf/a".utf8).span, payload.span, retained: false, receivedAt: plant.now,
                    into: &plant.samples)
            }
            taken += plant.samples.count
        }
        #expect(plant.ingest.tags.count <= 300 && plant.ingest.topicCount <= 200 && taken > run.inputs / 3)
        #expect(!run.hasGrown)
    }

    @Test("Mistakes of the configuration")
    func mistakes() throws {
        func mistakes(_ change: (inout RouteDraft) -> Void) -> [RouteMistake] {
            var draft = RouteDraft(name: "l", topic: "t/{x}", device: "{host}", payload: .lines)
            change(&draft)
            do { _ = try draft.checked() } catch { return error.all }
            return []
        }
        #expect(mistakes { $0.time = "/t" } == [RouteMistake(.time, .notForPayload(.lines))])
        #expect(mistakes { $0.each = "" } == [RouteMistake(.each, .notForPayload(.lines))])
        #expect(mistakes { $0.value = "/a/b" } == [RouteMistake(.value, .notField)])
        #expect(mistakes { $0.values = [.init("#", "/#")] } == [RouteMistake(.values(entry: "#"), .notField)])
        #expect(mistakes { $0.tag = "a//{" }.count == 1)
        #expect(mistakes { $0.timeZone = LocalZone(name: "UTC", rules: .utc) } == [RouteMistake(.time, .zoneOfLines)])
        #expect(mistakes { $0.quality = .init(at: "/a/b", good: ["g"]) } == [RouteMistake(.quality, .notField)])
        #expect(mistakes { _ in }.isEmpty)
    }
}
