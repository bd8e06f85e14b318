import Plant
import ZooKeeperClient
import ZooKeeperProtocol

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asking the active alarm processor for something, and its answer.
struct AlarmRequests: Sendable {
    let client: ZooKeeperClient
    let clock: WaitingClock

    /// - Throws: ``PlantFailure`` when there was no answer in time, and then the request is withdrawn.
    func ask(_ request: AlarmRequest, patience: Duration) async throws -> AlarmRequest {
        let path = TreeLayout.alarmRequests + "/" + UUID().uuidString.lowercased()
        // Watched before it is made, so that the quickest answer is not missed.
        let (_, watch) = try await client.existsAndWatch(path)
        do {
            _ = try await client.create(path, data: request.serialized())
        } catch let error as ZooKeeperError where error.code == .noNode {
            throw PlantFailure.unused
        }
        if let answer = try await answer(at: path, created: watch, until: clock.now() + patience) { return answer }
        guard let processor = try await StatusReader(client: client).alarmProcessor() else {
            throw PlantFailure.noAlarmProcessor(waited: patience)
        }
        throw PlantFailure.unanswered(by: processor, waited: patience)
    }

    /// The request as answered; nil when there was no answer in time, and then it is withdrawn.
    func answer(
        at path: String, created: Watch, until deadline: ContinuousClock.Instant
    ) async throws -> AlarmRequest? {
        var watch = created
        while true {
            _ = try await clock.wait(for: watch, until: deadline)
            do {
                let (node, next) = try await client.getDataAndWatch(path)
                if let request = AlarmRequest(data: node.data ?? []), request.result != nil {
                    _ = try? await client.delete(path)
                    return request
                }
                if clock.now() >= deadline {
                    if try await withdraw(path, version: node.stat.version) { return nil }
                    continue
                }
                watch = next
            } catch let error as ZooKeeperError where error.code == .noNode {
                return nil
            }
        }
    }

    /// Takes a request back that had no answer when it was read in this version: nobody must act on it later, when the
    /// person has long gone.
    ///
    /// - Returns: false when an answer has come in between.
    func withdraw(_ path: String, version: Int32) async throws -> Bool {
        do {
            try await client.delete(path, version: version)
            return true
        } catch let error as ZooKeeperError where error.code == .badVersion {
            return false
        }
    }
}
