import JSON
import OrderedCollections
import Primitives
import TestFixtures
import Testing

@testable import Plant

/// Topics of routes with wildcards: what their messages show becomes tags.
@Suite("Values that are learnt")
struct LearntValuesTests {
    static let everything = RouteDraft(
        name: "z", topic: "z/{name}", values: [.init("#", "/#")], time: "/at", staleAfter: 30_000)

    private func plant(_ values: [RouteDraft.Entry<RouteDraft.Value>], limits: IngestLimits = .init()) throws
        -> IngestHarness
    {
        try IngestHarness(
            [RouteDraft(name: "z", topic: "z/{name}", device: "z/{name}", values: values, time: "/at")], limits: limits)
    }

    @Test("The first message makes the tags, and a later one those that are new in it")
    func learning() throws {
        var plant = try IngestHarness([Self.everything])
        let first = plant.send("z/a", #"{"state":"ON","color":{"x":0.3},"list":[1,true],"at":1700000000}"#)
        #expect(first.result == .samples(4) && first.newTags == 0..<4 && first.isNewTopic)
        #expect(
            plant.values == ["z/a/state": "ON", "z/a/color/x": 0.3, "z/a/list/0": 1, "z/a/list/1": true])
        #expect(plant.samples.allSatisfy { $0.sourceTime == 1_700_000_000_000 })
        #expect(plant.ingest.takeGrownTopics().map(\.number) == [0])
        let slowly = plant.ingest.counters.slowlyRead

        #expect(plant.send("z/a", #"{"state":"OFF","color":{"x":1},"list":[2,false]}"#).newTags.isEmpty)
        #expect(plant.send("z/a", #"{"list":[3]}"#).result == .samples(1), "what is left out keeps its value")
        #expect(plant.ingest.counters.slowlyRead == slowly, "nothing is new: the quick way")

        let third = plant.send("z/a", #"{"state":"ON","battery":80}"#)
        #expect(third.result == .samples(2) && third.newTags == 4..<5 && !third.isNewTopic)
        #expect(plant.values == ["z/a/state": "ON", "z/a/battery": 80])
        #expect(Array(plant.ingest.tags(ofTopic: 0)).map(\.index) == [0, 1, 2, 3, 4])
        let grown = plant.ingest.takeGrownTopics()
        #expect(grown.map(\.number) == [0] && grown.map(\.known) == [4] && !plant.ingest.hasGrownTopics)

        // Another device has values of its own.
        #expect(plant.send("z/b", #"{"battery":1}"#).newTags == 5..<6)
        #expect(plant.values == ["z/b/battery": 1])
    }

    @Test("What has no value yet becomes a tag with its first one, and is bad when it has none later")
    func awaited() throws {
        var plant = try plant([.init("+", "/+")])
        #expect(plant.send("z/a", #"{"t":null,"u":{"x":1},"v":[]}"#).result == .samples(0))
        #expect(plant.samples.isEmpty)
        #expect(plant.send("z/a", #"{"t":null,"w":1}"#).result == .samples(1))
        #expect(plant.send("z/a", #"{"t":20,"u":{"x":1},"w":1}"#).result == .samples(2))
        #expect(plant.values == ["z/a/t": 20, "z/a/w": 1])
        #expect(plant.send("z/a", #"{"t":null,"w":1}"#).result == .samples(2))
        #expect(plant.samples.map(\.quality) == [.good, .bad], "in the order in which they were learnt")
        #expect(plant.send("z/a", #"{"u":5}"#).result == .samples(1))
        #expect(plant.values == ["z/a/u": 5])
    }

    @Test("An entry of its own goes before the wildcards, and the first that means a place has it")
    func order() throws {
        var plant = try plant([
            .init("#", .init(at: "/#", except: ["id"])), .init("s", .init(at: "/state", map: [.init("ON", true)])),
            .init("all/+", "/+"),
        ])
        plant.send("z/a", #"{"state":"ON","id":7,"x":{"y":1}}"#)
        #expect(plant.values == ["z/a/s": true, "z/a/x/y": 1, "z/a/all/id": 7])
    }

    @Test("Two places with the same name: the first that was seen has the tag")
    func collision() throws {
        var plant = try plant([.init("+", "/a/+"), .init("+", "/b/+")])
        #expect(plant.send("z/a", #"{"b":{"x":2},"a":{"x":1}}"#).result == .samples(1))
        #expect(plant.values == ["z/a/x": 1])
        #expect(plant.send("z/a", #"{"b":{"x":3,"y":4}}"#).result == .samples(1))
        #expect(plant.values == ["z/a/y": 4])
    }

    @Test("Names that no topic can have are left out, others of any script are taken")
    func names() throws {
        var plant = try plant([.init("+", "/+")])
        #expect(
            plant.send("z/a", ##"{"a/b":1,"":2,"+":3,"#":4,"Température":5,"日":6,"a b":7,"x\u0000":8}"##).result
                == .samples(3))
        #expect(plant.values == ["z/a/Température": 5, "z/a/日": 6, "z/a/a b": 7])
        #expect(plant.send("z/a", #"{"Température":8,"日":9,"new":1}"#).result == .samples(3))
    }

    @Test("Of a broken document the parts that stand are learnt")
    func broken() throws {
        var plant = try plant([.init("+", "/+")])
        #expect(plant.send("z/a", #"{"a":1,"b":nan,"c":3"#).result == .samples(1))
        #expect(plant.values == ["z/a/a": 1])
        #expect(plant.send("z/a", #"{"a":1,"b":2}"#).result == .samples(2))
        #expect(plant.send("z/a", #"{"a":1,"b":nan}"#).result == .samples(2))
        #expect(plant.samples.map(\.quality) == [.good, .bad])
        #expect(plant.send("z/a", "not json").result == .undecodable(.json(JSONError(.unexpectedByte, at: 1))))
        #expect(plant.samples.count == 2)
    }

    @Test("A topic has so many values and no more; what it has stays, and later news is not looked at")
    func memberLimit() throws {
        var limits = IngestLimits()
        limits.learntPerTopic = 3
        var plant = try plant([.init("+", "/+")], limits: limits)
        let full = plant.send("z/a", #"{"a":1,"b":2,"c":3,"d":4}"#)
        #expect(full.result == .samples(3))
        #expect(full.flaw == .init(tag: nil, failure: .tooManyValues(3)))
        #expect(plant.ingest.counters.tableFull == 1)
        let slowly = plant.ingest.counters.slowlyRead
        #expect(plant.send("z/a", #"{"a":5,"e":2,"f":{"g":3}}"#).result == .samples(1))
        #expect(plant.ingest.counters.tableFull == 1 && plant.ingest.counters.slowlyRead == slowly)
        #expect(plant.send("z/b", #"{"e":2}"#).result == .samples(1), "another topic has room of its own")
    }

    @Test("A table that is full has room for no further value, and those that are known go on")
    func tableFull() throws {
        var limits = IngestLimits()
        limits.tags = 2
        var plant = try plant([.init("+", "/+")], limits: limits)
        #expect(plant.send("z/a", #"{"a":1,"b":2,"c":3}"#).result == .samples(2))
        #expect(plant.send("z/a", #"{"a":2,"b":3,"c":3}"#).result == .samples(2))
        #expect(plant.ingest.counters.tableFull == 1)
    }

    @Test("A topic that shows one new value with each message grows without moving each time")
    func growth() throws {
        var plant = try plant([.init("+", "/+")])
        for number in 0..<200 {
            #expect(plant.send("z/a", #"{"m\#(number)":\#(number)}"#).result == .samples(1))
            if number % 3 == 0 { plant.send("z/b", #"{"m\#(number)":\#(number)}"#) }
        }
        let all = "{" + (0..<200).map { #""m\#($0)":\#($0)"# }.joined(separator: ",") + "}"
        #expect(plant.send("z/a", all).result == .samples(200))
        #expect(plant.values == Dictionary(uniqueKeysWithValues: (0..<200).map { ("z/a/m\($0)", .integer(Int64($0))) }))
    }

    @Test("Tags that the tree has are those of their topics, and the first message finds them")
    func seeding() throws {
        var plant = try plant([.init("#", .init(at: "/#", except: ["id"])), .init("s", "/state")])
        let tag = try #require(try plant.tag("z/a/color/x"))
        #expect(plant.ingest.devices[plant.ingest.tags[tag].device].path.text == "z/a")
        #expect(try plant.tag("z/a/s") != nil)
        #expect(try plant.tag("z/a/id") == nil && plant.tag("z/a") == nil && plant.tag("y/a/b") == nil)
        #expect(try plant.ingest.makes(TagPath("z/q/r")) && !plant.ingest.makes(TagPath("z/q/id")))
        let outcome = plant.send("z/a", #"{"color":{"x":1},"state":2,"new":3}"#)
        #expect(plant.samples.map(\.tag.index) == [0, 1, 2] && outcome.newTags == 2..<3)
    }

    @Test("Where several topics can have a tag, it is a device's until a message shows whose it is")
    func ambiguousSeeding() throws {
        var plant = try IngestHarness([
            RouteDraft(
                name: "z", topic: "z/{name...}", device: "z/{name}", values: [.init("#", "/#")], staleAfter: 1_000)
        ])
        #expect(try plant.tag("z/kitchen/lamp/color/x") == nil, "no device is known that it could be of")
        // A group and a device in it.
        _ = try plant.device("z/kitchen")
        _ = try plant.device("z/kitchen/lamp")
        for name in ["z/kitchen/lamp/color/x", "z/kitchen/lamp/state"] {
            let tag = try #require(try plant.tag(name))
            #expect(plant.ingest.devices[plant.ingest.tags[tag].device].path.text == "z/kitchen/lamp")
        }
        #expect(plant.ingest.topicCount == 0, "whose it is shows with a message")
        let before = plant.ingest.tags.count
        plant.send("z/kitchen/lamp", #"{"color":{"x":1},"state":2}"#)
        #expect(plant.ingest.tags.count == before && plant.samples.count == 2)
        // Alone it is known whose a tag is.
        _ = try plant.device("z/cellar")
        #expect(try plant.tag("z/cellar/state") != nil && plant.ingest.topicCount == 2)
    }

    @Test("A tag that the tree has from another time of the configuration is not made again")
    func formerPlaces() throws {
        var plant = try plant([.init("s", "/state"), .init("#", "/#")])
        #expect(
            try plant.tag("z/a/state") == nil && plant.tag("z/a/at") == nil,
            "state has a name of its own, at is the time")
        #expect(try plant.tag("z/a/s") != nil && plant.tag("z/a/b") != nil)
        // Two rules can make it: none is taken for it before a message shows which.
        var double = try self.plant([.init("+", "/a/+"), .init("#", "/#")])
        #expect(try double.tag("z/q/x") != nil && double.ingest.topicCount == 0)
        double.send("z/q", #"{"x":5}"#)
        #expect(double.values == ["z/q/x": 5])
    }

    @Test("A message of which everything is excepted says nothing, and spoils nothing")
    func nothingKnown() throws {
        var plant = try plant([.init("+", .init(at: "/+", except: ["id"]))])
        plant.send("z/a", #"{"state":1}"#)
        #expect(plant.send("z/a", #"{"id":7}"#).result == .samples(0))
        #expect(plant.send("z/a", "{}").result == .samples(0) && plant.samples.isEmpty)
        #expect(plant.send("z/a", "nonsense").result != .samples(0) && plant.samples.map(\.quality) == [.bad])
    }

    @Test("What lies in something that is excepted takes no room, and is not looked at again")
    func closedPlaces() throws {
        var limits = IngestLimits()
        limits.learntPerTopic = 4
        var plant = try plant([.init("#", .init(at: "/#", except: ["meta/#", "id"]))], limits: limits)
        let meta = (0..<50).map { #""m\#($0)":{"x":\#($0)}"# }.joined(separator: ",")
        #expect(plant.send("z/a", #"{"meta":{\#(meta)},"id":7,"v":1}"#).result == .samples(1))
        let slowly = plant.ingest.counters.slowlyRead
        #expect(plant.send("z/a", #"{"meta":{"other":{"x":1}},"v":2}"#).result == .samples(1))
        #expect(plant.ingest.counters.slowlyRead == slowly)
        #expect(plant.send("z/a", #"{"meta":5,"v":2,"w":3}"#).result == .samples(2))
        #expect(plant.send("z/a", #"{"meta":{"deep":1},"v":2,"w":3}"#).result == .samples(2))
        #expect(plant.ingest.counters.tableFull == 0)
    }

    @Test("Only an object can leave a value out")
    func noObject() throws {
        for value in [RouteDraft.Value(at: "/a", fallback: 0)] {
            var plant = try plant([.init("a", value), .init("b", "/b")])
            for payload in ["5", "[]", " [1]", #""hi""#, "null"] {
                #expect(plant.send("z/a", payload).result == .undecodable(.missing), "\(payload)")
            }
            #expect(plant.send("z/a", " {}").result == .samples(1))
        }
    }

    @Test("A default that is no number makes a tag with numbers bad")
    func fallbackOfOtherKind() throws {
        var plant = try IngestHarness(
            [
                RouteDraft(
                    name: "z", topic: "z/{x}", values: [.init("a", .init(at: "/a", fallback: "-")), .init("b", "/b")])
            ],
            alarms: [try TopicFilter("z/+/a")])
        #expect(plant.send("z/1", #"{"b":1}"#).result == .samples(2))
        #expect(plant.samples.map(\.quality) == [.bad, .good])
    }

    @Test(
        "Names that are too long for a tag are not kept, and a document of very many values is read as far as it counts"
    )
    func hostileDocuments() throws {
        var plant = try plant([.init("#", "/#")])
        let long = String(repeating: "n", count: 100_000)
        #expect(plant.send("z/a", #"{"\#(long)":1,"b":2}"#).result == .samples(1))
        #expect(plant.ingest.learntBytes == LearntValues.placeBytes + 2)
        let many = "[" + [String](repeating: "1", count: 100_000).joined(separator: ",") + "]"
        let outcome = plant.send("z/b", many)
        #expect(outcome.result == .samples(512) && outcome.flaw?.failure == .tooManyValues(512))
        #expect(plant.send("z/b", many).result == .samples(512))

        var limits = IngestLimits()
        limits.learntBytes = 350
        var small = try self.plant([.init("#", "/#")], limits: limits)
        let name = String(repeating: "n", count: 50)
        #expect(small.send("z/a", #"{"\#(name)1":1,"\#(name)2":2,"\#(name)3":3}"#).result == .samples(2))
        #expect(small.send("z/b", #"{"a":1}"#).result == .samples(0), "no other topic learns anything, either")
        #expect(small.ingest.fullTables.contains { $0.hasPrefix("learnt values") })
    }

    @Test("Tags with names of their own come from their topics both ways, and two topics may share a device's name")
    func renamed() throws {
        var plant = try IngestHarness([
            RouteDraft(
                name: "sensor", topic: "tele/{name}/SENSOR", device: "tasmota/{name}", tag: "tasmota/{name}",
                values: [.init("#", "/#")], time: "/Time"),
            RouteDraft(
                name: "state", topic: "tele/{name}/STATE", device: "tasmota/{name}", tag: "tasmota/{name}",
                values: [.init("power", .init(at: "/POWER", map: [.init("ON", true), .init("OFF", false)]))]),
            RouteDraft(
                name: "power", topic: "stat/{name}/POWER", device: "tasmota/{name}", tag: "power/{name}",
                payload: .text),
        ])
        plant.send("tele/plug/SENSOR", #"{"Time":"2026-01-01T00:00:00","ENERGY":{"Power":5}}"#)
        #expect(plant.values == ["tasmota/plug/ENERGY/Power": 5])
        plant.send("tele/plug/STATE", #"{"POWER":"ON"}"#)
        #expect(plant.values == ["tasmota/plug/power": true])
        plant.send("stat/plug/POWER", "OFF")
        #expect(plant.values == ["power/plug": "OFF"])
        #expect(plant.ingest.devices.count == 1)

        #expect(try plant.ingest.makes(TagPath("tasmota/other/power")) && !plant.ingest.makes(TagPath("tele/x/STATE")))
        let known = try #require(try plant.tag("tasmota/other/power"))
        #expect(plant.ingest.devices[plant.ingest.tags[known].device].path.text == "tasmota/other")
        plant.send("tele/other/STATE", #"{"POWER":"OFF"}"#)
        #expect(plant.samples.map(\.tag) == [known])
    }

    @Test("Topics that say nothing are taken from the routes after theirs")
    func ignored() throws {
        var plant = try IngestHarness([
            RouteDraft(name: "bridge", topic: "z/bridge/#", payload: .nothing),
            RouteDraft(name: "z", topic: "z/{name...}", device: "z/{name}", values: [.init("#", "/#")]),
        ])
        #expect(plant.send("z/bridge/logging", #"{"level":"info"}"#).result == .ignored)
        #expect(plant.send("z/lamp", #"{"level":1}"#).result == .samples(1))
        #expect(plant.ingest.counters.ignored == 1 && plant.ingest.counters.unrouted == 0)
        #expect(plant.ingest.tags.count == 1 && plant.ingest.devices.count == 1 && plant.ingest.topicCount == 1)
        #expect(
            try !plant.ingest.makes(TagPath("z/bridge/logging/level")) && !plant.ingest.makes(device: TagPath("none")))
        #expect(try RouteDraft(name: "b", topic: "z/+/#", payload: .nothing).checked().subscriptionFilters.isEmpty)
    }

    @Test("A value that is left out has its default, wherever something else is said")
    func fallbacks() throws {
        var plant = try plant([.init("a", .init(at: "/a", fallback: 0)), .init("b", "/b"), .init("+", "/x/+")])
        #expect(plant.send("z/a", #"{"b":1}"#).result == .samples(2))
        #expect(plant.values == ["z/a/a": 0, "z/a/b": 1])
        #expect(plant.send("z/a", #"{"a":5}"#).result == .samples(1))
        #expect(plant.send("z/a", #"{"a":null}"#).result == .samples(1))
        #expect(plant.samples.map(\.quality) == [.bad], "null is no omission")
        #expect(plant.send("z/a", #"{"x":{"y":1}}"#).result == .samples(2))
        #expect(plant.send("z/a", #"{"a":1,"b":2"#).result == .samples(3), "what a cut may have taken is no omission")
        #expect(plant.samples.map(\.quality) == [.uncertain, .bad, .bad])
    }

    @Test(
        "Against a walk through each document, with documents that change their shape",
        arguments: [["a", "b", "c", "d"], ["a", "b", "ü", "c\"d"]])
    func differential(names: [String]) throws {
        var random = SeededRandom(seed: 71)
        func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth < 3 ? 9 : 6), using: &random) {
            case 0: return .null
            case 1: return .bool(.random(using: &random))
            case 2: return .integer(.random(in: -5...5, using: &random))
            case 3: return .number(Double(Int.random(in: 0...9, using: &random)) + 0.5)
            case 4, 5: return .string(["x", "é", "yz"].randomElement(using: &random) ?? "")
            case 6:
                return .array((0..<Int.random(in: 0...2, using: &random)).map { _ in value(depth + 1) })
            default:
                let names = names.filter { _ in .random(using: &random) }
                return .object(.init(uniqueKeysWithValues: names.map { ($0, value(depth + 1)) }))
            }
        }
        var plant = try IngestHarness([Self.everything])
        var quick = 0
        for _ in 0..<3_000 {
            let document = value(0)
            var expected: [String: TagValue] = [:]
            Self.leaves(document, "z/a", into: &expected)
            let before = plant.ingest.counters.slowlyRead
            plant.send("z/a", document.description)
            if plant.ingest.counters.slowlyRead == before { quick += 1 }
            let good = plant.samples.filter { $0.quality == .good }
            let values = Dictionary(uniqueKeysWithValues: good.map { (plant.ingest.tags[$0.tag].path.text, $0.value) })
            #expect(values == expected.mapValues { $0 }, "\(document)")
        }
        // Names beyond ASCII are for the full reader.
        #expect(names.contains("ü") || quick > 1_000)
    }

    private static func leaves(_ value: JSONValue, _ path: String, into leaves: inout [String: TagValue]) {
        switch value {
        case .object(let members):
            for (name, member) in members { Self.leaf(member, path + "/" + name, into: &leaves) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { leaf(element, path + "/\(index)", into: &leaves) }
        case .null, .bool, .integer, .number, .string: break
        }
    }

    private static func leaf(_ value: JSONValue, _ path: String, into leaves: inout [String: TagValue]) {
        if let scalar = TagValue(json: value) { leaves[path] = scalar } else { Self.leaves(value, path, into: &leaves) }
    }
}
