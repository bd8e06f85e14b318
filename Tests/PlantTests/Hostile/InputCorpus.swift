import Testing

@testable import Plant

/// Payloads that once were read wrongly, or that stand at the edge of what may be read: the smallest ones of their kinds. Every
/// decoder plays all of them in each run, and fuzz tests change them at random.
///
/// A new finding is a line here, with what it has to become.
struct InputCorpus {
    struct Entry: CustomTestStringConvertible {
        /// What is special about it.
        let what: String
        let bytes: [UInt8]
        /// The topic of its format.
        let topic: String
        /// What its own route makes of it: values by the last level of their tags; nil: nothing that can be read.
        let values: [String: TagValue?]?

        init(_ what: String, _ topic: String, _ bytes: [UInt8], _ values: [String: TagValue?]? = nil) {
            self.what = what
            self.topic = topic
            self.bytes = bytes
            self.values = values
        }

        init(_ what: String, _ topic: String, _ text: String, _ values: [String: TagValue?]? = nil) {
            self.init(what, topic, Array(text.utf8), values)
        }

        var testDescription: String { "\(topic): \(what)" }
    }

    /// A route for each format; a topic's first level says which.
    static let routes = [
        RouteDraft(
            name: "json", topic: "json/{x}", values: [.init("+", .init(at: "/+", except: ["ts"]))], time: "/ts"),
        RouteDraft(name: "cbor", topic: "cbor/{x}", payload: .cbor, values: [.init("+", "/+")]),
        RouteDraft(name: "lines", topic: "lines/{x}", device: "lines", payload: .lines),
        RouteDraft(name: "number", topic: "number/{x}", payload: .number),
        RouteDraft(name: "text", topic: "text/{x}", payload: .text),
        RouteDraft(name: "bool", topic: "bool/{x}", payload: .bool),
        RouteDraft(name: "bytes", topic: "bytes/{x}", payload: .bytes),
        RouteDraft(
            name: "samples", topic: "samples/{x}", device: "samples",
            values: [.init("#", .init(at: "/#", except: ["ts"]))], each: "",
            time: "/ts"),
        RouteDraft(name: "edges", topic: "spBv1.0/#", payload: .sparkplug),
    ]

    static let json: [Entry] = [
        Entry("a NUL behind the document", "json/a", "{\"v\":97}\0", ["v": 97]),
        Entry("a byte order mark", "json/a", "\u{feff}{\"v\":97}", ["v": 97]),
        Entry("a time that is none", "json/a", #"{"v":20,"ts":"14:51"}"#, ["v": 20]),
        Entry("a time at the end of all numbers", "json/a", #"{"v":20,"ts":-9223372036854775808}"#, ["v": 20]),
        Entry(
            "an integer beyond 64 bits", "json/a", #"{"v":1e19,"w":9223372036854775808}"#,
            ["v": 1e19, "w": 9_223_372_036_854_775_808.0]),
        Entry("half of a pair of surrogates", "json/a", #"{"v":"\ud800"}"#),
        Entry("a document that never ends", "json/a", #"{"v":[[[[[[[["#),
        Entry("twice the same name", "json/a", #"{"v":1,"v":2}"#),
        Entry("one broken member among sound ones", "json/a", #"{"v":nan,"w":2}"#, ["w": 2]),
        Entry("text of which half a character is left", "json/a", Array(#"{"v":""#.utf8) + [0xC3] + Array(#""}"#.utf8)),
        Entry("samples that end within one", "samples/a", #"[{"v":1},{"v":2},{"ts":"#, ["v": 2]),
    ]

    static let cbor: [Entry] = [
        Entry("a length beyond all memory", "cbor/a", [0xA1, 0x61, 0x76, 0x5B] + Array(repeating: 0xFF, count: 8)),
        Entry("a count of members beyond all memory", "cbor/a", [0xBB] + Array(repeating: 0xFF, count: 8)),
        Entry("no number as a half", "cbor/a", [0xA1, 0x61, 0x76, 0xF9, 0x7E, 0x00]),
        Entry(
            "the least integer there is", "cbor/a", [0xA1, 0x61, 0x76, 0x3B] + Array(repeating: 0xFF, count: 8),
            ["v": -18_446_744_073_709_551_616.0]),
        Entry("tags within tags", "cbor/a", [0xA1, 0x61, 0x76] + Array(repeating: 0xC1, count: 300) + [0x01]),
        Entry("an end without a beginning", "cbor/a", [0xFF]),
        Entry("a map with a number as a name", "cbor/a", [0xA1, 0x01, 0x02]),
    ]

    static let lines: [Entry] = [
        Entry("a quote that never ends", "lines/a", "m v=\"a\nm v=2", ["v": 2.0]),
        Entry("a backslash at the end", "lines/a", #"m v=1\"#),
        Entry("a line without fields before a sound one", "lines/a", "m\nm v=2", ["v": 2.0]),
        Entry("a number beyond all doubles", "lines/a", "m v=1e400,w=2"),
        Entry("an integer beyond 64 bits", "lines/a", "m v=9223372036854775808i"),
        Entry("a time beyond 64 bits", "lines/a", "m v=1 9223372036854775808"),
        Entry("a tag without a value", "lines/a", "m,host= v=1"),
    ]

    static let plain: [Entry] = [
        Entry("a NUL behind a number", "number/a", "21.5\0", ["a": 21.5]),
        Entry("a byte order mark before a number", "number/a", "\u{feff}21.5", ["a": 21.5]),
        Entry("a number beyond all doubles", "number/a", "1e999"),
        Entry("a sign alone", "number/a", "-"),
        Entry("digits of another script", "number/a", "٣"),
        Entry("text that steers a terminal", "text/a", "\u{1b}[2J\u{202e}", ["a": "\u{1b}[2J\u{202e}"]),
        Entry("text that is none", "text/a", [0xFF, 0xFE]),
    ]

    static let sparkplug: [Entry] = [
        // swift-protobuf refuses tags of more than five bytes; ten million mutants found that this decoder took them.
        Entry(
            "a tag of more than five bytes", "spBv1.0/g/NBIRTH/e",
            [0x92, 0x80, 0x80, 0x80, 0x80, 0x00, 0x02, 0x10, 0x07]),
        Entry(
            "a number of more than ten bytes", "spBv1.0/g/NBIRTH/e", [0x08] + Array(repeating: 0xFF, count: 10) + [0x01]
        ),
        Entry("a length beyond the message", "spBv1.0/g/NBIRTH/e", [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
        Entry("a group that never ends", "spBv1.0/g/NBIRTH/e", [0x0B]),
        Entry("field number 0", "spBv1.0/g/NBIRTH/e", [0x02, 0x00]),
        Entry(
            "a sign that is extended to 64 bits", "spBv1.0/g/NBIRTH/e",
            [0x18, 0x00, 0x12, 0x10, 0x0A, 0x01, 0x61, 0x20, 0x01, 0x50, 0xFB] + Array(repeating: 0xFF, count: 8) + [
                0x01
            ],
            ["a": -5]),
        Entry(
            "a name that is no UTF-8", "spBv1.0/g/NBIRTH/e",
            [0x18, 0x00, 0x12, 0x07, 0x0A, 0x01, 0xFF, 0x20, 0x03, 0x50, 0x05]),
    ]

    static let entries = json + cbor + lines + plain + sparkplug
}
