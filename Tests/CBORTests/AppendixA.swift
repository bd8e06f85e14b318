import CBOR
import JSON
import Testing

/// The examples of RFC 8949, appendix A, in its order: diagnostic notation, encoding, and what we make of it.
enum AppendixA {
    enum Meaning {
        case value(JSONValue)
        case mistake(CBORError.Reason)
    }

    struct Example: CustomTestStringConvertible {
        let notation: String
        let encoding: String
        let meaning: Meaning

        init(_ notation: String, _ encoding: String, _ value: JSONValue) {
            self.init(notation, encoding, .value(value))
        }

        init(_ notation: String, _ encoding: String, _ mistake: CBORError.Reason) {
            self.init(notation, encoding, .mistake(mistake))
        }

        private init(_ notation: String, _ encoding: String, _ meaning: Meaning) {
            self.notation = notation
            self.encoding = encoding
            self.meaning = meaning
        }

        var bytes: [UInt8] { hex(encoding) }
        var testDescription: String { notation }
    }

    static let examples: [Example] = integers + floats + simpleValues + tags + strings + containers + indefinite

    private static let integers: [Example] = [
        Example("0", "00", 0),
        Example("1", "01", 1),
        Example("10", "0a", 10),
        Example("23", "17", 23),
        Example("24", "1818", 24),
        Example("25", "1819", 25),
        Example("100", "1864", 100),
        Example("1000", "1903e8", 1000),
        Example("1000000", "1a000f4240", 1_000_000),
        Example("1000000000000", "1b000000e8d4a51000", 1_000_000_000_000),
        Example("18446744073709551615", "1bffffffffffffffff", .number(0x1p64)),
        Example("18446744073709551616", "c249010000000000000000", .number(0x1p64)),
        Example("-18446744073709551616", "3bffffffffffffffff", .number(-0x1p64)),
        Example("-18446744073709551617", "c349010000000000000000", .number(-0x1p64)),
        Example("-1", "20", -1),
        Example("-10", "29", -10),
        Example("-100", "3863", -100),
        Example("-1000", "3903e7", -1000),
    ]

    private static let floats: [Example] = [
        Example("0.0", "f90000", 0.0),
        Example("-0.0", "f98000", .number(-0.0)),
        Example("1.0", "f93c00", 1.0),
        Example("1.1", "fb3ff199999999999a", 1.1),
        Example("1.5", "f93e00", 1.5),
        Example("65504.0", "f97bff", 65504.0),
        Example("100000.0", "fa47c35000", 100000.0),
        Example("3.4028234663852886e+38", "fa7f7fffff", 3.4028234663852886e+38),
        Example("1.0e+300", "fb7e37e43c8800759c", 1.0e+300),
        Example("5.960464477539063e-8", "f90001", 5.960464477539063e-8),
        Example("0.00006103515625", "f90400", 0.00006103515625),
        Example("-4.0", "f9c400", -4.0),
        Example("-4.1", "fbc010666666666666", -4.1),
        Example("Infinity", "f97c00", .notFinite),
        Example("NaN", "f97e00", .notFinite),
        Example("-Infinity", "f9fc00", .notFinite),
        Example("Infinity", "fa7f800000", .notFinite),
        Example("NaN", "fa7fc00000", .notFinite),
        Example("-Infinity", "faff800000", .notFinite),
        Example("Infinity", "fb7ff0000000000000", .notFinite),
        Example("NaN", "fb7ff8000000000000", .notFinite),
        Example("-Infinity", "fbfff0000000000000", .notFinite),
    ]

    private static let simpleValues: [Example] = [
        Example("false", "f4", false),
        Example("true", "f5", true),
        Example("null", "f6", nil),
        Example("undefined", "f7", nil),
        Example("simple(16)", "f0", .unassignedSimple),
        Example("simple(255)", "f8ff", .unassignedSimple),
    ]

    private static let tags: [Example] = [
        Example(
            #"0("2013-03-21T20:04:00Z")"#, "c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z"),
        Example("1(1363896240)", "c11a514b67b0", 1_363_896_240),
        Example("1(1363896240.5)", "c1fb41d452d9ec200000", 1363896240.5),
        Example("23(h'01020304')", "d74401020304", "AQIDBA=="),
        Example("24(h'6449455446')", "d818456449455446", "ZElFVEY="),
        Example(
            #"32("http://www.example.com")"#, "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
            "http://www.example.com"),
    ]

    private static let strings: [Example] = [
        Example("h''", "40", ""),
        Example("h'01020304'", "4401020304", "AQIDBA=="),
        Example(#""""#, "60", ""),
        Example(#""a""#, "6161", "a"),
        Example(#""IETF""#, "6449455446", "IETF"),
        Example(#""\"\\""#, "62225c", "\"\\"),
        Example(#""\u00fc""#, "62c3bc", "\u{fc}"),
        Example(#""\u6c34""#, "63e6b0b4", "\u{6c34}"),
        Example(#""\ud800\udd51""#, "64f0908591", "\u{10151}"),
    ]

    private static let oneTo25: JSONValue = .array((1...25).map { .integer($0) })

    private static let containers: [Example] = [
        Example("[]", "80", []),
        Example("[1, 2, 3]", "83010203", [1, 2, 3]),
        Example("[1, [2, 3], [4, 5]]", "8301820203820405", [1, [2, 3], [4, 5]]),
        Example("[1, …, 25]", "98190102030405060708090a0b0c0d0e0f101112131415161718181819", oneTo25),
        Example("{}", "a0", [:]),
        Example("{1: 2, 3: 4}", "a201020304", ["1": 2, "3": 4]),
        Example(#"{"a": 1, "b": [2, 3]}"#, "a26161016162820203", ["a": 1, "b": [2, 3]]),
        Example(#"["a", {"b": "c"}]"#, "826161a161626163", ["a", ["b": "c"]]),
        Example(
            #"{"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}"#, "a56161614161626142616361436164614461656145",
            ["a": "A", "b": "B", "c": "C", "d": "D", "e": "E"]),
    ]

    private static let indefinite: [Example] = [
        Example("(_ h'0102', h'030405')", "5f42010243030405ff", "AQIDBAU="),
        Example(#"(_ "strea", "ming")"#, "7f657374726561646d696e67ff", "streaming"),
        Example("[_ ]", "9fff", []),
        Example("[_ 1, [2, 3], [_ 4, 5]]", "9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
        Example("[_ 1, [2, 3], [4, 5]]", "9f01820203820405ff", [1, [2, 3], [4, 5]]),
        Example("[1, [2, 3], [_ 4, 5]]", "83018202039f0405ff", [1, [2, 3], [4, 5]]),
        Example("[1, [_ 2, 3], [4, 5]]", "83019f0203ff820405", [1, [2, 3], [4, 5]]),
        Example("[_ 1, …, 25]", "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", oneTo25),
        Example(#"{_ "a": 1, "b": [_ 2, 3]}"#, "bf61610161629f0203ffff", ["a": 1, "b": [2, 3]]),
        Example(#"["a", {_ "b": "c"}]"#, "826161bf61626163ff", ["a", ["b": "c"]]),
        Example(#"{_ "Fun": true, "Amt": -2}"#, "bf6346756ef563416d7421ff", ["Fun": true, "Amt": -2]),
    ]
}
