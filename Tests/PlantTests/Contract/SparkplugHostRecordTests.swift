import Testing

@testable import Plant

@Suite("The last timestamp of a Sparkplug host")
struct SparkplugHostRecordTests {
    @Test("it is read as it was written, and what later versions add is no obstacle")
    func record() {
        let record = SparkplugHostRecord(timestamp: 1_790_000_000_000, gateway: "gw1")
        #expect(String(decoding: record.serialized(), as: UTF8.self) == #"{"timestamp":1790000000000,"gateway":"gw1"}"#)
        #expect(SparkplugHostRecord(data: record.serialized()) == record)
        let later = Array(#"{"gateway":"gw1","timestamp":1790000000000,"broker":"b"}"#.utf8)
        #expect(SparkplugHostRecord(data: later) == record)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "{}", "null", #"{"timestamp":"1","gateway":"g"}"#, #"{"timestamp":-1,"gateway":"g"}"#,
            #"{"timestamp":9223372036854775807,"gateway":"g"}"#, #"{"timestamp":5}"#,
        ])
    func others(_ text: String) { #expect(SparkplugHostRecord(data: Array(text.utf8)) == nil) }

    @Test(
        "each host has a node of its own, whatever its id",
        arguments: [
            ("scada", "/sparkplug/scada"), ("host 1", "/sparkplug/host 1"), ("%", "/sparkplug/%25"),
            ("@a", "/sparkplug/%40a"),
            (".", "/sparkplug/%2E"), ("..", "/sparkplug/%2E%2E"), ("müller", "/sparkplug/müller"),
        ])
    func node(_ id: String, _ path: String) throws {
        let host = try #require(SparkplugHostDefinition(hostID: id))
        #expect(TreeLayout.sparkplugHost(host) == path)
    }

    @Test("what is not one level of a topic is no host", arguments: ["", "a/b", "+", "a#", "a\u{0}", "a\n", "\u{85}"])
    func refused(_ id: String) { #expect(SparkplugHostDefinition(hostID: id) == nil) }
}
