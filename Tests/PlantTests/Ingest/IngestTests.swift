import JSON
import Primitives
import TestFixtures
import Testing

@testable import Plant

/// An ingest and what it has made, driven by text.
struct IngestHarness {
    var ingest: Ingest
    var samples: ContiguousArray<Sample> = []
    var now: Milliseconds = 1_700_000_000_000

    init(
        _ drafts: [RouteDraft], rules: TagRules = TagRules(), alarms: [TopicFilter] = [],
        limits: IngestLimits = .init()
    ) throws {
        ingest = Ingest(
            routes: try drafts.map { try $0.checked() }, rules: rules, alarms: alarms, limits: limits, hashSeed: 7)
    }

    @discardableResult
    mutating func send(_ topic: String, _ payload: String, retained: Bool = false) -> MessageOutcome {
        send(Array(topic.utf8), Array(payload.utf8), retained: retained)
    }

    @discardableResult
    mutating func send(_ topic: [UInt8], _ payload: [UInt8], retained: Bool = false) -> MessageOutcome {
        samples.removeAll()
        now += 1
        return ingest.message(
            topic: topic.span, payload: payload.span, retained: retained, receivedAt: now, into: &samples)
    }

    mutating func tag(_ path: String) throws -> TagID? { ingest.tag(for: try TagPath(path), at: now) }

    mutating func device(_ path: String) throws -> DeviceID? { ingest.device(for: try TagPath(path), at: now) }

    /// The last message's values by tag.
    var values: [String: TagValue?] {
        Dictionary(samples.map { (ingest.tags[$0.tag].path.text, $0.value) }, uniquingKeysWith: { $1 })
    }
}

@Suite("Ingest")
struct IngestTests {
    static let machines = RouteDraft(
        name: "machines", topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}", value: "/v",
        time: "/ts",
        units: [.init("factory/+/+/temperature", "°C")], staleAfter: 30_000,
        deadband: [.init("factory/+/+/temperature", 0.2)],
        presence: .init(topic: "{device}/status"))
    static let bed = RouteDraft(
        name: "bed", topic: "skab/{bed}",
        values: [.init("pressure", "/Pressure"), .init("flow", "/Volume Flow RateRMS")], time: "/ts")

    @Test("The first message makes the tag and its device, the second finds them")
    func firstAndSecond() throws {
        var plant = try IngestHarness([Self.machines])
        let first = plant.send("factory/l1/m1/temperature", #"{"v":21.5,"ts":1700000000000}"#)
        #expect(first.result == .samples(1))
        #expect(first.isNewTopic && first.isNewDevice && first.newTags == 0..<1)
        #expect(first.deviceState == .online)
        #expect(
            plant.samples == [
                Sample(
                    tag: TagID(rawValue: 0), value: .number(21.5), sourceTime: 1_700_000_000_000,
                    receivedTime: plant.now)
            ])
        let tag = plant.ingest.tags[TagID(rawValue: 0)]
        #expect(tag.path.text == "factory/l1/m1/temperature" && tag.unit == "°C" && tag.deadband == 0.2)
        #expect(plant.ingest.devices[tag.device].path.text == "factory/l1/m1")
        #expect(tag.shard == ShardMap.shard(of: plant.ingest.devices[tag.device].path))

        let second = plant.send("factory/l1/m1/temperature", #"{"v":22,"ts":1700000000001}"#)
        #expect(
            !second.isNewTopic && second.newTags.isEmpty && second.deviceState == nil && second.device == tag.device)
        #expect(plant.samples.first?.value == .integer(22))
        #expect(plant.send("factory/l1/m1/pressure", #"{"v":1}"#).isNewDevice == false)
        #expect(plant.ingest.tags.tags(of: tag.device).map(\.rawValue) == [1, 0])
        #expect(plant.samples.first?.hasSourceTime == false)
        #expect(plant.ingest.counters.slowlyRead == 0)
    }

    @Test("A deadband in percent is a part of the tag's range, and a maximum silence goes before that of the route")
    func relativeDeadband() throws {
        var draft = Self.machines
        draft.deadband = [.init("factory/+/+/temperature", .init(change: 1, isPercent: true, maximumSilence: 5_000))]
        let rules = TagRules([
            TagRule(tags: try TopicFilter("factory/l1/#"), traits: TagTraits(range: TagRange(low: -50, high: 150)))
        ])
        var plant = try IngestHarness([draft], rules: rules)
        plant.send("factory/l1/m1/temperature", #"{"v":21.5}"#)
        plant.send("factory/l2/m1/temperature", #"{"v":21.5}"#)
        plant.send("factory/l2/m1/pressure", #"{"v":21.5}"#)
        let tags = plant.ingest.tags.all.map { plant.ingest.tags[$0] }
        #expect(tags.map(\.deadband) == [2, nil, nil], "without a range every sample is written")
        #expect(tags.map(\.refreshAfter) == [5_000, 30_000, 30_000])
    }

    @Test("Several values: what is there is sampled, what is wrong is bad alone")
    func severalValues() throws {
        var plant = try IngestHarness([Self.bed])
        #expect(plant.send("skab/1", #"{"Pressure":0.05,"Volume Flow RateRMS":32.0}"#).result == .samples(2))
        #expect(plant.values == ["skab/1/pressure": .number(0.05), "skab/1/flow": .number(32)])
        #expect(plant.send("skab/1", #"{"Pressure":0.06}"#).result == .samples(1))
        #expect(plant.send("skab/1", #"{"Pressure":[],"Volume Flow RateRMS":true}"#).result == .samples(2))
        #expect(plant.samples.map(\.quality) == [.bad, .good])
        #expect(plant.send("skab/1", #"{"other":1}"#).result == .undecodable(.missing))
        #expect(plant.samples.map(\.quality) == [.bad, .bad])
    }

    @Test(
        "Payloads that cannot be read cost only themselves",
        arguments: [
            ("not json", .json(JSONError(.unexpectedByte, at: 1))),
            (#"{"v":1"#, .json(JSONError(.unexpectedEnd, at: 6))), ("{}", .missing),
            (#"{"v":null}"#, .null), (#"{"v":{}}"#, .notScalar),
            (#"{"v":1e999}"#, .json(JSONError(.numberOutOfRange, at: 5))),
            (#"{"v":NaN}"#, .notFinite), (#"{"\u0076":null}"#, .null), ("[1,2]", .missing),
            (#"{"v":1}{"v":2}"#, .json(JSONError(.trailingBytes, at: 7))),
            (#"{"v":21,5}"#, .json(JSONError(.unexpectedByte, at: 8))),
        ] as [(String, DecodeFailure)])
    func undecodable(payload: String, failure: DecodeFailure) throws {
        var plant = try IngestHarness([Self.machines])
        plant.send("factory/l1/m1/t", #"{"v":1}"#)
        #expect(plant.send("factory/l1/m1/t", payload).result == .undecodable(failure))
        #expect(plant.samples.map(\.quality) == [.bad] && plant.samples.first?.value == nil)
        #expect(plant.ingest.counters.undecodable == 1)
        #expect(plant.send("factory/l1/m1/t", #"{"v":2}"#).result == .samples(1))
    }

    @Test("The slow way gives what the fast way gives")
    func slowly() throws {
        var plant = try IngestHarness([Self.machines])
        plant.send("factory/l1/m1/t", #"{"v":"a\nb","ts":"2023-11-14T22:13:20Z"}"#)
        #expect(plant.samples.first?.value == .text("a\nb") && plant.samples.first?.sourceTime == 1_700_000_000_000)
        plant.send("factory/l1/m1/t", #"{"\u0076":9007199254740993,"ts":1700000000}"#)
        #expect(
            plant.samples.first?.value == .integer(9_007_199_254_740_993)
                && plant.samples.first?.sourceTime == 1_700_000_000_000)
        #expect(plant.ingest.counters.slowlyRead == 2)
    }

    @Test("A fast and a slow reading of random documents agree")
    func differential() throws {
        var generator = JSONGenerator(seed: 21)
        let slow = RouteDraft(
            name: "slow", topic: "s", values: [.init("v", "/v"), .init("a", "/a/0"), .init("é", "/é")], time: "/ts")
        let fast = RouteDraft(
            name: "fast", topic: "f", values: [.init("v", "/v"), .init("a", "/a/0"), .init("e", "/none")], time: "/ts")
        var plant = try IngestHarness([slow, fast])
        for round in 0..<4000 {
            var bytes = generator.value().serialized()
            if round % 2 == 0 { bytes = generator.damaged(bytes) }
            let times = plant.ingest.counters.unreadableTimes
            // The same moment for both.
            plant.now = 1_700_000_000_000
            let left = plant.send(Array("s".utf8), bytes)
            let leftSamples = plant.samples.filter { plant.ingest.tags[$0.tag].path.text != "s/é" }
            let leftTimes = plant.ingest.counters.unreadableTimes
            plant.now = 1_700_000_000_000
            let right = plant.send(Array("f".utf8), bytes)
            let rightSamples = plant.samples.filter { plant.ingest.tags[$0.tag].path.text != "f/e" }
            let text = String(decoding: bytes, as: UTF8.self)
            switch (left.result, right.result) {
            case (.undecodable(let a), .undecodable(let b)): #expect(a == b, "\(text)")
            case (.samples, .samples):
                #expect(leftSamples.map(\.value) == rightSamples.map(\.value), "\(text)")
                #expect(leftSamples.map(\.quality) == rightSamples.map(\.quality), "\(text)")
                #expect(leftSamples.map(\.sourceTime) == rightSamples.map(\.sourceTime), "\(text)")
                let isUnreadable = leftTimes > times
                #expect(plant.ingest.counters.unreadableTimes - leftTimes == (isUnreadable ? 1 : 0), "\(text)")
            case (.samples, .undecodable(.missing)): #expect(leftSamples.isEmpty, "/é alone was there: \(text)")
            default: #expect(left.result == right.result, "\(text)")
            }
        }
    }

    @Test("A clock that nobody has set, or that runs far ahead, is not believed")
    func implausibleTimes() throws {
        var plant = try IngestHarness([Self.machines])
        for time in ["0", "12", "1700000100000", "9000000000000000", "-5"] {
            plant.send("factory/l1/m1/t", "{\"v\":1,\"ts\":\(time)}")
            let sample = plant.samples.first
            #expect(
                sample?.quality == .uncertain && sample?.hasSourceTime == false && sample?.sourceTime == plant.now,
                "\(time)")
        }
        plant.send("factory/l1/m1/t", "{\"v\":1,\"ts\":1700000050000}")
        #expect(plant.samples.first?.quality == .good)
        #expect(plant.ingest.counters.implausibleTimes == 5)
    }

    @Test("Retained messages are of unknown age unless they tell it, and do not show that the device is there")
    func retained() throws {
        var plant = try IngestHarness([Self.machines])
        let first = plant.send("factory/l1/m1/t", #"{"v":1}"#, retained: true)
        #expect(first.isNewDevice && first.deviceState == .stale)
        #expect(plant.samples.first?.quality == .uncertain && plant.samples.first?.isRetained == true)
        plant.send("factory/l1/m1/t", #"{"v":1,"ts":1699999990000}"#, retained: true)
        #expect(plant.samples.first?.quality == .good)
        plant.send("factory/l1/m1/t", #"{"v":1,"ts":1699999900000}"#, retained: true)
        #expect(plant.samples.first?.quality == .stale)
        #expect(plant.send("factory/l1/m1/t", "", retained: true).result == .empty)
        #expect(plant.send("factory/l1/m1/t", #"{"v":1}"#).deviceState == .online)
    }

    @Test("Presence: birth, death, silence and return")
    func presence() throws {
        var plant = try IngestHarness([Self.machines])
        let birth = plant.send("factory/l1/m1/status", "online\n", retained: true)
        #expect(birth.result == .presence(isOnline: true) && birth.deviceState == .online && birth.isNewDevice)
        #expect(birth.newTags.isEmpty && plant.samples.isEmpty)
        let device = try #require(birth.device)
        #expect(plant.send("factory/l1/m1/status", "online").deviceState == nil)
        #expect(plant.send("factory/l1/m1/status", "offline").deviceState == .offline)
        #expect(plant.send("factory/l1/m1/status", "?").result == .undecodable(.unknownPresence))
        #expect(plant.send("factory/l1/m1/t", #"{"v":1}"#).deviceState == .online)

        var expired: [(device: DeviceID, turn: DeviceTurn)] = []
        plant.ingest.expireDevices(at: plant.now + 30_000, into: &expired)
        #expect(expired.isEmpty)
        plant.ingest.expireDevices(at: plant.now + 30_001, into: &expired)
        #expect(expired.map(\.device) == [device])
        plant.ingest.expireDevices(at: plant.now + 40_000, into: &expired)
        #expect(expired.map(\.device) == [device])
        #expect(plant.ingest.devices.state(of: device).state == .stale)
        plant.now += 50_000
        #expect(plant.send("factory/l1/m1/t", "rubbish").deviceState == .online, "even rubbish shows that it is there")
        plant.ingest.expireDevices(at: 0, into: &expired)
        #expect(expired.map(\.device) == [device], "a clock set back makes nobody stale")
    }

    @Test("Presence inside a JSON payload")
    func presenceInJSON() throws {
        var route = Self.machines
        route.presence = .init(topic: "{device}/status", online: "true", offline: "false", value: "/up")
        var plant = try IngestHarness([route])
        #expect(plant.send("factory/l1/m1/status", #"{"up":true}"#).result == .presence(isOnline: true))
        #expect(plant.send("factory/l1/m1/status", #"{"up":"false"}"#).result == .presence(isOnline: false))
        #expect(plant.send("factory/l1/m1/status", #"{"up":null}"#).result == .undecodable(.unknownPresence))
    }

    @Test("Hostile topics are refused one by one and leave nothing behind")
    func hostileTopics() throws {
        var plant = try IngestHarness([RouteDraft(name: "all", topic: "#", device: "all")])
        let deep = Array(repeating: "x", count: 200).joined(separator: "/")
        #expect(plant.send(deep, "1").result == .refused(.path(.tooManyLevels(200))))
        #expect(
            plant.send(String(repeating: "a", count: 65_535), "1").result == .refused(.path(.tooLong(bytes: 65_535))))
        #expect(plant.send([0x61, 0xFF], [0x31]).result == .refused(.path(.invalidUTF8)))
        #expect(plant.send([], [0x31]).result == .refused(.path(.empty)))
        #expect(
            plant.ingest.topicCount == 0 && plant.ingest.tags.count == 0 && plant.ingest.counters.refusedTopics == 4)
        for (topic, znode) in [
            ("../../gateways/x", "%2E%2E/%2E%2E/gateways/x"), ("@online", "%40online"), ("a//b", "a/%/b"), ("/", "%/%"),
        ] {
            #expect(plant.send(topic, "1").result == .samples(1))
            #expect(plant.samples.first.map { plant.ingest.tags[$0.tag].znodePath } == znode)
        }
    }

    @Test("A full table refuses what is new and goes on with what it knows")
    func limits() throws {
        var limits = IngestLimits()
        limits.topics = 3
        var plant = try IngestHarness([Self.machines], limits: limits)
        for number in 0..<3 { #expect(plant.send("factory/l/m\(number)/t", #"{"v":1}"#).result == .samples(1)) }
        #expect(plant.send("factory/l/m3/t", #"{"v":1}"#).result == .refused(.tooManyTopics))
        #expect(plant.send("factory/l/m2/t", #"{"v":1}"#).result == .samples(1))

        limits = IngestLimits()
        limits.tags = 3
        plant = try IngestHarness([Self.bed], limits: limits)
        #expect(plant.send("skab/1", #"{"Pressure":1}"#).result == .samples(1))
        #expect(plant.send("skab/2", #"{"Pressure":1}"#).result == .refused(.tooManyTags))
        #expect(plant.ingest.tags.count == 2 && plant.ingest.topicCount == 1)

        limits = IngestLimits()
        limits.devices = 1
        limits.payloadBytes = 10
        limits.topicBytes = 20
        plant = try IngestHarness([Self.machines], limits: limits)
        #expect(plant.send("factory/l/m1/t", #"{"v":1}"#).result == .samples(1))
        #expect(plant.send("factory/l/m1/u", #"{"v":1}"#).result == .refused(.tooManyTopics))
        #expect(plant.send("f/l/m2/t", #"{"v":1}"#).result == .unrouted)
        #expect(plant.send("factory/l/m1/t", #"{"v":12345678}"#).result == .undecodable(.payloadTooLong(bytes: 14)))
        #expect(plant.ingest.counters.tableFull == 1 && plant.ingest.counters.unrouted == 1)
    }

    @Test("Text is bounded")
    func longText() throws {
        var plant = try IngestHarness([Self.machines, RouteDraft(name: "t", topic: "text", payload: .text)])
        let long = String(repeating: "x", count: 4097)
        #expect(plant.send("factory/l/m/t", "{\"v\":\"\(long)\"}").result == .undecodable(.textTooLong(bytes: 4097)))
        #expect(plant.send("factory/l/m/t", "{\"v\":\"\(long.dropLast())\"}").result == .samples(1))
        #expect(plant.send("text", long).result == .undecodable(.textTooLong(bytes: 4097)))
        #expect(plant.send(Array("text".utf8), [0xFF]).result == .undecodable(.invalidUTF8))
        plant.send("text", "läuft")
        #expect(plant.samples.first?.value == .text("läuft"))
    }

    @Test("A value that the tree knows gets the tag that its topic would get")
    func adoption() throws {
        var plant = try IngestHarness([Self.machines, Self.bed])
        let known = try plant.tag("skab/7/flow")
        let tag = try #require(known)
        #expect(plant.ingest.tags[tag].path.text == "skab/7/flow")
        #expect(try plant.tag("skab/7/other") == nil)
        #expect(try plant.tag("factory/l/m/status") == nil)
        let single = try plant.tag("factory/l/m/t")
        let outcome = plant.send("factory/l/m/t", #"{"v":1}"#)
        #expect(outcome.newTags.isEmpty && plant.samples.first?.tag == single)
        let device = try plant.device("factory/l/m")
        #expect(outcome.device == device)
    }

    @Test(
        "Plain numbers",
        arguments: [
            ("21.5", .number(21.5)), (" -3\r\n", .integer(-3)), ("+7", .integer(7)), ("007", .integer(7)),
            ("-007.50", .number(-7.5)), (".5", .number(0.5)),
            ("5.", .number(5)), ("1e3", .number(1000)), ("0", .integer(0)), ("9223372036854775807", .integer(.max)),
            ("12\0", .integer(12)), ("-.5", .number(-0.5)),
        ] as [(String, TagValue)])
    func plainNumbers(text: String, expected: TagValue) throws {
        var plant = try IngestHarness([RouteDraft(name: "n", topic: "n", payload: .number)])
        #expect(plant.send("n", text).result == .samples(1))
        #expect(plant.samples.first?.value == expected)
    }

    @Test(
        "What is no number",
        arguments: [
            ("NaN", .notFinite), ("-inf", .notFinite), ("Infinity", .notFinite), ("1e999", .notFinite), ("", nil),
            ("-", .notNumber), ("+", .notNumber),
            (".", .notNumber), ("1.2.3", .notNumber), ("1,5", .notNumber), ("0x10", .notNumber), ("12 °C", .notNumber),
            ("--1", .notNumber), ("+-1", .notNumber),
            ("e5", .notNumber), ("[1]", .notNumber), ("1e", .notNumber), (" ", .notNumber),
        ] as [(String, DecodeFailure?)])
    func noNumbers(text: String, failure: DecodeFailure?) throws {
        var plant = try IngestHarness([RouteDraft(name: "n", topic: "n", payload: .number)])
        #expect(plant.send("n", text).result == (failure.map { .undecodable($0) } ?? .empty))
    }

    @Test(
        "Plain booleans",
        arguments: [
            ("true", true), ("OFF", false), ("1", true), ("0\n", false), ("Yes", true), ("no", false), ("2", nil),
            ("truex", nil),
        ] as [(String, Bool?)])
    func plainBooleans(text: String, expected: Bool?) throws {
        var plant = try IngestHarness([RouteDraft(name: "b", topic: "b", payload: .bool)])
        let outcome = plant.send("b", text)
        #expect(outcome.result == (expected == nil ? .undecodable(.notBool) : .samples(1)))
        #expect(plant.samples.first?.value == expected.map { .bool($0) })
    }

    @Test("Random and mutated bytes as topics and payloads on every kind of route")
    func randomBytes() throws {
        var random = SeededRandom(seed: 9)
        var limits = IngestLimits()
        (limits.topics, limits.tags, limits.devices) = (3_000, 4_000, 1_000)
        let routes = [
            Self.machines, Self.bed, RouteDraft(name: "n", topic: "n/{x}", payload: .number),
            RouteDraft(name: "t", topic: "t/{x}", payload: .text),
            RouteDraft(name: "b", topic: "b/{x}", payload: .bool),
            RouteDraft(name: "rest", topic: "r/{x...}", device: "r"),
            RouteDraft(name: "c", topic: "c/{x}", payload: .cbor, values: [.init("#", "/#")]),
            RouteDraft(name: "y", topic: "y/{x}", payload: .bytes),
            RouteDraft(name: "l", topic: "l/{x}", device: "l", payload: .lines),
            RouteDraft(name: "o", topic: "o/{x}", payload: .nothing),
            RouteDraft(name: "edges", topic: "spBv1.0/#", payload: .sparkplug),
            RouteDraft(name: "j", topic: "j/{x}", values: [.init("+", "/+"), .init("+/x/#", "/+/#")]),
        ]
        let heads = [
            "factory/l/m/", "skab/", "n/", "t/", "b/", "c/", "y/", "j/", "r/", "l/", "o/", "factory/l/m/status", "",
            "spBv1.0/g/NBIRTH/e", "spBv1.0/g/DDATA/e/",
        ].map { Array($0.utf8) }
        let sound = [
            #"{"v":21.5,"ts":1700000000000}"#, #"{"a":{"x":{"b":[1,true,"c"]}},"d":null}"#, "21.5", "on",
            "m,a=b v=1i 1",
        ].map { Array($0.utf8) }
        // {"a": {"b": 1.5, "c": h'0102'}} in CBOR, and an NBIRTH with the metric a.
        let binary: [[UInt8]] = [
            [0xA1, 0x61, 0x61, 0xA2, 0x61, 0x62, 0xF9, 0x3E, 0x00, 0x61, 0x63, 0x42, 0x01, 0x02],
            [0x08, 0x01, 0x12, 0x07, 0x0A, 0x01, 0x61, 0x20, 0x03, 0x50, 0x05, 0x18, 0x00],
        ]
        let mutator = Mutator(seeds: sound + binary + InputCorpus.entries.map(\.bytes))
        var plant = try IngestHarness(routes, limits: limits)
        var samples = 0
        var run = LongRun(usual: 20_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            // Full tables take nothing more; a fresh plant does.
            if round % 10_000 == 0 { plant = try IngestHarness(routes, limits: limits) }
            var topic = heads.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                topic.append(UInt8.random(in: 0...255, using: &random))
            }
            let payload =
                Bool.random(using: &random)
                ? mutator.mutant(&random)
                : (0..<Int.random(in: 0..<12, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let outcome = plant.send(topic, payload, retained: Bool.random(using: &random))
            if case .samples(let count) = outcome.result, count != plant.samples.count {
                Issue.record("round \(round): \(count) samples are said, \(plant.samples.count) are there")
                return
            }
            while plant.ingest.hasFurtherParts {
                _ = plant.ingest.furtherPart(
                    topic.span, payload.span, retained: false, receivedAt: plant.now, into: &plant.samples)
            }
            samples += plant.samples.count
            // What an edge node's death makes stale has a value or none.
            guard plant.samples.allSatisfy({ $0.value != nil || $0.quality == .bad || $0.quality == .stale }) else {
                Issue.record("round \(round): a sample without a value that is not bad, of \(payload) on \(topic)")
                return
            }
        }
        #expect(plant.ingest.counters.messages == 10_000)
        #expect(plant.ingest.topicCount <= limits.topics && plant.ingest.tags.count <= limits.tags)
        #expect(plant.ingest.devices.count <= limits.devices && samples > run.inputs / 10, "\(samples) samples")
        #expect(!run.hasGrown)
    }
}

@Suite("Topic table")
struct TopicTableTests {
    @Test("Against a dictionary, through many growths, with names that share long beginnings")
    func differential() {
        var table = TopicTable(limit: 5000, seed: 3)
        var model: [[UInt8]: Int] = [:]
        var random = SeededRandom(seed: 12)
        for _ in 0..<20_000 {
            let topic = Array(
                "factory/line\(Int.random(in: 0..<20, using: &random))/m\(Int.random(in: 0..<400, using: &random))".utf8
            )
            let found = table.find(topic.span)
            #expect(found == model[topic] ?? -1)
            if found < 0 {
                let number = table.insert(topic.span)
                #expect(number == (model.count < 5000 ? model.count : nil))
                if let number { model[topic] = number }
            }
        }
        for (topic, number) in model { #expect(Array(table.name(number)) == topic) }
    }
}
