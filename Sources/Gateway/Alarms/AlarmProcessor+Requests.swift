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
                guard let request = AlarmRequest(data: node.data ?? []), request.result == nil else { continue }
                do { try await answer(request, path: path, lease: lease) } catch let error as ZooKeeperError
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

    private func answer(_ request: AlarmRequest, path: String, lease: Lease) async throws {
        var request = request
        if let mistake = request.trimOversizeText() {
            return try await refuse(request, mistake, path: path, lease: lease)
        }
        do {
            switch request.action {
            case .acknowledge: try await acknowledge(request, path: path, lease: lease)
            case .forget: try await forget(request, path: path, lease: lease)
            }
        } catch let error as ZooKeeperError where error.isRefusalOfNode && error.path != path {
            try await refuse(request, "the tree refuses it: \(error)", path: path, lease: lease)
        }
    }

    private func refuse(_ request: AlarmRequest, _ reason: String, path: String, lease: Lease) async throws {
        var request = request
        request.result = .refused
        request.reason = reason
        _ = try await lease.guarded([.setData(path: path, data: request.serialized(), version: -1)])
    }

    private func acknowledge(_ request: AlarmRequest, path: String, lease: Lease) async throws {
        switch acknowledgement(request, epoch: lease.token) {
        case .success(let proposal):
            var request = request
            request.result = .done
            try await record([proposal], answering: Answer(path: path, data: request.serialized()), lease: lease)
        case .failure(let refusal):
            try await refuse(request, "\(refusal)", path: path, lease: lease)
        }
    }

    private func acknowledgement(
        _ request: AlarmRequest, epoch: Int64
    ) -> Result<ProposedTransition, AcknowledgementRefusal> {
        guard case .alarm(let name, let tagName) = request.subject, let tag = try? TagPath(tagName) else {
            return .failure(.notFound)
        }
        let alarm = AlarmPath(tag: tag, alarm: name)
        let answer = plant.acknowledge(
            alarm, eventID: request.eventID, by: request.by, comment: request.comment, at: clock.wall(), epoch: epoch)
        // One that is no longer configured stands all the same.
        guard answer == .failure(.notFound), let record = known.record(of: alarm) else { return answer }
        return record.acknowledging(
            eventID: request.eventID, by: request.by, comment: request.comment, at: clock.wall(), epoch: epoch)
    }

    private func forget(_ request: AlarmRequest, path: String, lease: Lease) async throws {
        for attempt in 1...Self.removalAttempts {
            do {
                let removal = try await self.removal(asked: request, epoch: lease.token)
                return try await remove(removal, asked: request, path: path, lease: lease)
            } catch let refusal as LivePlant.ForgettingRefusal {
                return try await refuse(request, "\(refusal)", path: path, lease: lease)
            } catch let error as ZooKeeperError
                where attempt < Self.removalAttempts && error.code == .badVersion && error.transactionIndex != nil
            {
                // Somebody has written what was to go: it is decided again.
                continue
            }
        }
    }

    private func remove(_ removal: Removal, asked request: AlarmRequest, path: String, lease: Lease) async throws {
        var request = request
        request.result = .done
        request.removed = removal.count
        // Their deletion, of which this gateway's own watch tells, is no loss.
        state.withLock { $0.removing = removal.alarmNodes }
        do {
            try await write(
                removal.commits, removing: removal.operations,
                answering: Answer(path: path, data: request.serialized()), lease: lease)
        } catch {
            state.withLock { $0.removing = [] }
            throw error
        }
        await removeEmptyNodes(above: removal)
    }
}
