import Testing

@testable import Plant

@Suite("Alarm definitions")
struct AlarmDefinitionTests {
    @Test("A definition with everything in it has no mistakes")
    func valid() throws {
        #expect(try AlarmFixture.definition().mistakes.isEmpty)
        #expect(try AlarmFixture.definition(low: 10, lowLow: 0).mistakes.isEmpty)
    }

    @Test("Limits must ascend, whichever are given")
    func order() throws {
        #expect(
            try AlarmFixture.definition(high: 95, highHigh: 95).mistakes == [AlarmMistake(.high, .notBelow(.highHigh))])
        #expect(
            try AlarmFixture.definition(high: nil, highHigh: 5, low: nil, lowLow: 10, deadband: 0).mistakes
                == [AlarmMistake(.lowLow, .notBelow(.highHigh))])
        #expect(
            try AlarmFixture.definition(high: 10, highHigh: 20, low: 0, lowLow: 1, deadband: 0).mistakes
                == [AlarmMistake(.lowLow, .notBelow(.low))])
    }

    @Test("Numbers must be finite, delays and deadband not negative")
    func numbers() throws {
        #expect(try AlarmFixture.definition(high: .nan).mistakes == [AlarmMistake(.high, .notFinite)])
        #expect(try AlarmFixture.definition(highHigh: .infinity).mistakes == [AlarmMistake(.highHigh, .notFinite)])
        #expect(try AlarmFixture.definition(deadband: .nan).mistakes == [AlarmMistake(.deadband, .notFinite)])
        #expect(try AlarmFixture.definition(deadband: -1).mistakes == [AlarmMistake(.deadband, .negative)])
        #expect(
            try AlarmFixture.definition(onDelay: -1, offDelay: .max).mistakes
                == [AlarmMistake(.onDelay, .negative), AlarmMistake(.offDelay, .tooLong)])
    }

    @Test("A deadband that leaves no way back is refused")
    func deadband() throws {
        #expect(
            try AlarmFixture.definition(high: 20, highHigh: nil, low: 10, deadband: 5).mistakes
                == [AlarmMistake(.deadband, .deadbandsOverlap)])
        #expect(try AlarmFixture.definition(high: 20, highHigh: nil, low: 10, deadband: 4.9).mistakes.isEmpty)
    }

    @Test("No limit at all is a mistake")
    func noLimit() throws {
        #expect(try AlarmFixture.definition(high: nil, highHigh: nil).mistakes == [AlarmMistake(.alarm, .noLimit)])
    }

    @Test(
        "A name is one level of a topic that the tree spells alike",
        arguments: ["a/b", "@a", "a+", "#", "a%", ".", "..", "a\u{1}", "\u{0}"])
    func names(name: String) throws {
        var definition = try AlarmFixture.definition()
        definition.name = name
        #expect(definition.mistakes == [AlarmMistake(.name, .nameNotALevel)])
    }

    @Test("Names are there, short enough, and unique")
    func moreNames() throws {
        var definition = try AlarmFixture.definition()
        definition.name = ""
        #expect(definition.mistakes == [AlarmMistake(.name, .emptyName)])
        definition.name = String(repeating: "ä", count: 65)
        #expect(definition.mistakes == [AlarmMistake(.name, .nameTooLong)])
        definition.name = "Übertemperatur 2"
        #expect(definition.mistakes.isEmpty)
        let mistakes = AlarmDefinition.mistakes(in: [definition, try AlarmFixture.definition(), definition])
        #expect(mistakes.map(\.index) == [2] && mistakes.map(\.mistake) == [AlarmMistake(.name, .duplicateName)])
        #expect(throws: AlarmMistake(.name, .duplicateName)) { try AlarmBook(definitions: [definition, definition]) }
    }

    @Test("Mistakes say what was expected")
    func texts() {
        #expect("\(AlarmMistake(.high, .notBelow(.highHigh)))" == "high: must be less than highHigh")
        #expect("\(AlarmMistake(.onDelay, .negative))" == "onDelay: expected zero or more")
    }
}
