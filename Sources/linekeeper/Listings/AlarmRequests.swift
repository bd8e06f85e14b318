import Foundation
import Plant
import PlantConfiguration
import ZooKeeperClient
import ZooKeeperProtocol

/// Asking the active alarm processor for something, and its answer.
enum AlarmRequests {
    /// How long it may take to answer.
    static let patience = Duration.seconds(5)

    /// - Throws: ``CommandFailure`` when nobody has answered in time, and then the request is withdrawn.
    static func ask(_ request: AlarmRequest, _ client: ZooKeeperClient) async throws -> AlarmRequest {
        let path = TreeLayout.alarmRequests + "/" + UUID().uuidString.lowercased()
        // Watched before it is made, so that the quickest answer is not missed.
        let (_, watch) = try await client.existsAndWatch(path)
        do {
            _ = try await client.create(path, data: request.serialized())
        } catch let error as ZooKeeperError where error.code == .noNode {
            throw CommandFailure(.no, "no gateway has ever run on this tree; start one (linekeeper run)")
        }
        if let answer = try await answer(at: path, created: watch, client) { return answer }
        let time = HumanText.span(patience.milliseconds)
        guard let processor = try await PlantStatus.alarmProcessor(client) else {
            throw CommandFailure(
                .no,
                "nobody processes alarms at the moment: no answer within \(time); is a gateway running? (linekeeper status)"
            )
        }
        throw CommandFailure(
            .no,
            "gateway \(printable(processor)), which processes alarms, has not answered within \(time); linekeeper status may say why, or it is of a version that does not know such requests"
        )
    }

    /// The request as answered; nil when nobody answered in time, and then it is withdrawn.
    private static func answer(at path: String, created: Watch, _ client: ZooKeeperClient) async throws -> AlarmRequest?
    {
        let deadline = ContinuousClock.now + patience
        var watch = created
        while true {
            let armed = watch
            try await Deadline.wait(until: deadline) { _ = try await armed.next() }
            do {
                let (node, next) = try await client.getDataAndWatch(path)
                if let request = AlarmRequest(data: node.data ?? []), request.result != nil {
                    _ = try? await client.delete(path)
                    return request
                }
                if ContinuousClock.now >= deadline {
                    // Not yet answered: nobody must act on it later, when the person has long gone. The version tells
                    // whether an answer has come in between.
                    do {
                        try await client.delete(path, version: node.stat.version)
                        return nil
                    } catch let error as ZooKeeperError where error.code == .badVersion {
                        continue
                    }
                }
                watch = next
            } catch let error as ZooKeeperError where error.code == .noNode {
                return nil
            }
        }
    }
}

/// Who is at the terminal.
enum Person {
    static var current: String {
        let process = ProcessInfo.processInfo
        if let person = process.environment["SUDO_USER"], !person.isEmpty { return person }
        return process.userName.isEmpty ? "unknown" : process.userName
    }
}

/// Waits with a limit.
enum Deadline {
    /// Returns when `work` is done or the deadline has passed, whichever is first.
    static func wait(
        until deadline: ContinuousClock.Instant, _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(operation: work)
            group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) }
            try await group.next()
            group.cancelAll()
        }
    }
}
