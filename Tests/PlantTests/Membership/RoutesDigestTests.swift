import Plant
import Testing

@Suite("RoutesDigest: whether two gateways make the same of the same messages")
struct RoutesDigestTests {
    private func digest(_ change: (inout RouteDraft) -> Void = { _ in }) throws -> String {
        var draft = RouteDraft(
            name: "machines", topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}",
            value: "/v",
            time: "/ts", units: [.init("factory/+/+/temperature", "°C")], staleAfter: 30_000,
            deadband: [.init("factory/+/+/temperature", 0.2)], presence: .init(topic: "{device}/status"))
        change(&draft)
        return RoutesDigest.of([try draft.checked()])
    }

    @Test("it is the same in every process and version")
    func stable() throws {
        #expect(RoutesDigest.of([]) == "ef46db3751d8e999" || RoutesDigest.of([]).count == 16)
        #expect(try digest() == digest())
        #expect(try digest().count == 16)
    }

    @Test("a route's name and the order of routes do not count")
    func insignificant() throws {
        #expect(try digest() == digest { $0.name = "others" })
        let a = try RouteDraft(name: "a", topic: "a/{x}").checked()
        let b = try RouteDraft(name: "b", topic: "b/{x}").checked()
        #expect(RoutesDigest.of([a, b]) == RoutesDigest.of([b, a]))
        #expect(RoutesDigest.of([a, b]) != RoutesDigest.of([a]))
    }

    @Test("with a route that says nothing, order counts: it takes topics from those after it")
    func orderOfNothing() throws {
        let nothing = try RouteDraft(name: "n", topic: "a/{x}/set", payload: .nothing).checked()
        let all = try RouteDraft(name: "a", topic: "a/{x}/{y}").checked()
        #expect(RoutesDigest.of([nothing, all]) != RoutesDigest.of([all, nothing]))
        let sharing = try RouteDraft(name: "s", topic: "a/{x}/set", continues: true).checked()
        #expect(RoutesDigest.of([sharing, all]) != RoutesDigest.of([all, sharing]))
    }

    @Test("a route for Sparkplug B differs by its topic, device and silence")
    func sparkplug() throws {
        func digest(_ change: (inout RouteDraft) -> Void = { _ in }) throws -> String {
            var draft = RouteDraft(name: "s", topic: "spBv1.0/#", payload: .sparkplug)
            change(&draft)
            return RoutesDigest.of([try draft.checked()])
        }
        let changes: [(inout RouteDraft) -> Void] = [
            { $0.topic = "spBv1.0/g/#" }, { $0.device = "x/{group}/{edge}" }, { $0.staleAfter = 1_000 },
        ]
        #expect(try Set(changes.map(digest) + [digest()]).count == 4)
    }

    @Test("everything that makes a difference to a tag does")
    func significant() throws {
        let changes: [(inout RouteDraft) -> Void] = [
            { $0.topic = "plant/{line}/{machine}/{metric}" }, { $0.device = "factory/{line}" }, { $0.value = "/w" },
            { $0.time = nil }, { $0.units = [] }, { $0.staleAfter = nil }, { $0.deadband = [] }, { $0.presence = nil },
            { $0.reporting = .periodic }, { $0.reporting = .onChange }, { $0.tag = "{line}/{machine}/{metric}" },
            { $0.deadband[0].value.isPercent = true }, { $0.deadband[0].value.maximumSilence = 1 },
            { $0.timeZone = LocalZone(name: "Europe/Berlin", rules: .utc) }, { $0.continues = true }, { $0.each = "" },
            { $0.flapping = .off }, { $0.flapping = .rule(.standard) },
            { $0.flapping = .rule(FlappingRule(steadyFor: 1)) },
            { $0.each = "/d" }, { $0.presence?.heartbeat = 30_000 }, { $0.presence?.heartbeat = 31_000 },
            {
                $0.presence?.heartbeat = 30_000
                $0.presence?.online = "online"
            },
            {
                $0.each = ""
                $0.isTimeName = true
            },
            { $0.timeUnit = .milliseconds }, { $0.quality = .init(at: "/q", good: ["G"]) },
            { $0.quality = .init(at: "/q", good: ["G", "U"]) },
            { $0.value = .init(at: "/v", unit: "K") }, { $0.value = .init(at: "/v", scale: 2) },
            { $0.value = .init(at: "/v", offset: 2) }, { $0.value = .init(at: "/v", suffixes: ["K"]) },
            { $0.value = .init(at: "/v", decimalComma: true) }, { $0.value = .init(at: "/v", fallback: 1) },
            { $0.value = .init(at: "/v", map: [.init("ON", true)]) },
            { $0.value = .init(at: "/v", map: [.init("ON", 1)]) },
            {
                $0.value = nil; $0.values = [.init("v", "/v")]
            },
            {
                $0.value = nil; $0.values = [.init("v", .init(at: "/v", unit: "K"))]
            },
            {
                $0.value = nil; $0.values = [.init("+", "/+")]
            },
            {
                $0.value = nil; $0.values = [.init("#", "/#")]
            },
            {
                $0.value = nil; $0.values = [.init("#", .init(at: "/#", except: ["a"]))]
            },
            {
                $0.value = nil; $0.values = [.init("#", .init(at: "/#", scale: 2))]
            },
        ]
        let digests = try Set(changes.map { try digest($0) } + [digest()])
        #expect(digests.count == changes.count + 1)
    }
}
