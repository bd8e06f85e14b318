import Synchronization
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol

/// Writers that go on whatever happens, and remember what was promised to them.
final class WriteLoad: Sendable {
    struct Result: Sendable {
        /// Names below `/log`.
        var attempted: Set<String> = []
        var acknowledged: Set<String> = []
        /// The newest acknowledged value of each register.
        var registers: [Int: Int] = [:]
        var unknown = 0
        var longest = Duration.zero
        /// What a session must never see.
        var violations: [String] = []
        /// Errors that no fault explains.
        var unexpected: [String] = []
    }

    private let record: Record
    private let task: Task<Void, Never>

    init(_ client: ZooKeeperClient, writers: Int) {
        let record = Record()
        self.record = record
        // Ended by ``stop()``.
        task = Task {
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<writers { group.addTask { await Self.write(client, writer, record) } }
            }
        }
    }

    private static func write(_ client: ZooKeeperClient, _ writer: Int, _ record: Record) async {
        var number = 0
        while !Task.isCancelled {
            number += 1
            let number = number
            let name = "w\(writer)-\(number)"
            record.change { $0.attempted.insert(name) }
            if await record.time({ try await client.create("/log/\(name)", data: "x".bytes) }) {
                record.change { $0.acknowledged.insert(name) }
                // Whatever server answers: a session never reads from before its own acknowledged writes.
                if number % 8 == 0 {
                    _ = await record.time {
                        guard try await client.exists("/log/\(name)") == nil else { return }
                        record.change { $0.violations.append("\(name) was acknowledged and is not there") }
                    }
                }
            }
            let isSet = await record.time {
                let data = "\(number)".bytes
                do {
                    try await client.setData("/registers/\(writer)", data: data)
                } catch let error as ZooKeeperError where error.code == .noNode {
                    try await client.create("/registers/\(writer)", data: data)
                }
            }
            if isSet { record.change { $0.registers[writer] = number } }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    var report: String {
        record.read {
            "load: \($0.acknowledged.count) acknowledged, \($0.unknown) unknown, longest \($0.longest), \($0.unexpected)"
        }
    }

    /// How many creates were acknowledged so far.
    var acknowledged: Int { record.read { $0.acknowledged.count } }

    /// Waits until more writes are acknowledged.
    func progress(during what: String) async throws {
        let before = acknowledged
        try await eventually("writes go on, \(what)", within: .seconds(60), seen: { self.report }) {
            self.acknowledged >= before + 40
        }
    }

    func stop() async -> Result {
        task.cancel()
        await task.value
        return record.read { $0 }
    }

    private final class Record: Sendable {
        private let result = Mutex(Result())

        func read<Value>(_ body: (Result) -> Value) -> Value { result.withLock { body($0) } }
        func change(_ body: (inout Result) -> Void) { result.withLock { body(&$0) } }

        /// Makes a call and notes how long it took and how it failed.
        ///
        /// - Returns: Whether it was acknowledged.
        func time(_ call: () async throws -> some Any) async -> Bool {
            let start = ContinuousClock.now
            var failure: (any Error)?
            do { _ = try await call() } catch { failure = error }
            let taken = ContinuousClock.now - start
            change { result in
                result.longest = max(result.longest, taken)
                switch failure {
                case nil, is CancellationError: break
                case let error as ZooKeeperError where error.isOutcomeUnknown || error.code == .sessionExpired:
                    result.unknown += 1
                case let error?:
                    if result.unexpected.count < 10 { result.unexpected.append("\(error)") }
                }
            }
            return failure == nil
        }
    }
}
