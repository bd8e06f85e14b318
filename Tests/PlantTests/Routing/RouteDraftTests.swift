import JSON
import Plant
import Testing

@Suite("Routes")
struct RouteDraftTests {
    private let machines = RouteDraft(
        name: "machines", topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}", value: "/v",
        time: "/ts",
        units: [.init("factory/+/+/temperature", "°C")], staleAfter: 30_000,
        deadband: [.init("factory/+/+/temperature", 0.2)],
        presence: .init(topic: "{device}/status"))

    @Test("A route with everything in it")
    func complete() throws {
        let route = try machines.checked()
        #expect(route.subscriptionFilters.map(\.text) == ["factory/+/+/+", "factory/+/+/status"])
        #expect(try route.payload == .json && route.values == [ValueRule(place: JSONPointer("/v"))])
        #expect(try route.deadband(of: TagPath("factory/l/m/temperature"))?.change == .absolute(0.2))
        #expect(try route.deadband(of: TagPath("factory/l/m/pressure")) == nil)
        #expect(try route.unit(of: TagPath("factory/l/m/temperature"), route.values[0]) == "°C")
        #expect(try route.devicePath(["line": "l", "machine": "m", "metric": "t"]).text == "factory/l/m")
        #expect(try route.tagPaths(base: TagPath("factory/l/m/t")).map(\.text) == ["factory/l/m/t"])
        #expect(route.presence?.topic.text == "factory/{line}/{machine}/status")
    }

    @Test("Several values are tags below the topic, and the topic is the device")
    func severalValues() throws {
        let route = try RouteDraft(
            name: "skab", topic: "skab/{bed}",
            values: [.init("Pressure", "/Pressure"), .init("flow/rms", "/Volume Flow RateRMS")],
            unit: "bar"
        ).checked()
        #expect(try route.tagPaths(base: TagPath("skab/1")).map(\.text) == ["skab/1/Pressure", "skab/1/flow/rms"])
        #expect(route.device.text == "skab/{bed}")
        #expect(try route.unit(of: TagPath("skab/1/Pressure"), route.values[0]) == "bar")
    }

    @Test(
        "The device by default",
        arguments: [("a/{x}/{y}", "a/{x}"), ("a", "a"), ("{x}", "{x}"), ("a/{x...}", "a"), ("z/{n...}/state", "z/{n}")])
    func defaultDevice(topic: String, device: String) throws {
        #expect(try RouteDraft(name: "r", topic: topic).checked().device.text == device)
    }

    @Test("A device whose name has several levels, and its presence")
    func severalLevels() throws {
        let route = try RouteDraft(
            name: "zigbee", topic: "zigbee2mqtt/{name...}", device: "zigbee2mqtt/{name}",
            values: [.init("temperature", "/temperature")], presence: .init(topic: "{device}/availability")
        ).checked()
        #expect(route.presence?.topic.text == "zigbee2mqtt/{name...}/availability")
        #expect(route.subscriptionFilters.map(\.text) == ["zigbee2mqtt/#", "zigbee2mqtt/#"])
        let captures = try #require(route.presence?.topic.match("zigbee2mqtt/kitchen/lamp/availability"))
        #expect(try route.devicePath(captures).text == "zigbee2mqtt/kitchen/lamp")
        #expect(try route.makes(device: TagPath("zigbee2mqtt/kitchen/lamp")))
        #expect(try !route.makes(device: TagPath("shelly/kitchen")))
        for (topic, presence) in [("z/{n...}", "z/{n}/availability"), ("z/{n}/state", "z/{n...}/availability")] {
            #expect(
                mistakes {
                    $0.topic = topic; $0.device = "z/{n}"; $0.presence?.topic = presence
                } == [RouteMistake(.presenceTopic, .levelsDiffer("n"))])
        }
        #expect(
            mistakes {
                $0.topic = "factory/{x...}"; $0.device = "factory/m-{x}"
            } == [RouteMistake(.presenceTopic, .deviceNotInLevels)])
    }

    private func mistakes(_ change: (inout RouteDraft) -> Void) -> [RouteMistake] {
        var draft = machines
        change(&draft)
        do {
            _ = try draft.checked()
            return []
        } catch {
            return error.all
        }
    }

    @Test("What is made of values is checked together with the kind of payload")
    func valueMistakes() {
        func found(_ payload: RouteDefinition.Payload, _ value: RouteDraft.Value) -> [RouteMistake] {
            let draft = RouteDraft(name: "r", topic: "r/{x}", payload: payload, value: value)
            do throws(RouteDraft.Mistakes) {
                _ = try draft.checked()
                return []
            } catch {
                return error.all
            }
        }
        func key(_ key: String, _ reason: RouteMistake.Reason) -> [RouteMistake] {
            [RouteMistake(.valueKey(key, entry: nil), reason)]
        }
        #expect(found(.json, .init(at: "/v", scale: 0)) == key("scale", .zeroScale))
        #expect(found(.json, .init(at: "/v", scale: .leastNonzeroMagnitude)) == key("scale", .zeroScale))
        #expect(found(.json, "/+") == [RouteMistake(.value, .wildcardInValue)])
        #expect(found(.json, .init(at: "/v", scale: 2, map: [.init("a", 1)])) == key("scale", .mapAndScale))
        #expect(found(.json, .init(map: [.init("a", 1), .init("a", 2)])) == key("map", .duplicateWord("a")))
        #expect(found(.json, .init(at: "/v", scale: 2, fallback: "x")) == key("default", .defaultIsNoNumber))
        #expect(
            found(.json, .init(at: "/v", map: [.init("OFF", false)], fallback: "OFF"))
                == key("default", .defaultIsWord("OFF")))
        #expect(found(.json, .init(at: "/v", map: [.init("OFF", "OFF")], fallback: "OFF")) == [])
        #expect(found(.json, .init(except: ["a"])) == key("except", .onlyWithWildcards))
        #expect(found(.bool, .init(map: [.init("a", 1)])) == key("map", .notForBool))
        #expect(found(.bool, .init(scale: 2)) == key("scale", .notForBool))
        #expect(found(.text, .init(decimalComma: true)) == key("decimalComma", .numberOfText))
        #expect(found(.number, .init(map: [.init("a", 1)])) == key("map", .mapOfNumber))
        #expect(found(.number, .init(fallback: 1)) == key("default", .notForPayload(.number)))
        #expect(found(.number, .init(at: "/v")) == [RouteMistake(.value, .notForPayload(.number))])
        #expect(found(.bytes, .init(map: [.init("a", 1)])) == key("map", .notForBytes))
        #expect(found(.bytes, "/v") == [RouteMistake(.value, .notForPayload(.bytes))])
        #expect(found(.nothing, "/v") == [RouteMistake(.value, .notForPayload(.nothing))])
        for (payload, value) in [
            (.json, RouteDraft.Value(at: "/v", scale: 2, offset: 1, suffixes: ["K"], decimalComma: true, fallback: 1)),
            (.json, .init(map: [.init("a", 1)], fallback: 2)), (.number, .init(unit: "K", scale: 2)),
            (.text, .init(unit: "K", map: [.init("a", 1)])), (.bool, .init(unit: "K")), (.bytes, .init(unit: "K")),
            (.cbor, .init(at: "/v", scale: 2, fallback: 1)),
        ] as [(RouteDefinition.Payload, RouteDraft.Value)] { #expect(found(payload, value) == []) }
    }

    @Test("Names with wildcards are checked against their places")
    func wildcardMistakes() {
        func found(_ name: String, _ value: RouteDraft.Value) -> [RouteMistake] {
            let draft = RouteDraft(name: "r", topic: "r/{x}", values: [.init(name, value)])
            do throws(RouteDraft.Mistakes) {
                _ = try draft.checked()
                return []
            } catch {
                return error.all
            }
        }
        #expect(found("+", "/+") == [] && found("a/#", "/#") == [] && found("a", "/a") == [])
        #expect(found("+", "/a") == [RouteMistake(.values(entry: "+"), .wildcardsDiffer)])
        #expect(
            found("a", .init(scale: 2))
                == [
                    RouteMistake(
                        .valueKey("at", entry: "a"), .missing(expected: "the place of the value, such as /temperature"))
                ])
        #expect(found("a", "/+") == [RouteMistake(.values(entry: "a"), .wildcardsDiffer)])
        #expect(found("#", "/#/a") == [RouteMistake(.values(entry: "#"), .pattern(.misplacedRest))])
        #expect(
            found("+", .init(at: "/+", fallback: 1)) == [
                RouteMistake(.valueKey("default", entry: "+"), .notWithWildcards)
            ])
        #expect(
            found("a", .init(at: "/a", except: ["b"])) == [
                RouteMistake(.valueKey("except", entry: "a"), .onlyWithWildcards)
            ])
        #expect(
            found("+", .init(at: "/+", except: ["/b"])) == [
                RouteMistake(.valueKey("except", entry: "+"), .placeForName("/b"))
            ])
        #expect(
            found("+", .init(at: "/+", except: ["b+"])) == [
                RouteMistake(.valueKey("except", entry: "+"), .filter(.misplacedPlus))
            ])
        #expect(found("#/a", "/#") == [RouteMistake(.values(entry: "#/a"), .filter(.misplacedHash))])
    }

    @Test("A route that says nothing has a topic and nothing else")
    func nothing() throws {
        let draft = RouteDraft(name: "r", topic: "r/#", payload: .nothing)
        #expect(try draft.checked().values.isEmpty)
        var full = draft
        full.device = "d"
        full.tag = "t"
        full.unit = "K"
        full.staleAfter = 1
        full.presence = .init(topic: "r/status")
        full.flapping = .off
        full.time = "/t"
        let mistakes = #expect(throws: RouteDraft.Mistakes.self) { try full.checked() }
        #expect(
            Set(mistakes?.all.map(\.field) ?? []) == [
                .device, .tag, .unit, .staleAfter, .presence, .flapping(nil), .time,
            ])
    }

    @Test("Every mistake names its key and what was expected")
    func mistakes() {
        #expect(mistakes { $0.name = "" }.map(\.field) == [.name])
        #expect(mistakes { $0.topic = "" }.map(\.field) == [.topic])
        #expect(mistakes { $0.topic = "a/#/b" } == [RouteMistake(.topic, .template(.restNotLast("#")))])
        #expect(
            mistakes { $0.device = "factory/{cell}" }
                == [RouteMistake(.device, .unknownPlaceholder("cell", known: ["line", "machine", "metric"]))])
        #expect(mistakes { $0.device = "a/#" } == [RouteMistake(.device, .path(.wildcard))])
        #expect(mistakes { $0.payload = .number }.map(\.field) == [.value, .time])
        #expect(mistakes { $0.value = "v" } == [RouteMistake(.value, .pointer(.noLeadingSlash))])
        #expect(mistakes { $0.values = [.init("a", "/a")] } == [RouteMistake(.value, .valueAndValues)])
        #expect(
            mistakes {
                $0.value = nil; $0.values = [.init("a+", "/a")]
            }.map(\.field) == [.values(entry: "a+")])
        #expect(mistakes { $0.quality = .init(at: "/+/q", good: ["a"]) } == [RouteMistake(.quality, .wildcardInValue)])
        #expect(mistakes { $0.time = "/+/t" } == [RouteMistake(.time, .wildcardInValue)])
        #expect(mistakes { $0.quality = .init(at: "q", good: []) }.map(\.field) == [.quality, .quality])
        #expect(mistakes { $0.time = "ts" } == [RouteMistake(.time, .pointer(.noLeadingSlash))])
        #expect(mistakes { $0.staleAfter = 0 } == [RouteMistake(.staleAfter, .notPositive)])
        #expect(mistakes { $0.reporting = .periodic } == [])
        #expect(
            mistakes {
                $0.reporting = .periodic; $0.staleAfter = nil
            } == [RouteMistake(.reporting, .periodicForEver)])
        #expect(mistakes { $0.deadband = [.init("a", -1.0)] } == [RouteMistake(.deadband(entry: "a"), .notFinite)])
        #expect(
            mistakes { $0.deadband = [.init("a", .init(change: 101, isPercent: true))] }
                == [RouteMistake(.deadband(entry: "a"), .moreThanAll)])
        #expect(mistakes { $0.deadband = [.init("a/#/b", 1.0)] }.map(\.field) == [.deadband(entry: "a/#/b")])
        #expect(mistakes { $0.units = [.init("", "x")] } == [RouteMistake(.units(entry: ""), .filter(.empty))])
        #expect(mistakes { $0.presence?.offline = "online" } == [RouteMistake(.presenceOffline, .samePayloads)])
        #expect(mistakes { $0.presence?.topic = "factory/{line}/status" }.map(\.field) == [.presenceTopic])
        #expect(
            mistakes { $0.presence?.online = "" } == [
                RouteMistake(.presenceOnline, .missing(expected: "the payload of a device that is there"))
            ])
        for losses in [-1, 0, 1, 101, .max] {
            #expect(
                mistakes { $0.flapping = .rule(FlappingRule(losses: losses)) }
                    == [RouteMistake(.flapping("losses"), .lossesOutOfRange)])
        }
        #expect(
            mistakes { $0.flapping = .rule(FlappingRule(within: 0, steadyFor: -1)) } == [
                RouteMistake(.flapping("within"), .notPositive), RouteMistake(.flapping("steadyFor"), .notPositive),
            ])
        #expect(mistakes { $0.flapping = .off } == [])
        for heartbeat in [0, -1] as [Milliseconds] {
            #expect(
                mistakes { $0.presence?.heartbeat = heartbeat } == [RouteMistake(.presenceHeartbeat, .notPositive)])
        }
        #expect(
            mistakes {
                $0.presence?.heartbeat = 1; $0.presence?.offline = "online"
            } == [], "without a word of its own, online is no word")
        #expect(
            mistakes { $0.device = "{line}-{machine}" } == [RouteMistake(.presenceTopic, .deviceNotInLevels)])
        #expect(
            mistakes {
                $0.name = ""; $0.value = "v"; $0.staleAfter = -1
            }.count == 3)
        for mistake in mistakes({ $0.device = "factory/{cell}" }) {
            #expect(mistake.description == "device: {cell} is not in the topic, which has {line}, {machine}, {metric}")
        }
    }

    @Test("Two routes of one name")
    func duplicateNames() {
        let found = RouteDraft.duplicateNames(in: [machines, RouteDraft(name: "x", topic: "x"), machines])
        #expect(found.map(\.index) == [2])
    }
}
