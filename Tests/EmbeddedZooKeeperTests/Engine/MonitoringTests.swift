import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// What four-letter words, admin commands and metrics say of an engine whose state is known.
@Suite struct MonitoringTests {
    private static let context = FourLetterContext(
        allowed: ["*"], clientPort: 2181, dataDirectory: "/nowhere", maxClientConnections: 60)

    private static func harness() throws -> (EngineHarness, EngineClient) {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/a", [1, 2])
        try client.create("/a/e", mode: .ephemeral)
        _ = try client.get("/a", watch: true)
        _ = try client.children("/a", watch: true)
        try client.addWatch("/x", .persistentRecursive)
        return (harness, client)
    }

    private static func word(_ word: String, _ harness: EngineHarness) -> String {
        harness.engine.answer(word, context, now: harness.now)
    }

    private static func json(_ command: String, _ harness: EngineHarness, query: [String: String] = [:]) -> String {
        let bytes = AdminCommand.answer(command, query: query, harness.engine, context, harness.now).bytes
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func everyWordIsAnswered() throws {
        let (harness, _) = try Self.harness()
        for word in Engine.fourLetterWords {
            #expect(!Self.word(word, harness).contains("not supported"), "\(word)")
        }
    }

    @Test func wordsOutsideTheListAreRefused() throws {
        let (harness, _) = try Self.harness()
        var context = Self.context
        context.allowed = ["srvr"]
        #expect(
            harness.engine.answer("mntr", context, now: harness.now)
                == "mntr is not executed because it is not in the whitelist.\n")
        #expect(harness.engine.answer("srvr", context, now: harness.now).hasPrefix("Zookeeper version: 3.9."))
    }

    /// The lines that telegraf, Datadog, Zabbix and the Prometheus exporters read.
    @Test func monitorHasWhatToolsRead() throws {
        let (harness, _) = try Self.harness()
        let pairs = Self.word("mntr", harness).split(separator: "\n").map { line in
            let parts = line.split(separator: "\t")
            return (String(parts[0]), String(parts[1]))
        }
        let values = Dictionary(pairs) { first, _ in first }
        #expect(values.count == pairs.count, "no key twice")
        for key in [
            "version", "avg_latency", "max_latency", "min_latency", "packets_received", "packets_sent",
            "num_alive_connections", "outstanding_requests", "server_state", "znode_count", "watch_count",
            "ephemerals_count", "approximate_data_size", "open_file_descriptor_count", "max_file_descriptor_count",
            "uptime", "global_sessions", "throttled_ops", "connection_rejected", "bytes_received_count",
            "avg_fsynctime", "p99_updatelatency", "p99_readlatency", "stale_sessions_expired",
        ] {
            #expect(values["zk_" + key] != nil, "\(key)")
        }
        #expect(values["zk_server_state"] == "standalone")
        #expect(values["zk_znode_count"] == "6")
        #expect(values["zk_watch_count"] == "3")
        #expect(values["zk_ephemerals_count"] == "1")
        #expect(values["zk_global_sessions"] == "1")
        #expect(values["zk_cnt_fsynctime"].flatMap { Int($0) } ?? 0 >= 3)
        #expect(values["zk_open_file_descriptor_count"].flatMap { Int($0) } ?? 0 > 2)
    }

    @Test func connectionsAndWatchesAreListed() throws {
        let (harness, client) = try Self.harness()
        let id = hex(try #require(client.client.session).id)
        #expect(Self.word("cons", harness).contains("sid=\(id),lop=ADDW,"))
        #expect(Self.word("stat", harness).contains(" /10.0.0.1:0[1](queued=0,recved=6,sent=6)\n"))
        #expect(Self.word("wchs", harness) == "1 connections watching 2 paths\nTotal watches:3\n")
        #expect(Self.word("wchc", harness) == "\(id)\n\t/a\n\t/x\n\n")
        #expect(Self.word("wchp", harness) == "/a\n\t\(id)\n/x\n\t\(id)\n\n")
        let dump = Self.word("dump", harness)
        #expect(dump.contains("Session Sets (1)/(1):\n1 expire at "))
        #expect(dump.contains("Sessions with Ephemerals (1):\n\(id):\n\t/a/e\n"))
        #expect(Self.word("crst", harness) == "Connection stats reset.\n")
        #expect(Self.word("cons", harness).contains("(queued=0,recved=0,sent=0,"))
    }

    @Test func resettingKeepsTheMetricsCounting() throws {
        let (harness, client) = try Self.harness()
        #expect(Self.word("srst", harness) == "Server stats reset.\n")
        #expect(Self.word("srvr", harness).contains("Received: 0\n"))
        let before = harness.engine.statistics.received
        _ = try client.get("/a")
        #expect(Self.word("srvr", harness).contains("Received: 1\n"))
        #expect(harness.engine.statistics.received == before + 1)
    }

    @Test func watchCountFollowsEveryWay() throws {
        let (harness, client) = try Self.harness()
        let other = try harness.connected()
        _ = try other.get("/a", watch: true)
        #expect(harness.engine.watches.count == 4)
        try other.set("/a", [1])
        #expect(harness.engine.watches.count == 2)
        try client.delete("/a/e")
        #expect(harness.engine.watches.count == 1)
        harness.engine.disconnect(client.client)
        #expect(harness.engine.watches.count == 0)
    }

    @Test func commandsAnswerWithZooKeepersKeys() throws {
        let (harness, client) = try Self.harness()
        let id = try #require(client.client.session).id
        #expect(Self.json("ruok", harness) == "{\n  \"command\" : \"ruok\",\n  \"error\" : null\n}\n")
        #expect(Self.json("wchc", harness).contains("\"\(id)\" : [ \"/a\", \"/x\" ]"))
        #expect(Self.json("watch_summary", harness).contains("\"num_total_watches\" : 3"))
        #expect(Self.json("cons", harness).contains("\"last_operation\" : \"ADDW\""))
        #expect(Self.json("mntr", harness).contains("\"znode_count\" : 6"))
        #expect(Self.json("dump", harness).contains("\"\(id)\" : [ \"/a/e\" ]"))
        #expect(Self.json("stmk", harness).contains("requires long traceMask"))
        #expect(Self.json("stmk", harness, query: ["traceMask": "7"]).contains("\"error\" : null"))
        #expect(Self.word("gtmk", harness) == "7")
        #expect(Self.json("a\"b\n", harness).contains(#""error" : "Unknown command: a\"b\n""#))
        for command in AdminCommand.allCases {
            #expect(Self.json(command.rawValue, harness).contains("\"command\" : \"\(command.rawValue)\""))
        }
    }

    @Test func metricsAreWellFormed() throws {
        let (harness, client) = try Self.harness()
        try client.create("/zookeeper/quota/a")
        try client.create("/zookeeper/quota/a/zookeeper_limits", Array("count=9,bytes=-1".utf8))
        let page = String(decoding: harness.engine.metrics(Self.context, harness.now), as: UTF8.self)
        var types: [String: String] = [:]
        var samples: Set<String> = []
        for line in page.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") {
                #expect(types.updateValue(String(words[3]), forKey: String(words[2])) == nil, "\(line)")
            } else if !line.hasPrefix("# HELP ") {
                let key = String(line[..<(line.lastIndex(of: " ") ?? line.endIndex)])
                #expect(samples.insert(key).inserted, "\(line)")
                #expect(Double(words.last ?? "") != nil, "\(line)")
                let name = String(key.prefix { $0 != "{" })
                let family = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) && types[name] == nil }
                #expect(types[family.map { String(name.dropLast($0.count)) } ?? name] != nil, "\(line)")
            }
        }
        #expect(page.contains("\nznode_count 8\n"))
        #expect(page.contains("linekeeper_tree_requests_total{operation=\"create2\"} 4\n"))
        #expect(page.contains("linekeeper_tree_quota_count_usage{path=\"/a\"} 2\n"))
        #expect(page.contains("linekeeper_tree_store_seconds_bucket{le=\"+Inf\"}"))
    }

    @Test func histogramsSortValues() {
        var histogram = Histogram(bounds: [1, 10, 100])
        for value in [0, 1, 2, 10, 11, 1000] as [Int64] { histogram.record(value) }
        #expect(histogram.counts == [2, 2, 1, 1])
        #expect(histogram.sum == 1024 && histogram.count == 6)
        #expect(histogram.quantile(0.5) == 10 && histogram.quantile(1) == 1000)
        histogram.record(.max, times: .max)
        #expect(histogram.maximum == .max)
    }

    @Test(arguments: [(0, "0.0"), (2.4, "2.4"), (0.0909, "0.0909"), (12, "12.0"), (-1.5, "-1.5"), (.nan, "0.0")])
    func numbersAsJavaPrintsThem(_ value: Double, _ text: String) {
        #expect(javaDouble(value) == text)
    }

    /// A thousand times more than is listed must not take a thousand times longer.
    @Test func longListsAreCutAndSaySo() throws {
        let harness = try EngineHarness()
        for _ in 0..<(Engine.reportLimit + 10) { _ = harness.open() }
        #expect(Self.word("cons", harness).hasSuffix(" and 10 more\n\n"))
        #expect(Self.json("cons", harness).contains("\"more_connections\" : 10"))
        let client = try harness.connected()
        for number in 0..<(Engine.reportLimit + 10) { try client.addWatch("/w\(number)", .persistent) }
        #expect(Self.json("wchp", harness).contains("\"truncated\" : true"))
        #expect(Self.word("wchp", harness).hasSuffix(" and more\n\n"))
    }
}
