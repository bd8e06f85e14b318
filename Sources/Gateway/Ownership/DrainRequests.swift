import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperProtocol

/// Answers what is asked of this gateway itself: to hand its work over, and to take its share again.
///
/// Answer and journal entry are one transaction, without a lease: nobody owns anything by it, and only the process that holds
/// this gateway's name answers. The wish counts once that transaction stands, and for as long as the process lives.
struct DrainRequests: Service {
    /// After an answer that could not be written, or while another process holds the name.
    static let retryPause = Duration.milliseconds(500)

    /// What the wishes are carried out with.
    struct Hands: Sendable {
        var holdsName: @Sendable () -> Bool
        var isDraining: @Sendable () -> Bool
        /// Whether its process is being stopped, so that it cannot stay.
        var isStopping: @Sendable () -> Bool
        var leave: @Sendable () -> Void
        var stay: @Sendable () -> Void
        /// Writes all of it or nothing.
        var transact: @Sendable ([Operation]) async throws -> Void
    }

    let client: ZooKeeperClient
    let gateway: String
    let mailboxes: Mailboxes
    let hands: Hands
    /// Turned when there may be something to answer.
    let turns: Wake
    let clock: GatewayClock
    let outsiders: OutsiderLog

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in turns.turns {
                while !Task.isCancelled, let open = mailboxes.next(for: .gateway(gateway), limit: 1).first {
                    guard hands.holdsName() else {
                        try? await clock.sleep(Self.retryPause)
                        continue
                    }
                    await answer(open)
                }
            }
        }
    }

    private func answer(_ open: RequestDesk.Open) async {
        do {
            try await carryOut(open)
        } catch let error as ZooKeeperError where mailboxes.isAbout(open, error) {
            return
        } catch {
            if error is CancellationError { return }
            outsiders.warning(
                "what this gateway was asked for cannot be answered",
                ["request": open.place.path, "error": "\(error)"])
            if let error = error as? ZooKeeperError, error.code == .noNode {
                try? await client.ensurePath(TreeLayout.journal)
            }
            try? await clock.sleep(Self.retryPause)
        }
    }

    private func carryOut(_ open: RequestDesk.Open) async throws {
        guard case .drain(let order) = open.request.body else {
            return try await write([], mailboxes.answer(.refused, reason: "no gateway is asked for that"), open)
        }
        guard !mailboxes.isExpired(open) else {
            let reason = "its time was over before it could be answered"
            return try await write([], mailboxes.answer(.refused, reason: reason), open)
        }
        if order.undo, hands.isStopping() {
            return try await write([], mailboxes.answer(.refused, reason: "it is being stopped"), open)
        }
        // Nothing changes: nothing for the journal, which anybody could fill otherwise.
        if hands.isDraining() != order.undo { return try await write([], mailboxes.answer(.done), open) }
        let by = try await mailboxes.principal(of: open)
        let entry = JournalEntry(order, at: clock.wall(), by: by, gateway: gateway)
        try await write([entry.appending], mailboxes.answer(.done), open)
        order.undo ? hands.stay() : hands.leave()
    }

    /// Returns once the answer stands.
    private func write(_ operations: [Operation], _ answer: RequestAnswer, _ open: RequestDesk.Open) async throws {
        do {
            try await hands.transact(operations + [Mailboxes.operation(answering: open, with: answer)])
        } catch let error as ZooKeeperError where error.transactionIndex == nil {
            // Whether it went through is open until somebody has looked.
            guard await stands(answer, at: open.place) else { throw error }
        }
        mailboxes.answered(open, with: answer)
    }

    /// Whether that answer stands in the tree, or has stood there: a requester deletes its request once it has read the answer,
    /// and goes by it. One that withdrew it in just that moment has its wish carried out all the same: orders may be carried
    /// out twice, status shows them, and one that was answered `done` and is not carried out would be worse.
    private func stands(_ answer: RequestAnswer, at place: RequestPlace) async -> Bool {
        while !Task.isCancelled {
            do {
                let data = try await client.getData(place.path).data ?? []
                return (try? Request(parsing: data, at: place))?.answer == answer
            } catch let error as ZooKeeperError where error.code == .noNode {
                return true
            } catch {
                try? await clock.sleep(Self.retryPause)
            }
        }
        return false
    }
}
