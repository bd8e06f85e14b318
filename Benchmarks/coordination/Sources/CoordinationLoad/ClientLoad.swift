import Foundation
import Logging
import ZooKeeperClient
import ZooKeeperProtocol

/// Requests with `ZooKeeperClient`: as many tasks as the window is wide, each asking and awaiting in turn.
struct ClientLoad {
    private let settings: LoadSettings
    /// Made beforehand, as a program that keeps values up to date has its paths at hand.
    private let paths: [String]

    init(_ settings: LoadSettings) {
        self.settings = settings
        paths = (0..<max(1, settings.nodes)).map { "\(settings.path)/n\($0)" }
    }

    func run() async throws -> LoadResult {
        try await withClient(settings) { client in
            try await makeNodes(client)
            let tasks = max(1, min(settings.window, settings.requests))
            let processorBegin = processorSeconds()
            let begin = steadyNanoseconds()
            let end = begin + Int64(settings.seconds * 1e9)
            let latencies = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for task in 0..<tasks {
                    group.addTask { try await requests(client, from: task, step: tasks, until: end) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let seconds = Double(steadyNanoseconds() - begin) / 1e9
            return LoadResult(
                name: "client-" + settings.load.rawValue, operations: latencies.count * settings.operationsPerRequest,
                seconds: seconds, latencies: latencies, clientSeconds: processorSeconds() - processorBegin)
        }
    }

    private func makeNodes(_ client: ZooKeeperClient) async throws {
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: settings.size)
        try await client.ensurePath(settings.path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for path in paths {
                group.addTask {
                    do {
                        try await client.create(path, data: value)
                    } catch let error as ZooKeeperError where error.code == .nodeExists {
                        return
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Every `step`-th request from the `first` on; what each took.
    private func requests(
        _ client: ZooKeeperClient, from first: Int, step: Int, until end: Int64
    ) async throws -> [Int64] {
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: settings.size)
        var latencies: [Int64] = []
        latencies.reserveCapacity(settings.requests / step + 1)
        for index in stride(from: first, to: settings.requests, by: step) {
            let begin = steadyNanoseconds()
            guard begin < end else { break }
            switch settings.load {
            case .set: try await client.setData(path(index), data: value)
            case .get: _ = try await client.getData(path(index))
            case .create: try await client.create(path(index) + "/", data: value, mode: .ephemeralSequential)
            case .multi:
                try await client.transaction(
                    (0..<settings.batch).map { offset in
                        .setData(path: path(index * settings.batch + offset), data: value, version: -1)
                    })
            case .ping: break
            }
            latencies.append(steadyNanoseconds() - begin)
        }
        return latencies
    }

    private func path(_ index: Int) -> String { paths[index % paths.count] }
}

/// Runs `body` with a connected client, and ends its session afterwards.
func withClient<Result: Sendable>(
    _ settings: LoadSettings, _ body: @Sendable (ZooKeeperClient) async throws -> Result
) async throws -> Result {
    var configuration = try ZooKeeperClient.Configuration(connectString: "\(settings.host):\(settings.port)")
    configuration.leaseRule = .standalone
    configuration.requestTimeout = .seconds(30)
    configuration.sessionTimeout = .seconds(30)
    var logger = Logger(label: "load")
    logger.logLevel = .error
    let client = ZooKeeperClient(configuration: configuration, logger: logger)
    let running = Task { try await client.run() }
    do {
        try await client.waitUntilConnected(timeout: .seconds(10))
        let result = try await body(client)
        running.cancel()
        _ = try? await running.value
        return result
    } catch {
        running.cancel()
        throw error
    }
}
