import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// What people ask of the alarm processor, answered in place.
extension AlarmProcessor {
    /// Requests that are answered between two transactions of transitions.
    static let requestsPerTurn = 16

    /// Open requests that one turn looks at.
    static let requestsLookedAt = 1_000

    /// A request, in whichever form it came.
    struct Asked {
        let operation: AlarmOperation
        let by: Principal
        let path: String
        /// What writes the answer, for the transaction that does what was asked for.
        let answering: @Sendable (RequestAnswer) -> Operation
    }

    /// Answers some of what is asked.
    ///
    /// - Parameter isIdle: nothing waits to be recorded that can be; nothing has to wait for that, then.
    /// - Returns: whether there is more that can be answered now.
    func answerRequests(_ lease: Lease, isIdle: Bool) async throws -> Bool {
        var hasMore = false
        var left = Self.requestsPerTurn
        for open in mailboxes.next(for: .alarmProcessor, limit: Self.requestsLookedAt) {
            guard left > 0 else { return true }
            do {
                try await answer(open, lease, isIdle)
                left -= 1
            } catch is Unrecorded {
                hasMore = true
            } catch let error as ZooKeeperError where mailboxes.isAbout(open, error) {
                continue
            }
        }
        if state.withLock({ $0.earlierRequestsWaiting }), try await answerEarlierRequests(lease, isIdle) {
            hasMore = true
        }
        return try await mailboxes.discard(lease) || hasMore
    }

    /// - Throws: ``Unrecorded`` when it has to wait for transitions of what is to be removed.
    private func answer(_ open: RequestDesk.Open, _ lease: Lease, _ isIdle: Bool) async throws {
        let answer: RequestAnswer
        switch open.request.body {
        case .impossible(_, _, let mistake):
            answer = mailboxes.answer(.refused, reason: mistake)
        case .alarm(let operation):
            if mailboxes.isExpired(open) {
                answer = mailboxes.answer(.refused, reason: "its time was over before it could be answered")
                break
            }
            let asked = Asked(
                operation: operation, by: try await mailboxes.principal(of: open), path: open.place.path,
                answering: { Mailboxes.operation(answering: open, with: $0) })
            let given = try await self.answer(asked, lease, isIdle)
            return mailboxes.answered(open, with: given)
        case .command, .cancel, .drain: return
        }
        _ = try await lease.guarded([Mailboxes.operation(answering: open, with: answer)])
        mailboxes.answered(open, with: answer)
    }

    /// Does what is asked and answers it, in one transaction.
    private func answer(_ asked: Asked, _ lease: Lease, _ isIdle: Bool) async throws -> RequestAnswer {
        do {
            switch asked.operation.action {
            case .acknowledge: return try await acknowledge(asked, lease)
            case .forget: return try await forget(asked, lease, isIdle)
            }
        } catch let error as ZooKeeperError
            where error.path != asked.path && (error.isRefusalOfNode || error.transactionIndex != nil)
        {
            // Nothing was done, and the recording of alarms must not wait for this request.
            state.withLock { state in
                state.unsettled = []
                // The records are not as this gateway knows them: the next turn looks at them.
                if !error.isRefusalOfNode { state.recordsMayHaveGone = true }
            }
            return try await refuse(asked, "the tree refuses it: \(error)", lease)
        }
    }

    private func refuse(_ asked: Asked, _ reason: String, _ lease: Lease) async throws -> RequestAnswer {
        let answer = mailboxes.answer(.refused, reason: reason)
        _ = try await lease.guarded([asked.answering(answer)])
        return answer
    }

    private func acknowledge(_ asked: Asked, _ lease: Lease) async throws -> RequestAnswer {
        switch acknowledgement(asked, epoch: lease.token) {
        case .success(let proposal):
            let answer = mailboxes.answer(.done)
            try await record([proposal], answering: asked.answering(answer), lease: lease)
            return answer
        case .failure(let refusal): return try await refuse(asked, "\(refusal)", lease)
        }
    }

    private func acknowledgement(_ asked: Asked, epoch: Int64) -> Result<ProposedTransition, AcknowledgementRefusal> {
        let operation = asked.operation
        guard case .alarm(let name, let tagName) = operation.subject, let tag = try? TagPath(tagName) else {
            return .failure(.notFound)
        }
        let alarm = AlarmPath(tag: tag, alarm: name)
        let answer = plant.acknowledge(
            alarm, eventID: operation.eventID, by: asked.by, comment: operation.comment, at: clock.wall(), epoch: epoch)
        // One that is no longer configured stands all the same.
        guard answer == .failure(.notFound), let record = known.record(of: alarm) else { return answer }
        return record.acknowledging(
            eventID: operation.eventID, by: asked.by, comment: operation.comment, at: clock.wall(), epoch: epoch)
    }

    private func forget(_ asked: Asked, _ lease: Lease, _ isIdle: Bool) async throws -> RequestAnswer {
        var attempt = 1
        while true {
            do {
                let removal = try await self.removal(
                    asked: asked.operation, by: asked.by, epoch: lease.token, waits: !isIdle)
                return try await remove(removal, asked, lease)
            } catch let refusal as LivePlant.ForgettingRefusal {
                return try await refuse(asked, "\(refusal)", lease)
            } catch let error as ZooKeeperError
                where attempt < Self.removalAttempts && error.code == .badVersion && error.transactionIndex != nil
                && error.path != asked.path
            {
                // Somebody has written what was to go: it is decided again.
                attempt += 1
            }
        }
    }

    private func remove(_ removal: Removal, _ asked: Asked, _ lease: Lease) async throws -> RequestAnswer {
        let answer = mailboxes.answer(.done, removed: removal.count)
        // Their deletion, of which this gateway's own watch tells, is no loss.
        state.withLock { $0.removing = removal.alarmNodes }
        do {
            try await write(
                removal.commits, removing: removal.operations, answering: asked.answering(answer), lease: lease)
        } catch {
            state.withLock { $0.removing = [] }
            throw error
        }
        await removeEmptyNodes(above: removal)
        return answer
    }

    // MARK: The form of earlier versions

    /// - Returns: whether some of them have to wait.
    private func answerEarlierRequests(_ lease: Lease, _ isIdle: Bool) async throws -> Bool {
        state.withLock { $0.earlierRequestsWaiting = false }
        var isWaiting = false
        do {
            let names = try await client.getChildren(TreeLayout.alarmRequests)
            let paths = names.map { TreeLayout.alarmRequests + "/" + $0 }
            let nodes = try await TreeWalk(client: client).data(of: paths)
            let open = zip(paths, nodes).compactMap { path, node in node.map { (path, $0) } }
                .sorted { $0.1.stat.czxid < $1.1.stat.czxid }
            for (path, node) in open {
                let data = node.data ?? []
                guard let request = AlarmRequest(data: data), !request.isAnswered else { continue }
                let asked = Asked(
                    operation: request.operation, by: Principal(claimed: request.by), path: path,
                    answering: { .setData(path: path, data: AlarmRequest.answering(data, with: $0), version: -1) })
                do {
                    if let mistake = request.operation.mistake ?? Principal.mistake(inName: request.by) {
                        _ = try await refuse(asked, mistake, lease)
                    } else {
                        _ = try await answer(asked, lease, isIdle)
                    }
                } catch is Unrecorded {
                    isWaiting = true
                } catch let error as ZooKeeperError where error.isRefusalOfNode || error.transactionIndex != nil {
                    // Withdrawn, or one that cannot be answered: it must not hold up the others.
                    if error.code != .noNode { failures.failed("\(error)") }
                    state.withLock { $0.unsettled = [] }
                }
            }
        } catch {
            state.withLock { $0.earlierRequestsWaiting = true }
            throw error
        }
        if isWaiting { state.withLock { $0.earlierRequestsWaiting = true } }
        return isWaiting
    }
}
