import JSON
import TestFixtures
import Testing

extension EndToEnd {
    /// `linekeeper check` about payloads that cannot be read: why, of which tag, at which place and byte.
    @Suite("The places of what cannot be read")
    struct CheckPlacesTests {
        private static let routes = """
            routes:
              - { name: scaled, topic: "scaled/{n}", payload: json, value: { at: /v, scale: 0.1 }, time: /ts }
              - name: words
                topic: words/{n}
                payload: json
                values: { state: { at: /state, map: { ON: true } }, level: /level }
              - { name: several, topic: "several/{n}", payload: json, values: { a: /s/a, b: /s/b } }
              - { name: wild, topic: "wild/{n}", payload: json, values: { "+": /fields/+ } }
              - { name: samples, topic: "samples/{n}", payload: json, each: /readings, value: /v }
              - { name: cbor, topic: "cbor/{n}", payload: cbor, value: /v }
              - { name: lines, topic: "lines/{n}", payload: lineProtocol }
              - { name: plain, topic: "plain/{n}", payload: number, presence: { topic: "plain/{n}/on", value: /state } }

            """

        /// A payload, and what is said of it.
        struct Trial: Sendable {
            var what: String
            var topic: String
            var payload: String
            var isHex = false
            var reason: String
            var tag: String?
            var place: String?
            var byte: Int64?
            /// The line for a person.
            var line: String
        }

        private static let trials = [
            Trial(
                what: "a JSON syntax error", topic: "scaled/a", payload: #"{"v":12x}"#, reason: "not JSON: ",
                tag: "scaled/a", place: "/v", byte: 7,
                line: "value   of scaled/a, at /v, cannot be read: not JSON: unexpected character at byte 7"),
            Trial(
                what: "the same behind a byte-order mark", topic: "scaled/a", payload: "\u{FEFF}{\"v\":12x}",
                reason: "not JSON: ", tag: "scaled/a", place: "/v", byte: 10,
                line: "value   of scaled/a, at /v, cannot be read: not JSON: unexpected character at byte 10"),
            Trial(
                what: "no JSON at all, with several values", topic: "several/a", payload: "v=12", reason: "not JSON: ",
                place: "/s", byte: 0,
                line: "value   at /s/a and /s/b, cannot be read: not JSON: unexpected character at byte 0"),
            Trial(
                what: "no JSON at all, with a wildcard", topic: "wild/a", payload: "v=12", reason: "not JSON: ",
                place: "/fields/+", byte: 0,
                line: "value   at /fields/+, cannot be read: not JSON: unexpected character at byte 0"),
            Trial(
                what: "one of several samples", topic: "samples/a", payload: #"{"readings":[{"v":1},{"v":12x}]}"#,
                reason: "not JSON: ", tag: "samples/a", place: "/readings/+/v", byte: 28,
                line:
                    "value   of samples/a, at /readings/+/v, cannot be read: not JSON: unexpected character at byte 28"),
            Trial(
                what: "no samples", topic: "samples/a", payload: #"{"v":1}"#, reason: "no array or object",
                tag: "samples/a", place: "/readings",
                line: "value   of samples/a, at /readings, cannot be read: no array or object"),
            Trial(
                what: "a missing member", topic: "scaled/a", payload: #"{"w":1}"#,
                reason: "no value where the route looks for it", tag: "scaled/a", place: "/v",
                line: "value   of scaled/a, at /v, cannot be read: no value"),
            Trial(
                what: "a word that no map has", topic: "words/a", payload: #"{"state":"OPEN","level":3}"#,
                reason: "“OPEN” is none of the words in its map", tag: "words/a/state", place: "/state",
                line: "value   of words/a/state, at /state, cannot be read: “OPEN”"),
            Trial(
                what: "a wrong type", topic: "scaled/a", payload: #"{"v":[1]}"#,
                reason: "the value is an array or object",
                tag: "scaled/a", place: "/v", line: "value   of scaled/a, at /v, cannot be read: the value is an array"),
            Trial(
                what: "CBOR that ends early", topic: "cbor/a", payload: "a16176fb3ff8", isHex: true,
                reason: "not CBOR: the data item ends too early at byte 6", tag: "cbor/a", place: "/v", byte: 6,
                line: "value   of cbor/a, at /v, cannot be read: not CBOR: the data item ends too early at byte 6"),
            Trial(
                what: "a field of line protocol", topic: "lines/a",
                payload: "m,host=a ok=1i\nm,host=a ok=2i,hot\\ oil=warm",
                reason: "not a line of line protocol: ", place: "/hot oil", byte: 39,
                line: "value   at /hot oil, cannot be read: not a line of line protocol: neither a number"),
            Trial(
                what: "a tag of line protocol", topic: "lines/a", payload: "m,host= ok=1i",
                reason: "not a line of line protocol: no value after a tag key", byte: 7,
                line: "value   cannot be read: not a line of line protocol: no value after a tag key"),
            Trial(
                what: "a time", topic: "scaled/a", payload: #"{"v":1,"ts":"noon"}"#, reason: "the time is neither",
                place: "/ts", line: "time    at /ts, cannot be read: the time is neither"),
            Trial(
                what: "presence", topic: "plain/a/on", payload: #"{"state":"up"}"#, reason: "neither the online",
                place: "/state", line: "value   at /state, cannot be read: neither the online"),
            Trial(
                what: "a payload that has no places", topic: "plain/a", payload: "warm", reason: "not a number",
                tag: "plain/a", line: "value   of plain/a, cannot be read: not a number"),
        ]

        @Test("check names reason, tag, place and byte, to people and to programs", .timeLimit(.minutes(5)))
        func places() async throws {
            try await Stage.play("check-places") { stage in
                let configuration = PlantConfiguration(
                    broker: "mqtt://127.0.0.1:1883", tree: .servers("127.0.0.1:2181"), routes: Self.routes,
                    alarms: "alarms: []\n", commands: "commands: []\n")
                let file = try configuration.write(gateway: "gw", to: stage.scratch)
                func check(_ trial: Trial, _ more: String...) async throws -> LinekeeperProgram.Outcome {
                    try await stage.program.call(
                        ["check", "--config", file, "--topic", trial.topic, "--payload", trial.payload]
                            + (trial.isHex ? ["--hex"] : []) + more, in: stage.scratch)
                }
                for trial in Self.trials {
                    let text = try await check(trial)
                    #expect(text.lines.contains { $0.hasPrefix(trial.line) }, "\(trial.what): \(text)")
                    // A time that cannot be read costs no value.
                    #expect(text.status == (trial.what == "a time" ? 0 : 1), "\(trial.what): \(text)")
                    let json = try await check(trial, "--json")
                    let message = try JSONValue(parsing: Array(json.output.utf8))["messages"]?.arrayValue?.first
                    #expect(
                        message?["reason"]?.stringValue?.hasPrefix(trial.reason) == true, "\(trial.what): \(json)")
                    #expect(message?["tag"]?.stringValue == trial.tag, "\(trial.what): \(json)")
                    #expect(message?["place"]?.stringValue == trial.place, "\(trial.what): \(json)")
                    #expect(message?["byte"]?.intValue == trial.byte, "\(trial.what): \(json)")
                }
                let sound = Trial(what: "", topic: "scaled/a", payload: #"{"v":1}"#, reason: "", line: "")
                let json = try await check(sound, "--json")
                for member in ["reason", "tag", "place", "byte"] {
                    #expect(json.output.contains("\"\(member)\":null"), "\(json)")
                }
                #expect(json.status == 0, "\(json)")
            }
        }
    }
}
