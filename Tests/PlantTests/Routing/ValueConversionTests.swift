import Testing

@testable import Plant

@Suite("What is made of a value")
struct ValueConversionTests {
    private func result(_ conversion: ValueConversion, _ value: TagValue) -> Result<TagValue, DecodeFailure> {
        Result { () throws(DecodeFailure) in try conversion(value) }
    }

    @Test(
        "Words have the values of their map, whatever kind of value the device sends",
        arguments: [
            ("ON", .success(true)), ("OFF", .success(false)), (1, .success("one")), ("1", .success("one")),
            (true, .success(1)), ("true", .success(1)), (1.5, .success(2.5)), ("on", .failure(.unknownWord("on"))),
            ("", .failure(.unknownWord(""))), (" ON", .failure(.unknownWord(" ON"))), (2, .failure(.unknownWord("2"))),
            ("e\u{301}", .failure(.unknownWord("e\u{301}"))), ("é", .success("acute")),
        ] as [(TagValue, Result<TagValue, DecodeFailure>)])
    func words(value: TagValue, expected: Result<TagValue, DecodeFailure>) {
        let conversion = ValueConversion(
            words: ["ON": true, "OFF": false, "1": "one", "true": 1, "1.5": 2.5, "é": "acute"])
        #expect(result(conversion, value) == expected)
    }

    @Test(
        "Numbers are scaled to the nearest double, and stay integers where they can",
        arguments: [
            (3, 0.1, 0, .success(0.3)), (235, 0.1, 0, .success(23.5)), (7, 0.001, 0, .success(0.007)),
            (1, 1.0 / 3, 0, .success(.number(1.0 / 3))), (21.5, 2, 1, .success(44.0)), (5, 10, -3, .success(47)),
            (5, 0.5, 0, .success(2.5)), (5, 1, 0.5, .success(5.5)), (-40, 1.8, 32, .success(-40.0)),
            (.integer(.max), 2, 0, .success(.number(Double(Int64.max) * 2))),
            (.integer(.max), 1, 1, .success(.number(Double(Int64.max)))), (1e300, 1e300, 0, .failure(.notFinite)),
            (true, 2, 0, .failure(.boolForNumber)), ("21.5", 2, 0, .success(43.0)),
            ("warm", 2, 0, .failure(.notNumber)),
            (0.1, -1, 0, .success(-0.1)),
        ] as [(TagValue, Double, Double, Result<TagValue, DecodeFailure>)])
    func scaling(value: TagValue, scale: Double, offset: Double, expected: Result<TagValue, DecodeFailure>) {
        #expect(result(ValueConversion(scale: scale, offset: offset), value) == expected)
    }

    @Test(
        "What follows a number is taken off when it is what the route says, and nothing else is",
        arguments: [
            ("21.5 °C", .success(21.5)), ("21.5°C", .success(21.5)), ("21", .success(21)),
            (" 21.5 °C \n", .success(21.5)),
            ("21.5 °F", .failure(.notNumber)), ("21.5 K", .success(21.5)), ("°C", .failure(.notNumber)),
            ("", .failure(.notNumber)), ("21.5 °C °C", .failure(.notNumber)), ("21,5 °C", .failure(.notNumber)),
            (21.5, .success(21.5)), ("nan °C", .failure(.notFinite)),
        ] as [(TagValue, Result<TagValue, DecodeFailure>)])
    func suffixes(value: TagValue, expected: Result<TagValue, DecodeFailure>) {
        #expect(result(ValueConversion(suffixes: ["°C", "K"]), value) == expected)
    }

    @Test("Of two suffixes that both fit the longer one is taken off")
    func longestSuffix() {
        #expect(result(ValueConversion(suffixes: ["C", "°C"]), "21.5 °C") == .success(21.5))
    }

    @Test(
        "With a decimal comma a point is a mistake",
        arguments: [
            ("21,5", .success(21.5)), ("-0,25", .success(-0.25)), ("21", .success(21)), ("1.234", .failure(.notNumber)),
            ("1.234,5", .failure(.notNumber)), ("1,2,3", .failure(.notNumber)), (21.5, .success(21.5)),
        ] as [(TagValue, Result<TagValue, DecodeFailure>)])
    func decimalComma(value: TagValue, expected: Result<TagValue, DecodeFailure>) {
        #expect(result(ValueConversion(hasDecimalComma: true), value) == expected)
    }
}
