import NIOCore
import NIOPosix
import Synchronization
import TestFixtures
import Testing

@testable import ZooKeeperClient

/// Names are looked up by each attempt to connect: a server that has moved is found without a restart.
@Suite struct NameResolutionTests {
    /// A name server whose answer can be changed.
    private final class Directory: Sendable {
        private struct State {
            var answer: [SocketAddress]
            var questions = 0
        }
        private let state: Mutex<State>

        init(_ ports: [Int]) throws { state = Mutex(State(answer: try Self.addresses(ports))) }

        var questions: Int { state.withLock { $0.questions } }

        func change(to ports: [Int]) throws {
            let addresses = try Self.addresses(ports)
            state.withLock { $0.answer = addresses }
        }

        func ask() -> [SocketAddress] {
            state.withLock {
                $0.questions += 1
                return $0.answer
            }
        }

        /// With the port, so that one machine can stand for several.
        private static func addresses(_ ports: [Int]) throws -> [SocketAddress] {
            try ports.map { try SocketAddress(ipAddress: "127.0.0.1", port: $0) }
        }
    }

    private struct DirectoryResolver: Resolver, Sendable {
        let directory: Directory
        let eventLoop: any EventLoop

        func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
            eventLoop.makeSucceededFuture(host == "tree.example" ? directory.ask() : [])
        }
        func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
            eventLoop.makeSucceededFuture([])
        }
        func cancelQueries() {}
    }

    private func withClient(
        _ directory: Directory, _ body: (ZooKeeperClient) async throws -> Void
    ) async throws {
        var configuration = try ZooKeeperClient.Configuration(connectString: "tree.example:2181")
        configuration.sessionTimeout = .seconds(10)
        let core = ClientCore(
            configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: TestTree.logger, makeResolver: { DirectoryResolver(directory: directory, eventLoop: $0) })
        let client = ZooKeeperClient(core: core, chroot: Chroot("/"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(client)
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aServerThatHasMovedIsFound(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let (former, latter) = (try FaultProxy(target: port), try FaultProxy(target: port))
        defer { latter.close() }
        let directory = try Directory([former.port])
        try await withClient(directory) { client in
            let session = try await client.waitUntilConnected(timeout: .seconds(10))
            #expect(former.acceptedConnections == 1 && latter.acceptedConnections == 0)
            let before = directory.questions
            try directory.change(to: [latter.port])
            former.close()
            try await eventually("the new address is used", seen: { "\(String(describing: client.lastFailure))" }) {
                latter.acceptedConnections > 0
            }
            _ = try await client.exists("/")
            #expect(client.session?.id == session.id && directory.questions > before)
            #expect(former.acceptedConnections == 1)
        }
    }

    /// The name is unknown at first, and stands for a machine that is gone and one that is not later.
    @Test func allAddressesOfANameAreTried() async throws {
        let port = try await TestTree.port(.embedded)
        let directory = try Directory([])
        try await withClient(directory) { client in
            try await eventually("the failure shows") { client.lastFailure?.kind == .unreachable }
            try directory.change(to: [try FreePort.tcp(), port])
            try await client.waitUntilConnected(timeout: .seconds(10))
            _ = try await client.exists("/")
        }
    }
}
