import Testing

@testable import Simulation

/// What recordings in the world look like, and what one bad part of them costs.
@Suite struct RecordingFormTests {
    private func read(_ text: String, _ options: Recording.Options = .init()) throws -> Recording {
        try Recording(parsing: Array(text.utf8), options: options)
    }

    // MARK: Cells and columns

    @Test(arguments: ["nan", "NaN", "inf", "null", "Bad Input", "N/A", "-", "12 °C", "0x10", "1e999", "--5", "1e", "."])
    func aCellThatIsNoNumberCostsItself(cell: String) throws {
        let recording = try read("time,a,b\n2025-01-01 00:00:00,1,2\n2025-01-01 00:00:01,1,\(cell)\n")
        #expect(recording.rows.map(\.values) == [["1", "2"], ["1", nil]])
        #expect(recording.leftOut == [.init(column: "b", cells: 1, text: cell, line: 3)])
        #expect(recording.malformed == [])
    }

    @Test func aColumnWithoutAnyNumberCostsItself() throws {
        let recording = try read(
            """
            time,state,a,mode,b
            2025-01-01 00:00:00,NORMAL,1,,2
            2025-01-01 00:00:01,BROKEN,3,,4
            """)
        // A column that is empty everywhere says nothing and stays.
        #expect(recording.columns.map(\.topicLevel) == ["a", "mode", "b"])
        #expect(recording.rows.map(\.values) == [["1", nil, "2"], ["3", nil, "4"]])
        #expect(
            recording.leftOut == [.init(column: "state", cells: 2, text: "NORMAL", line: 2, isWholeColumn: true)])
        #expect("\(recording.leftOut[0])".contains("column state is left out: none of its 2 cells"))
    }

    @Test func aRecordingOfWordsAloneIsNone() throws {
        let error = try #require(throws: Recording.NotARecording.self) { try read("time,state\n2025-01-01,NORMAL\n") }
        #expect("\(error)".contains("column state is left out"))
    }

    // MARK: Dates

    @Test(
        arguments: [
            ("2024/01/02 13:05:00", 1_704_200_700_000, 1_704_200_700_000),
            ("2024.1.2", 1_704_153_600_000, 1_704_153_600_000),
            ("02.01.2024 13:05", 1_704_200_700_000, 1_704_200_700_000),
            ("2.1.2024 00:00:00,250", 1_704_153_600_250, 1_704_153_600_250),
            ("1/2/2024 13:05", 1_706_792_700_000, 1_704_200_700_000),
            ("1/2/2024 1:05 PM", 1_706_792_700_000, 1_704_200_700_000),
            ("1/2/2024, 12:05:00 am", 1_706_745_900_000, 1_704_153_900_000),
            ("01-02-2024 13:05", 1_706_792_700_000, 1_704_200_700_000),
            ("1/1/2024", 1_704_067_200_000, 1_704_067_200_000),
            ("13/1/2024", 1_705_104_000_000, nil), ("1/13/2024", nil, 1_705_104_000_000),
            ("13.1.2024", 1_705_104_000_000, 1_705_104_000_000), ("1.13.2024", nil, nil), ("31/2/2024", nil, nil),
            ("2024-02-30", nil, nil), ("1/2/24", nil, nil), ("1/2-2024", nil, nil), ("1/2/2024 13:05 PM", nil, nil),
            ("100/2/2024", nil, nil), ("2024-01-02T13:05:00+01:00", 1_704_197_100_000, 1_704_197_100_000),
        ] as [(String, Int64?, Int64?)])
    func dates(text: String, byDay: Int64?, byMonth: Int64?) {
        let time = RecordedTime(text.utf8)
        #expect(time?.milliseconds(.dayFirst) == byDay && time?.milliseconds(.monthFirst) == byMonth)
        #expect(time?.isAmbiguous ?? false == (byDay != nil && byMonth != nil && byDay != byMonth))
    }

    @Test func theFileShowsWhatItsDatesBeginWith() throws {
        let monthFirst = try read("t,a\n1/2/2024 13:05,1\n1/13/2024 13:05,2\n")
        #expect(monthFirst.rows.map(\.time) == [1_704_200_700_000, 1_705_151_100_000])
        let dayFirst = try read("t,a\n1/2/2024 13:05,1\n13/2/2024 13:05,2\n")
        #expect(dayFirst.rows.first?.time == 1_706_792_700_000)
        // One line that contradicts is one line that cannot be read.
        let mixed = try read("t,a\n1/2/2024,1\n13/2/2024,2\n14/2/2024,3\n2/13/2024,4\n")
        #expect(mixed.rows.map(\.line) == [2, 3, 4] && mixed.malformed.map(\.line) == [5])
    }

    @Test func whereNoLineShowsItAnOptionIsAskedFor() throws {
        let text = "Date Time,T1\n1/2/2024 13:05,45.5\n1/2/2024 13:06,43.1\n"
        let error = try #require(throws: Recording.NotARecording.self) { try read(text) }
        #expect("\(error)".contains("\"1/2/2024 13:05\" in line 2") && "\(error)".contains("--dates"))
        #expect(try read(text, .init(dates: .dayFirst)).rows.first?.time == 1_706_792_700_000)
        #expect(try read(text, .init(dates: .monthFirst)).rows.first?.time == 1_704_200_700_000)
    }

    // MARK: Numbers

    @Test(
        arguments: [
            ("45,5", "45.5", "45.5"), ("45.5", "45.5", "45.5"), ("-0,25", "-0.25", "-0.25"),
            ("0,123", "0.123", "0.123"),
            ("1,234", "1234", "1.234"), ("1.234", "1.234", "1234"), ("1,234.5", "1234.5", "1234.5"),
            ("1.234,5", "1234.5", "1234.5"), ("1,234,567", "1234567", "1234567"), ("1.234.567", "1234567", "1234567"),
            ("1,5E-3", "1.5E-3", "1.5E-3"), ("+7", "7.0", "7.0"), (".5", "0.5", "0.5"), ("32.0", "32.0", "32.0"),
            ("1,23,4", nil, nil), ("1.2.3", nil, nil), ("1,2.3,4", nil, nil), ("0,123,456", nil, nil),
            ("12345,678", "12345.678", "12345.678"), (",", nil, nil), ("", nil, nil), ("-", nil, nil),
        ] as [(String, String?, String?)])
    func numbers(text: String, point: String?, comma: String?) {
        let number = RecordedNumber(Array(text.utf8)[...])
        #expect(number?.json(.point) == point && number?.json(.comma) == comma)
        #expect(number?.isAmbiguous ?? false == (point != comma))
    }

    @Test func theFileShowsItsDecimalSign() throws {
        let german = try read("\"Zeit\";\"Ladung [%]\"\n01.01.2024 00:00:00;1.234,5\n01.01.2024 01:00:00;1.234\n")
        #expect(german.rows.map(\.values) == [["1234.5"], ["1234"]])
        #expect(german.columns.map(\.topicLevel) == ["Ladung [%]"])
        // Semicolons leave the comma to the numbers.
        #expect(try read("t;a\n2024-01-01;1,234\n").rows.map(\.values) == [["1.234"]])
        #expect(try read("t,a\n2024-01-01,1.234\n").rows.map(\.values) == [["1.234"]])
        #expect(
            try read("t,a\n2024-01-01,\"1,234\"\n2024-01-01,\"1,234.5\"\n").rows.map(\.values) == [
                ["1234"], ["1234.5"],
            ])
    }

    @Test func whereNoNumberShowsItAnOptionIsAskedFor() throws {
        let text = "t,a\n2024-01-01,\"1,234\"\n"
        let error = try #require(throws: Recording.NotARecording.self) { try read(text) }
        #expect("\(error)".contains("\"1,234\" in line 2") && "\(error)".contains("--decimal"))
        #expect(try read(text, .init(decimal: .comma)).rows.map(\.values) == [["1.234"]])
        #expect(try read(text, .init(decimal: .point)).rows.map(\.values) == [["1234"]])
    }

    // MARK: The long layout

    @Test func aLongRecordingIsPutInTheOrderOfItsTimes() throws {
        let recording = try read(
            """
            DateTime,TagName,TagVal,TagQuality
            2024-01-01T00:00:00.000,T1,25.5,Good
            2024-01-01T00:00:01.000,T1,n/a,Good
            2024-01-01T00:00:02.000,T1,25.7,Bad (sensor)
            2024-01-01T00:00:03.000,T1,25.8,192
            2024-01-01T00:00:00.000,P/1,1.5,Good
            2024-01-01T00:00:03.000,P/1,1.6,0
            2024-01-01T00:00:04.000,,1.6,Good
            """)
        #expect(recording.columns.map(\.topicLevel) == ["T1", "P_1"])
        #expect(recording.rows.map(\.line) == [2, 6, 5])
        #expect(
            recording.rows.map(\.first) == [0, 1, 0] && recording.rows.map(\.values) == [["25.5"], ["1.5"], ["25.8"]])
        #expect(recording.leftOut.map(\.cells) == [2, 1] && recording.malformed.map(\.line) == [8])
    }

    @Test func theLayoutIsToldFromTheHeaderAndTheFirstLine() throws {
        // A wide recording with columns of those names.
        let wide = try read("time,sensor,value\n2024-01-01,1,2\n")
        #expect(wide.columns.map(\.name) == ["sensor", "value"])
        #expect(try read("time,sensor,value\n2024-01-01,1,2\n", .init(layout: .long)).columns.map(\.name) == ["1"])
        let error = try #require(throws: Recording.NotARecording.self) {
            try read("time,a\n2024-01-01,1\n", .init(layout: .long))
        }
        #expect("\(error)".contains("names no column of sensors"))
    }
}
