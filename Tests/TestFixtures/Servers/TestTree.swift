import EmbeddedZooKeeper
public import Logging
import Primitives
import Synchronization
public import ZooKeeperClient

/// The two servers that everything must work with alike.
public enum TreeKind: String, CaseIterable, Sendable {
    case apache
    case embedded
}

/// The servers and clients that the tests of client and recipes share.
public enum TestTree {
    /// The port of the shared server of a kind.
    public static func port(_ kind: TreeKind) async throws -> Int {
        switch kind {
        case .apache: try await shared().port
        case .embedded: try await sharedEmbedded.value
        }
    }

    private static let sharedEmbedded = Task {
        let scratch = try Scratch("embedded-shared")
        let port = try FreePort.tcp()
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: scratch.file("tree"), listen: [HostAndPort(host: "127.0.0.1", port: port)],
            tick: .milliseconds(500))
        configuration.maxClientConnections = 0
        let server = EmbeddedServer(configuration: configuration, logger: logger)
        // It serves all tests of this process and ends with it.
        Task { try await server.run() }
        _ = try await server.waitUntilListening()
        return port
    }

    /// One Apache ZooKeeper (tick 500 ms) for all tests that do it no harm; each works below a path of its own.
    public static func shared() async throws -> ApacheZooKeeper { try await sharedServer.value }

    private static let sharedServer = Task {
        try await ApacheZooKeeper(scratch: Scratch("zookeeper-shared"), tick: .milliseconds(500))
    }

    /// A server of the test's own, which it may stop, kill and pause.
    public static func withOwnServer<Result>(
        tick: Duration = .seconds(1), _ body: (ApacheZooKeeper) async throws -> Result
    ) async throws -> Result {
        let scratch = try Scratch("zookeeper-own")
        let server = try await ApacheZooKeeper(scratch: scratch, tick: tick)
        do {
            let result = try await body(server)
            await server.stop()
            scratch.remove()
            return result
        } catch {
            print(server.process?.report(lines: 20) ?? "")
            await server.stop()
            throw error
        }
    }

    private static let counter = Mutex(0)

    /// A path that no other test uses.
    public static func uniquePath(_ name: String) -> String {
        let number = counter.withLock { counter in
            counter += 1
            return counter
        }
        return "/test-\(name)-\(number)"
    }

    public static var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return logger
    }
}

/// Runs a client for as long as `body` takes. Its tree begins at `chroot`, which is made.
@discardableResult
public func withClient<Result: Sendable>(
    host: String = "127.0.0.1", port: Int, chroot: String = "/",
    configure: (inout ZooKeeperClient.Configuration) -> Void = { _ in },
    _ body: (ZooKeeperClient) async throws -> Result
) async throws -> Result {
    var configuration = try ZooKeeperClient.Configuration(
        connectString: "\(host):\(port)\(chroot == "/" ? "" : chroot)")
    // Long enough for a loaded machine; tests of expiry ask for less.
    configuration.sessionTimeout = .seconds(10)
    configuration.leaseRule = .standalone
    configure(&configuration)
    let client = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        defer { group.cancelAll() }
        try await client.waitUntilConnected(timeout: .seconds(20))
        try await client.ensureChroot()
        return try await body(client)
    }
}

/// Collects what a stream gives, so that a test can wait for it and show it.
public final class Collected<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    public init() {}

    public var all: [Element] { elements.withLock { $0 } }

    public func append(_ element: Element) { elements.withLock { $0.append(element) } }

    public func follow(_ stream: AsyncStream<Element>) async {
        for await element in stream { append(element) }
    }
}

extension String {
    public var bytes: [UInt8] { Array(utf8) }
}

/// The same for what a node holds.
extension [UInt8]? {
    public var text: String? { map { String(decoding: $0, as: UTF8.self) } }
}
