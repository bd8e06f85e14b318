import JSON
import OrderedCollections
import Plant
import TestFixtures
import Testing
import ZooKeeperClient

@testable import PlantClient

@Suite("Reading and following a selection", .timeLimit(.minutes(2)))
struct SelectionTests {
    private static let time = "1767225600000"

    private static func tag(_ value: Double) -> String {
        #"{"v":\#(value),"q":"good","t":\#(time),"r":\#(time),"u":"°C"}"#
    }

    private static func alarm(_ tag: String, _ name: String, _ state: String) -> String {
        #"{"alarm":"\#(name)","tag":"\#(tag)","state":"\#(state)","condition":"\#(state == "NORM" ? "normal" : "high")","priority":"high","eventId":"e","occurrence":1,"since":\#(time),"epoch":1,"changedAt":\#(time),"sampledAt":\#(time),"revision":1}"#
    }

    @Test("tags that match, in order, with what rules and definitions say of them; other nodes are left out")
    func tags() async throws {
        try await withPlantTree("tags") { tree in
            try await tree.put("/tags/factory/line1/press1/temperature", Self.tag(81.5))
            try await tree.put("/tags/factory/line1/conveyor1/speed", Self.tag(3))
            try await tree.put("/tags/factory/line2/press1/temperature", Self.tag(20))
            try await tree.put("/tags/factory/line1/press1/broken", "rubbish")
            let rules = TagRules([
                TagRule(tags: try TopicFilter("#"), traits: TagTraits(area: try TagPath("hall1")))
            ])
            let plant = PlantClient(tree: tree)
            let tags = try await plant.items(
                Selection.tags(
                    try TopicFilter("factory/line1/#"), rules: rules,
                    definitions: try Definitions(PlantDefinition())))
            #expect(
                tags.map(\.key) == ["factory/line1/conveyor1/speed", "factory/line1/press1/temperature"], "\(tags)")
            let last = try #require(tags.last)
            #expect(last.record.value == .number(81.5) && last.isOrphaned)
            #expect(last.json["area"] == "hall1" && last.json["orphaned"] == true && last.json["v"] == 81.5)
            #expect(last.subject == .tag("factory/line1/press1/temperature"))
            let unjudged = try await plant.items(Selection.tags(try TopicFilter("factory/line2/#")))
            #expect(unjudged.map(\.isOrphaned) == [false])
            #expect(unjudged.first?.json["orphaned"] == nil)
        }
    }

    @Test("devices keep the members that this version does not know, and their nodes of other kinds are left out")
    func devices() async throws {
        try await withPlantTree("devices") { tree in
            let device = "/devices/factory/line1/press1"
            try await tree.put(
                device,
                #"{"device":"factory/line1/press1","route":"machines","firstSeen":\#(Self.time),"state":"online","since":\#(Self.time),"vendor":"x"}"#
            )
            try await tree.put(device + "/@online", "gw1")
            let devices = try await PlantClient(tree: tree).items(Selection.devices(try TopicFilter("#")))
            #expect(devices.map(\.key) == ["factory/line1/press1"])
            #expect(devices.first?.json["vendor"] == "x")
        }
    }

    private static func device(_ name: String, _ state: String, flapping: Bool = false) -> String {
        let flapping = flapping ? #","flapping":5"# : ""
        return #"{"device":"\#(name)","route":"machines","firstSeen":1,"state":"\#(state)","since":2\#(flapping)}"#
    }

    @Test(
        "a follower with conditions sees a device come to meet them, change, and cease to, and tells that from its removal"
    )
    func conditions() async throws {
        try await withPlantTree("conditions") { tree in
            try await tree.put("/devices/f/a", Self.device("f/a", "offline"))
            try await tree.put("/devices/f/b", Self.device("f/b", "online"))
            var conditions = DeviceConditions()
            conditions.states = [.offline, .stale]
            let devices = Selection.devices(try TopicFilter("#"), conditions)
            #expect(try await PlantClient(tree: tree).items(devices).map(\.key) == ["f/a"])
            let seen = Collected<String>()
            let follower = Task {
                try await PlantClient(tree: tree).follow(devices) { devices in
                    seen.append("first " + devices.map(\.key).joined(separator: ","))
                } changes: { changes in
                    for change in changes {
                        switch change {
                        case .changed(let device): seen.append("\(device.key) \(device.record.state)")
                        case .left(let device): seen.append("left \(device.key) \(device.record.state)")
                        case .removed(let device): seen.append("removed \(device.key) \(device.record.state)")
                        }
                    }
                }
            }
            var expected = ["first f/a"]
            func see(_ text: String? = nil) async throws {
                if let text { expected.append(text) }
                try await eventually("\(expected)", seen: { "\(seen.all)" }) { seen.all == expected }
            }
            try await see()
            try await tree.put("/devices/f/b", Self.device("f/b", "stale"))
            try await see("f/b stale")
            try await tree.put("/devices/f/b", Self.device("f/b", "offline", flapping: true))
            try await see("f/b offline")
            try await tree.put("/devices/f/b", Self.device("f/b", "online"))
            try await see("left f/b online")
            // What is not asked for changes and goes unseen.
            try await tree.put("/devices/f/b", Self.device("f/b", "online", flapping: true))
            try await tree.delete("/devices/f/b")
            try await tree.delete("/devices/f/a")
            try await see("removed f/a offline")
            follower.cancel()
            await #expect(throws: CancellationError.self) { try await follower.value }
        }
    }

    @Test("alarms with and without those that are normal")
    func alarms() async throws {
        try await withPlantTree("alarms") { tree in
            let tag = "factory/line1/press1/temperature"
            for (name, state) in [("hot", "UNACK"), ("cold", "NORM")] {
                try await tree.put("/alarms/\(tag)/@\(name)", Self.alarm(tag, name, state))
            }
            let plant = PlantClient(tree: tree)
            let all = try TopicFilter("#")
            #expect(try await plant.items(Selection.alarms(all, normal: false)).map(\.record.path.alarm) == ["hot"])
            #expect(
                try await plant.items(Selection.alarms(all, normal: true)).map(\.record.path.alarm) == ["cold", "hot"])
        }
    }

    @Test("a follower gets the items as they are, then what is new, changed and removed; what stays equal is no change")
    func following() async throws {
        try await withPlantTree("follow") { tree in
            let press = "/tags/factory/line1/press1/temperature"
            try await tree.put(press, Self.tag(1))
            let seen = Collected<String>()
            let follower = Task {
                try await PlantClient(tree: tree).follow(Selection.tags(try TopicFilter("factory/line1/#"))) { tags in
                    seen.append("first " + tags.map(\.text).joined(separator: ","))
                } changes: { changes in
                    for change in changes {
                        switch change {
                        case .changed(let tag): seen.append(tag.text)
                        case .left(let tag): seen.append("left " + tag.text)
                        case .removed(let tag): seen.append("removed " + tag.text)
                        }
                    }
                }
            }
            var expected = ["first press1=1.0"]
            func see(_ text: String? = nil) async throws {
                if let text { expected.append(text) }
                try await eventually("\(expected)", seen: { "\(seen.all)" }) { seen.all == expected }
            }
            try await see()
            try await tree.put("/tags/factory/line1/pump1/pressure", Self.tag(5))
            try await see("pump1=5.0")
            // Of another line: the filter leaves it out.
            try await tree.put("/tags/factory/line2/press1/temperature", Self.tag(7))
            // Written again with the same value: no change.
            try await tree.put(press, Self.tag(1))
            try await tree.put(press, Self.tag(2))
            try await see("press1=2.0")
            try await tree.delete(press)
            try await see("removed press1=2.0")
            // A node that is no item any more is gone as well.
            try await tree.put("/tags/factory/line1/pump1/pressure", "rubbish")
            try await see("removed pump1=5.0")
            follower.cancel()
            await #expect(throws: CancellationError.self) { try await follower.value }
        }
    }

    @Test("a follower outlives lost connections, and misses nothing that stands afterwards")
    func lostConnections() async throws {
        let (port, chroot) = (try await TestTree.port(.embedded), TestTree.uniquePath("follow-cut"))
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { tree in
            for path in TreeLayout.roots { try await tree.ensurePath(path) }
            try await withClient(port: proxy.port, chroot: chroot) { cut in
                let seen = Collected<String>()
                let follower = Task {
                    try await PlantClient(tree: cut).follow(Selection.tags(try TopicFilter("#"))) { _ in
                        seen.append("first")
                    } changes: { changes in
                        for case .changed(let tag) in changes { seen.append(tag.text) }
                    }
                }
                try await eventually("the first look") { seen.all.count == 1 }
                for number in 1...20 {
                    // Cut at any moment of a look, whose request is then lost.
                    try await tree.put("/tags/factory/line1/press1/temperature", Self.tag(Double(number)))
                    if number.isMultiple(of: 2) { try await Task.sleep(for: .milliseconds(number)) }
                    proxy.cut()
                    proxy.heal()
                }
                try await tree.put("/tags/factory/line1/press1/temperature", Self.tag(99))
                try await eventually("the last value", seen: { "\(seen.all)" }) { seen.all.last == "press1=99.0" }
                follower.cancel()
                await #expect(throws: CancellationError.self) { try await follower.value }
            }
        }
    }
}

extension ListedTag {
    /// `press1=81.5`
    fileprivate var text: String { "\(tag.text.split(separator: "/")[2])=\(record.value.map { "\($0.json)" } ?? "–")" }
}
