import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// What operators ask for in `/alarm-requests`, answered in place.
extension AlarmProcessor {
    func answerRequests(_ lease: Lease) async throws {
        state.withLock { $0.requestsWaiting = false }
        do {
            let names = try await client.getChildren(TreeLayout.alarmRequests)
            let paths = names.map { TreeLayout.alarmRequests + "/" + $0 }
            let nodes = try await TreeWalk(client: client).data(of: paths)
            let open = zip(paths, nodes).compactMap { path, node in node.map { (path, $0) } }
                .sorted { $0.1.stat.czxid < $1.1.stat.czxid }
            for (path, node) in open {
                guard var request = AlarmRequest(data: node.data ?? []), request.result == nil else { continue }
                do { try await answer(&request, path: path, lease: lease) } catch let error as ZooKeeperError
                    where error.isRefusalOfNode
                {
                    // Somebody's request that cannot be answered must not hold up the others.
                    failures.failed("\(error)")
                }
            }
        } catch {
            state.withLock { $0.requestsWaiting = true }
            throw error
        }
    }

    private func answer(_ request: inout AlarmRequest, path: String, lease: Lease) async throws {
        if let mistake = request.trimOversizeText() {
            request.result = .refused
            request.reason = mistake
            _ = try await lease.guarded([.setData(path: path, data: request.serialized(), version: -1)])
            return
        }
        let answer: Result<ProposedTransition, AcknowledgementRefusal>
        if let tag = try? TagPath(request.tag) {
            answer = plant.acknowledge(
                AlarmPath(tag: tag, alarm: request.alarm), eventID: request.eventID, by: request.by,
                comment: request.comment, at: clock.wall(), epoch: lease.token)
        } else {
            answer = .failure(.notFound)
        }
        switch answer {
        case .success(let proposal):
            request.result = .done
            do {
                try await record([proposal], answering: Answer(path: path, data: request.serialized()), lease: lease)
            } catch let error as ZooKeeperError where error.isRefusalOfNode && error.path != path {
                request.result = .refused
                request.reason = "the tree refuses it: \(error)"
                _ = try await lease.guarded([.setData(path: path, data: request.serialized(), version: -1)])
            }
        case .failure(let refusal):
            request.result = .refused
            request.reason = "\(refusal)"
            _ = try await lease.guarded([.setData(path: path, data: request.serialized(), version: -1)])
        }
    }
}
