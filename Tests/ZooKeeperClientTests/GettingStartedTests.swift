import Foundation
import Logging
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

// The example of the article “Getting started”, word for word.
// example begins
func keepSettings(at servers: String) async throws {
    var configuration = try ZooKeeperClient.Configuration(connectString: servers + "/example")
    configuration.requestTimeout = .seconds(5)
    let client = ZooKeeperClient(configuration: configuration, logger: Logger(label: "example"))

    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        // Ends the client; it closes its session.
        defer { group.cancelAll() }

        // The tree of this client begins at /example, which is made if it is missing.
        try await client.ensureChroot()
        try await client.create("/settings", data: Array("fast".utf8))

        // Compare and set: only if nobody has changed it since it was read.
        let (node, watch) = try await client.getDataAndWatch("/settings")
        try await client.setData("/settings", data: Array("slow".utf8), version: node.stat.version)

        // The watch tells of that change, once.
        print("seen:", try await watch.next())

        // All or nothing.
        try await client.transaction([
            .check(path: "/settings", version: 1),
            .create(path: "/settings/history", data: nil),
            .delete(path: "/settings/history"),
            .delete(path: "/settings"),
        ])
    }
}
// example ends

@Suite("The first example")
struct GettingStartedTests {
    @Test(arguments: TreeKind.allCases)
    func works(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        try await keepSettings(at: "127.0.0.1:\(port)")
        try await withClient(port: port) { client in
            let left = try await client.getChildren("/example")
            #expect(left.isEmpty)
        }
    }

    @Test func standsInTheArticle() throws {
        let here = URL(fileURLWithPath: #filePath)
        let article = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources/ZooKeeperClient/ZooKeeperClient.docc/GettingStarted.md")
        let source = try String(contentsOf: here, encoding: .utf8)
        let begin = try #require(source.range(of: "// example begins\n"))
        let end = try #require(source.range(of: "// example ends\n"))
        let example = String(source[begin.upperBound..<end.lowerBound])
        let text = try String(contentsOf: article, encoding: .utf8)
        #expect(
            text.contains(
                "```swift\nimport Logging\nimport ZooKeeperClient\nimport ZooKeeperProtocol\n\n" + example + "```\n"))
    }
}
