import JSON
import Plant
import Testing

@testable import PlantConfiguration

@Suite("Values of routes from bytes")
struct ValueSectionTests {
    /// One route with these lines in it.
    private func read(_ lines: String, alarms: String = "") -> (problems: [String], plant: PlantDefinition?) {
        let text = """
            routes:
              - name: r
                topic: "x/{name}"
                payload: json
            \(lines.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
            \(alarms)
            """
        let reading = PlantDefinition.read([document("r", text)], variables: [:])
        return (reading.problems.map(\.description), reading.definition)
    }

    @Test("All that a value can say")
    func complete() throws {
        let (problems, plant) = read(
            """
            values:
              a: /a
              b: { at: /b, scale: 0.1, offset: -40, unit: °C, suffix: [C, "°C"], decimalComma: true, default: 0 }
              c: { at: /c, map: { ON: true, OFF: false, 1: "one", x: 2.5 } }
              "d/+/#": { at: "/d/+/#", except: [id, "meta/#"], unit: W }
            """)
        #expect(problems == [])
        let route = try #require(plant?.routes.first)
        #expect(route.values.map(\.name) == ["a", "b", "c"] && route.wildcards.map(\.name.text) == ["d/+/#"])
        #expect(route.values[1].unit == "°C" && route.values[1].fallback == 0)
        #expect(route.values[1].conversion?.suffixes == ["°C", "C"] && route.values[1].conversion?.scale == 0.1)
        #expect(route.values[2].conversion?.words == ["ON": true, "OFF": false, "1": "one", "x": 2.5])
        #expect(route.wildcards[0].except.map(\.text) == ["id", "meta/#"])
    }

    @Test("A deadband is a number, a part of the range, and may say how long it lasts")
    func deadbands() throws {
        let (problems, plant) = read(
            "deadband: { x/a: 0.5, x/b: 1 %, x/c: { change: 0.1%, atLeastEvery: 10m } }",
            alarms: "tags: [{ filter: x/#, range: { low: 0, high: 200 } }]")
        #expect(problems == [])
        let route = try #require(plant?.routes.first)
        #expect(route.deadbands.map(\.change) == [.absolute(0.5), .percent(1), .percent(0.1)])
        #expect(route.deadbands.map(\.maximumSilence) == [nil, nil, 600_000])
        #expect(
            route.deadbands[1].width(of: TagRange(low: 0, high: 200)) == 2 && route.deadbands[1].width(of: nil) == nil)
    }

    @Test("A time with its unit, and a word for the quality")
    func timeAndQuality() throws {
        let (problems, plant) = read(
            "time: { at: /t, unit: us }\nquality: { at: /q, good: [GOOD, 192], uncertain: 64 }\n"
                + "value: { at: /v, quality: { at: /vq, good: 0, uncertain: [1, 2] } }")
        #expect(problems == [])
        let route = try #require(plant?.routes.first)
        #expect(
            route.timeUnit == .microseconds && route.quality?.good == ["GOOD", "192"]
                && route.quality?.uncertain == ["64"])
        let own = try #require(route.values.first?.quality)
        #expect("\(own.place)" == "/vq" && own.good == ["0"] && own.uncertain == ["1", "2"])
    }

    @Test("Local times of a zone that the machine knows")
    func zone() throws {
        let text = "routes: [{ name: r, topic: a/b, payload: json, value: /v, time: { at: /t, zone: ZONE } }]"
        func reading(_ zone: String) -> PlantDefinition.Reading {
            PlantDefinition.read(
                [document("r", text.replacing("ZONE", with: zone))], variables: [:], zones: InventedMachine())
        }
        #expect(reading("Moon/Tranquility").definition?.routes.first?.timeZone?.name == "Moon/Tranquility")
        let problems = reading("Moon/Dark").problems.map(\.description)
        #expect(
            problems.count == 1
                && problems.first?.contains("time.zone: Moon/Dark is not in this machine's time zone database") == true,
            "\(problems)")
        #expect(try TimeZoneName.rules(of: "UTC", database: "/nowhere") == .utc)
        #expect(throws: TimeZoneName.Mistake.unknown) {
            try TimeZoneName.rules(of: "Europe/Nowhere", database: TimeZoneName.database())
        }
        let berlin = try TimeZoneName.rules(of: "Europe/Berlin", database: TimeZoneName.database())
        // 2026-07-01T12:00 by the clocks there.
        #expect(berlin.moments(ofLocal: 1_782_907_200_000) == .one(1_782_900_000_000))
    }

    @Test("Samples in an array, and by the names of an object")
    func each() throws {
        let (problems, plant) = read("each: /data\ntime: { at: /t, unit: us }")
        #expect(problems == [])
        let route = try #require(plant?.routes.first)
        #expect(route.each == (try JSONPointer("/data")) && route.time != nil && !route.isTimeName)
        let (none, named) = read("each: \"\"\ntime: name")
        #expect(none == [])
        let second = try #require(named?.routes.first)
        #expect(second.each == JSONPointer(tokens: []) && second.time == nil && second.isTimeName)
        #expect(read("time: name").0.count == 1)
    }

    @Test(
        "A place with wildcards stands for an entry that is named by them",
        arguments: [("/+", "+"), ("/a/+/b/#", "+/#")])
    func short(place: String, name: String) throws {
        let (problems, plant) = read("values: \"\(place)\"")
        #expect(problems == [])
        #expect(plant?.routes.first?.wildcards.first?.name.text == name)
    }

    @Test(
        "What cannot be is told with its place",
        arguments: [
            ("values: /a", "r:5:", "a place with wildcards"), ("values: {}", "r:5:", "has no entries"),
            ("values: { a: {} }", "r:5:", "a.at missing"),
            ("values: { a: { at: /a, map: {} } }", "r:5:", "has no entries"),
            ("values: { a: { at: /a, map: { ON: yes } } }", "r:5:", "true or false"),
            ("values: { a: { at: /a, default: .nan } }", "r:5:", "text in quotes"),
            ("values: { a: { at: /a, suffix: [] } }", "r:5:", "is empty"),
            ("values: { a: { at: /a, scael: 2 } }", "r:5:", "did you mean \"scale\""),
            ("values: { \"+\": { at: /+, except: [/id] } }", "r:5:", "without the / in front"),
            ("values: { \"+\": { at: /+, default: 1 } }", "r:5:", "no meaning with wildcards"),
            ("values: { a: /+ }", "r:5:", "the same wildcards"), ("value: /+", "r:5:", "stand in values"),
            ("value: { at: /a, scale: 0 }", "r:5:", "expected another number"),
            ("deadband: { x/a: 1 % }", "r:5:", "part of the tags' range"),
            ("deadband: { x/a: 1 K }", "r:5:", "0.5 % (of the tag's range)"),
            ("deadband: { x/a: { atLeastEvery: 1s } }", "r:5:", "has no \"change\""),
            ("deadband: { x/a: { change: { change: 1, atLeastEvery: 1s } } }", "r:5:", "is a mapping"),
            ("deadband: { x/a: 101 % }", "r:5:", "more than 100 %"),
            ("quality: { at: /q }", "r:5:", "has no \"good\""),
            ("quality: { at: /q, good: [a, b], uncertain: [b] }", "r:5:", "the word “b” twice"),
            ("value: { at: /v, quality: { at: /+, good: a } }", "r:5:", "has a wildcard"),
            ("value: { at: /v, quality: { at: /q, good: [] } }", "r:5:", "good: the words"),
            ("values: { \"+\": { at: /+, quality: { at: /q, good: a } } }", "r:5:", "no meaning with wildcards"),
            ("time: { unit: ms }", "r:5:", "has no \"at\""),
            ("time: { at: /t, unit: m }", "r:5:", "s, ms, us or ns"),
            ("tag: linekeeper/{name}", "r:5:", "below linekeeper/"),
            ("device: linekeeper/{name}", "r:5:", "below linekeeper/"),
            ("tag: all", "r:5:", "lacks {name}"), ("tag: \"{name}/{other}\"", "r:5:", "{other} is not in the topic"),
        ])
    func mistakes(lines: String, place: String, text: String) {
        let problems = read(lines).problems
        #expect(problems.contains { $0.hasPrefix(place) && $0.contains(text) }, "\(problems)")
    }

    @Test(
        "An alarm on words that mean no numbers can never fire",
        arguments: [
            ("value: { at: /s, map: { ON: true } }", true), ("value: { at: /s, map: { ON: 1, OFF: 0 } }", false),
            ("value: /s", false),
        ])
    func words(lines: String, isBlind: Bool) {
        let problems = read(lines, alarms: "alarms: [{ name: a, tags: x/+, high: { limit: 1, priority: low } }]")
            .problems
        #expect(problems.contains { $0.contains("gives no numbers") } == isBlind, "\(problems)")
    }

    @Test(
        "Two routes may give one tag, but not to two devices",
        arguments: [
            (#"topic: "b/{m}", device: "d/{m}", tag: "t/{m}", payload: number"#, true),
            (#"topic: "b/{n}", device: "e/{n}", tag: "t/{n}", payload: number"#, false),
            (#"topic: "b/{n}", device: "e/{n}", tag: "t/{n}", payload: json, values: {x: /x}"#, true),
            (#"topic: "b/{n}", device: "e/{n}", tag: "t/{n}/x", payload: number"#, true),
            (#"topic: "b/{n}/{m}", device: "d/{m}", tag: "t/{m}/{n}", payload: number"#, true),
            (#"topic: "t/{n}", device: "e/{n}", payload: number"#, false),
            (#"topic: "t/{n}", device: "e", payload: none"#, true),
        ])
    func sharedTags(other: String, isSound: Bool) {
        let text = """
            routes:
              - { name: b, \(other) }
              - { name: a, topic: "a/{n}", device: "d/{n}", tag: "t/{n}", payload: number }
            """
        let problems = PlantDefinition.read([document("r", text)], variables: [:]).problems.map(\.description)
        #expect(problems.contains { $0.contains("to another device") } != isSound, "\(problems)")
    }
}
