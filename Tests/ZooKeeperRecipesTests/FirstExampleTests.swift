import Foundation
import Logging
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

// Word for word the first example of the documentation; see the test below.
func report(servers: String, logger: Logger) async throws {
    let configuration = try ZooKeeperClient.Configuration(connectString: servers)
    let client = ZooKeeperClient(configuration: configuration, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        let lock = DistributedLock(client: client, path: "/jobs/nightly", identity: Array("me".utf8), logger: logger)
        _ = try await lock.withLock(timeout: .seconds(30)) { lease in
            // A node of its own each time: /jobs/report-0000000000, /jobs/report-0000000001, …
            try await lease.guarded([
                .create(path: "/jobs/report-", data: Array("done".utf8), mode: .persistentSequential)
            ])
        }
        group.cancelAll()
    }
}

@Suite("First example of the documentation", .timeLimit(.minutes(5)))
struct FirstExampleTests {
    @Test(arguments: TreeKind.allCases)
    func itRuns(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("example")
        try await withClient(port: port, chroot: chroot) { client in
            // Also when it is run again.
            for count in 1...2 {
                try await report(servers: "127.0.0.1:\(port)\(chroot)", logger: TestTree.logger)
                let reports = try await client.getChildren("/jobs").filter { $0.hasPrefix("report-") }
                #expect(reports.count == count)
                for name in reports { #expect(try await client.getData("/jobs/\(name)").data.text == "done") }
            }
        }
    }

    @Test func itIsTheOneThatThePageShows() throws {
        let tests = URL(fileURLWithPath: #filePath)
        let page = tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources/ZooKeeperRecipes/Documentation.docc/ZooKeeperRecipes.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let parts = text.components(separatedBy: "```swift\n")
        try #require(parts.count == 2)
        let code = try #require(parts[1].components(separatedBy: "```").first)
        let imports = "import Logging\nimport ZooKeeperClient\nimport ZooKeeperProtocol\nimport ZooKeeperRecipes\n\n"
        try #require(code.hasPrefix(imports))
        let rest = code.dropFirst(imports.count)
        #expect(try String(contentsOf: tests, encoding: .utf8).contains("\n" + rest + "\n"))
    }
}
