import Foundation
import Logging
import Synchronization
import ZooKeeperClient
import ZooKeeperRecipes

/// Cycles of taking and giving back one lock, by one session or by several that contend for it.
struct LockLoad {
    private let settings: LoadSettings

    init(_ settings: LoadSettings) {
        self.settings = settings
    }

    /// Counts those who believe to hold the lock: two at a time would make the figures worthless.
    private final class Holders: Sendable {
        private let count = Atomic<Int>(0)
        private let violations = Atomic<Int>(0)

        func enter() {
            if count.add(1, ordering: .relaxed).oldValue != 0 { violations.add(1, ordering: .relaxed) }
        }

        func leave() {
            count.subtract(1, ordering: .relaxed)
        }

        var violationCount: Int { violations.load(ordering: .relaxed) }
    }

    func run() async throws -> LoadResult {
        let begin = steadyNanoseconds() + Int64(settings.warmUp * 1e9)
        let end = begin + Int64(settings.seconds * 1e9)
        let holders = Holders()
        let processorBegin = processorSeconds()
        let latencies = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for contender in 0..<max(1, settings.sessions) {
                group.addTask { try await cycles(of: contender, holders, from: begin, until: end) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return LoadResult(
            name: "locks-\(settings.sessions)", operations: latencies.count, seconds: settings.seconds,
            latencies: latencies, errors: holders.violationCount, clientSeconds: processorSeconds() - processorBegin)
    }

    private func cycles(of contender: Int, _ holders: Holders, from begin: Int64, until end: Int64) async throws
        -> [Int64]
    {
        try await withClient(settings) { client in
            let lock = DistributedLock(
                client: client, path: settings.path + "-lock", identity: Array("\(contender)".utf8),
                logger: Logger(label: "load"))
            var latencies: [Int64] = []
            while true {
                let asked = steadyNanoseconds()
                guard asked < end else { return latencies }
                switch settings.way {
                case .acquire:
                    let lease = try await lock.acquire()
                    holders.enter()
                    holders.leave()
                    await lock.release(lease)
                case .releaseAndWait:
                    let lease = try await lock.acquire()
                    holders.enter()
                    holders.leave()
                    await lock.releaseAndWait(lease)
                case .withLock:
                    try await lock.withLock { _ in
                        holders.enter()
                        holders.leave()
                    }
                }
                if asked >= begin { latencies.append(steadyNanoseconds() - asked) }
            }
        }
    }
}
