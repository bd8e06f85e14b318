import Testing

@testable import Simulation

@Suite struct RecordingTests {
    @Test func skabFilesAreRead() throws {
        let recording = try Recording(
            parsing: Array(
                """
                datetime;Accelerometer1RMS;Pressure;Volume Flow RateRMS;anomaly
                2020-03-09 10:14:33;0.0265878;0.054711;32.0;0.0
                2020-03-09 10:14:34;0.0261697;0.382638;32.0;0.0

                """.utf8))
        #expect(
            recording.columns.map(\.topicLevel) == ["Accelerometer1RMS", "Pressure", "Volume Flow RateRMS", "anomaly"])
        #expect(recording.rows.map(\.time) == [1_583_748_873_000, 1_583_748_874_000])
        #expect(recording.rows.first?.values == ["0.0265878", "0.054711", "32.0", "0.0"])
        #expect(recording.malformed == [])
    }

    @Test func nabFilesAreRead() throws {
        let recording = try Recording(
            parsing: Array("timestamp,value\r\n2013-12-02 21:15:00,73.96732207\r\n2013-12-02 21:20:00,74.93\r\n".utf8))
        #expect(recording.columns.map(\.topicLevel) == ["value"])
        #expect(recording.rows.map(\.values) == [["73.96732207"], ["74.93"]])
    }

    @Test func malformedLinesAreCountedWithTheirNumbers() throws {
        let recording = try Recording(
            parsing: Array(
                """
                timestamp,a,b
                2020-01-01 00:00:00,1,2
                2020-01-01 00:00:01,1
                yesterday,1,2
                2020-01-01 00:00:02,x,2

                2020-01-01 00:00:03,,+4
                2020-01-01 00:00:01,1,2
                2020-01-01 00:00:04,nan,2
                2020-01-01 00:00:05,"1",2
                """.utf8))
        #expect(recording.rows.map(\.line) == [2, 5, 7, 8, 9, 10])
        #expect(recording.rows[1].values == [nil, "2"] && recording.rows[2].values == [nil, "4.0"])
        #expect(recording.malformed.map(\.line) == [3, 4])
        #expect(recording.leftOut == [.init(column: "a", cells: 2, text: "x", line: 5)])
    }

    @Test func namesBecomeLevelsOfATopic() throws {
        let recording = try Recording(parsing: Array("time,m/s,a+b,#,\"x,y\",m_s,\n1577836800,1,2,3,4,5,6".utf8))
        #expect(recording.columns.map(\.topicLevel) == ["m_s", "a_b", "_", "x,y", "m_s_", "column7"])
        #expect(recording.rows.first?.time == 1_577_836_800_000)
    }

    @Test(arguments: ["", "\n\n", "justonecolumn\n1\n", "timestamp,value\n", "timestamp,value\nrubbish\n"])
    func whatIsNoRecordingIsRefused(text: String) {
        #expect(throws: Recording.NotARecording.self) { try Recording(parsing: Array(text.utf8)) }
    }

    @Test(
        arguments: [
            ("2020-03-09 10:14:33", 1_583_748_873_000), ("2020-03-09T10:14:33.25Z", 1_583_748_873_250),
            ("2020-03-09T10:14:33+01:00", 1_583_745_273_000), ("2020-03-09 10:14", 1_583_748_840_000),
            ("1970-01-01", 0), ("2000-02-29 00:00:00", 951_782_400_000), ("1583748873", 1_583_748_873_000),
            ("1583748873250", 1_583_748_873_250), ("2020-13-01", nil), ("2020-03-09 25:00:00", nil), ("10:14", nil),
            ("", nil),
            ("2020-03-09 10:14:33 rubbish", nil),
        ] as [(String, Int64?)])
    func times(text: String, expected: Int64?) {
        let time = RecordedTime(text.utf8)
        #expect(time?.milliseconds(.dayFirst) == expected && time?.milliseconds(.monthFirst) == expected)
        #expect(time?.isAmbiguous != true && time?.evidence == nil)
    }

    @Test func aScheduleKeepsPaceAndOrder() {
        var schedule = ReplaySchedule(speed: .times(10), start: 1_000_000, first: 500)
        #expect(schedule.due(500) == 1_000_000)
        #expect(schedule.due(10_500) == 1_001_000)
        #expect(schedule.stamp(500, now: 1_000_000) == 1_000_000)
        #expect(schedule.stamp(501, now: 1_000_000) == 1_000_001)
        #expect(schedule.stamp(502, now: 1_000_000) == 1_000_002)
        #expect(schedule.stamp(10_500, now: 1_001_000) == 1_001_000)

        var unlimited = ReplaySchedule(speed: .unlimited, start: 0, first: 0)
        #expect(unlimited.stamp(0, now: 100) == 100)
        #expect(unlimited.stamp(60_000, now: 100) == 101)
        #expect(unlimited.stamp(120_000, now: 200) == 200)
    }

    @Test(
        arguments: [
            ("max", .unlimited), ("10", .times(10)), ("x2", .times(2)), ("0.5x", .times(0.5)), ("0", nil), ("-1", nil),
            ("fast", nil),
        ] as [(String, ReplaySchedule.Speed?)])
    func speeds(text: String, expected: ReplaySchedule.Speed?) {
        #expect(ReplaySchedule.Speed(text) == expected)
    }
}
