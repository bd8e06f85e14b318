import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// Quotas as ZooKeeper 3.9 has them.
@Suite struct QuotaTests {
    private static func harness(enforces: Bool = true) throws -> EngineHarness {
        var settings = Engine.Settings()
        settings.enforcesQuota = enforces
        return try EngineHarness(settings: settings)
    }

    private static func setQuota(_ client: EngineClient, _ path: String, _ limits: String) throws {
        var parent = "/zookeeper/quota"
        for name in path.split(separator: "/") {
            parent += "/" + name
            do { try client.create(parent) } catch let error as ErrorCode where error == .nodeExists {}
        }
        try client.create(parent + "/zookeeper_limits", Array(limits.utf8))
        try client.create(parent + "/zookeeper_stats", Array("count=0,bytes=0".utf8))
    }

    private static func stats(_ client: EngineClient, _ path: String) throws -> String {
        let data = try client.get("/zookeeper/quota\(path)/zookeeper_stats").data ?? []
        return String(decoding: data, as: UTF8.self)
    }

    /// The nearest decides, as in ZooKeeper 3.9.5: below `/o/i` nine nodes more are allowed, whatever `/o` says.
    @Test func theNearestOfNestedQuotasDecides() throws {
        let client = try Self.harness().connected()
        try client.create("/o")
        try client.create("/o/i")
        try Self.setQuota(client, "/o", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=4")
        try Self.setQuota(client, "/o/i", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=10")
        for index in 0..<9 { try client.create("/o/i/n\(index)") }
        #expect(throws: ErrorCode.quotaExceeded) { try client.create("/o/i/n9") }
        // Unlike there, what is below the inner one counts for the outer one at once, not from the next start on.
        #expect(try Self.stats(client, "/o") == "count=11,bytes=0" && Self.stats(client, "/o/i") == "count=10,bytes=0")
        #expect(throws: ErrorCode.quotaExceeded) { try client.create("/o/m") }
        for index in 0..<8 { try client.delete("/o/i/n\(index)") }
        try client.create("/o/m")
        #expect(throws: ErrorCode.quotaExceeded) { try client.create("/o/m2") }
        try client.create("/o/i/n9")
    }

    /// As `StatsTrack` of ZooKeeper 3.9.5 prints and reads them.
    @Test(arguments: [
        ("count=5,bytes=10", "count=5,bytes=10"),
        ("count=5,bytes=10=;byteHardLimit=20=;countHardLimit=6", "count=5,bytes=10=;byteHardLimit=20;countHardLimit=6"),
        ("count=5,bytes=10=;byteHardLimit=20;countHardLimit=6", "count=5,bytes=10=;byteHardLimit=20;countHardLimit=6"),
        ("", "count=-1,bytes=-1"), ("bytes=3", "count=-1,bytes=3"), ("x", "count=-1,bytes=-1"),
        ("count=99999999999999999999,bytes==4;;;=", "count=-1,bytes=4"),
    ])
    func readsAndWritesLimits(text: String, expected: String) {
        #expect(QuotaLimits(Array(text.utf8)).text == expected)
    }

    @Test func countsWhatIsThereAndWhatChanges() throws {
        let harness = try Self.harness()
        let client = try harness.connected()
        try client.create("/q", [1, 2, 3])
        try client.create("/q/a", [4])
        try Self.setQuota(client, "/q", "count=-1,bytes=-1=;byteHardLimit=100;countHardLimit=100")
        #expect(try Self.stats(client, "/q") == "count=2,bytes=4")
        try client.create("/q/a/b", [5, 6], mode: .ephemeral)
        #expect(try Self.stats(client, "/q") == "count=3,bytes=6")
        try client.set("/q", nil)
        #expect(try Self.stats(client, "/q") == "count=3,bytes=3")
        try client.delete("/q/a/b")
        try client.create("/other", [1])
        #expect(try Self.stats(client, "/q") == "count=2,bytes=1")
        // Neither version nor zxid tell of it, as in ZooKeeper; the length does.
        let stat = try client.stat("/zookeeper/quota/q/zookeeper_stats")
        #expect(stat.version == 0 && stat.czxid == stat.mzxid && stat.dataLength == 15)
        // What a client writes there is overwritten by the truth.
        try client.set("/zookeeper/quota/q/zookeeper_stats", Array("nonsense".utf8))
        #expect(try Self.stats(client, "/q") == "count=2,bytes=1")
    }

    @Test func hardLimitsRefuse() throws {
        let client = try Self.harness().connected()
        try client.create("/q", [])
        try Self.setQuota(client, "/q", "count=-1,bytes=-1=;byteHardLimit=4;countHardLimit=3")
        try client.create("/q/a", [1, 2])
        #expect(throws: ErrorCode.quotaExceeded) { try client.create("/q/b", [1, 2, 3]) }
        #expect(throws: ErrorCode.quotaExceeded) { try client.set("/q/a", [1, 2, 3, 4, 5]) }
        try client.set("/q/a", [1, 2, 3, 4])
        try client.create("/q/b", [])
        #expect(throws: ErrorCode.quotaExceeded) { try client.create("/q/c", []) }
        // Making room is allowed, and what takes none.
        try client.set("/q/b", [])
        try client.delete("/q/b")
        try client.create("/q/c", [])
        #expect(try Self.stats(client, "/q") == "count=3,bytes=4")
    }

    @Test func aRefusedTransactionLeavesNothingCounted() throws {
        let client = try Self.harness().connected()
        try client.create("/q", [])
        try Self.setQuota(client, "/q", "count=-1,bytes=-1=;countHardLimit=3")
        func create(_ path: String) -> ZooKeeperProtocol.Operation {
            .create(path: path, data: [7])
        }
        let results = try client.multi([create("/q/1"), create("/q/2"), create("/q/3")])
        #expect(results == [.failed(.ok), .failed(.ok), .failed(.quotaExceeded)])
        #expect(try Self.stats(client, "/q") == "count=1,bytes=0")
        _ = try client.multi([create("/q/1"), create("/q/2")])
        #expect(try Self.stats(client, "/q") == "count=3,bytes=2")
    }

    @Test func softLimitsAndThoseNotEnforcedOnlyWarn() throws {
        let harness = try Self.harness(enforces: false)
        let client = try harness.connected()
        try client.create("/q", [])
        try Self.setQuota(client, "/q", "count=1,bytes=-1=;byteHardLimit=1")
        for number in 0..<20 { try client.create("/q/\(number)", [1, 2, 3]) }
        #expect(harness.engine.statistics.quotaSoftExceeded == 20)
        #expect(harness.engine.statistics.quotaHardExceeded == 20)
        let notices = harness.engine.notices.take()
        #expect(notices.kept.count == 4 && notices.suppressed == 36)
        #expect(
            notices.kept.first
                == .quotaExceeded(path: "/q", what: "count", value: 2, limit: 1, isHard: false))
    }

    @Test func theNearestQuotaDecidesAndGoesWithItsNode() throws {
        let client = try Self.harness().connected()
        for path in ["/q", "/q/in", "/qq"] { try client.create(path, []) }
        try Self.setQuota(client, "/q", "count=-1,bytes=-1=;countHardLimit=2")
        try Self.setQuota(client, "/q/in", "count=-1,bytes=-1=;countHardLimit=2")
        // A longer name with the same beginning is another path.
        for number in 0..<3 { try client.create("/qq/\(number)", []) }
        try client.create("/q/in/x", [])
        #expect(throws: ErrorCode.quotaExceeded) { try client.create("/q/y", []) }
        #expect(throws: ErrorCode.quotaExceeded) { try client.create("/q/in/y", []) }
        try client.set(
            "/zookeeper/quota/q/in/zookeeper_limits", Array("count=-1,bytes=-1=;countHardLimit=3".utf8))
        try client.create("/q/in/y", [])
        try client.delete("/zookeeper/quota/q/zookeeper_limits")
        try client.create("/q/y", [])
    }

    @Test func isCountedAnewAfterARestart() throws {
        let harness = try Self.harness()
        let client = try harness.connected()
        try client.create("/q", [1])
        try Self.setQuota(client, "/q", "count=-1,bytes=-1=;countHardLimit=3")
        try client.create("/q/a", [1, 2])
        try client.create("/q/e", [9], mode: .ephemeral)
        let again = try harness.restarted()
        let other = try again.connected()
        #expect(try Self.stats(other, "/q") == "count=3,bytes=4")
        #expect(throws: ErrorCode.quotaExceeded) { try other.create("/q/b", []) }
    }

    @Test func randomChangesKeepTheNumbersExact() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        let harness = try Self.harness()
        let client = try harness.connected()
        try client.create("/q", [])
        try Self.setQuota(client, "/q", "count=-1,bytes=-1=;byteHardLimit=60;countHardLimit=12")
        let names = ["/q", "/q/a", "/q/b", "/q/a/c", "/q/b/d", "/o"]
        for _ in 0..<2000 {
            let operations = (0..<Int.random(in: 1...4, using: &random)).map { _ -> ZooKeeperProtocol.Operation in
                let path = names[Int.random(in: 0..<names.count, using: &random)]
                let data = [UInt8](repeating: 1, count: Int.random(in: 0..<20, using: &random))
                switch Int.random(in: 0..<3, using: &random) {
                case 0: return .create(path: path, data: data)
                case 1: return .delete(path: path)
                default: return .setData(path: path, data: data)
                }
            }
            _ = try client.multi(operations)
            let below = harness.engine.tree.nodes.filter { $0.key.string == "/q" || $0.key.string.hasPrefix("/q/") }
            let bytes = below.values.reduce(0) { $0 + ($1.state.data?.count ?? 0) }
            try #require(try Self.stats(client, "/q") == "count=\(below.count),bytes=\(bytes)")
            try #require(below.count <= 12 && bytes <= 60)
        }
    }
}
