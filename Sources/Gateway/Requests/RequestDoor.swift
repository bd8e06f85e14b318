import MQTT
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// What is asked over MQTT comes in here and becomes a node in the gateways' mailbox.
///
/// Every gateway hears it and tries to create the node; its name makes one of all of them. The responsible gateway answers it
/// there as it answers everything else.
final class RequestDoor: Service, Sendable {
    /// How long a request is tried to be written into a tree that cannot be reached, or that has enough of its requester.
    static let patience = Duration.seconds(3)
    static let retryPause = Duration.milliseconds(100)
    /// Before it is looked again whether a requester's earlier requests have been answered.
    static let look = Duration.milliseconds(5)

    struct State {
        var queue: RequestQueue
        var counters = Counters()
    }

    struct Counters: Sendable, Hashable {
        var heard: UInt64 = 0
        var refused: UInt64 = 0
        /// Nothing is said of them; their requesters ask again under the same id.
        var dropped: UInt64 = 0
    }

    /// What the door asks of the gateway's services.
    struct Hands: Sendable {
        /// Whether this gateway has to answer for that, now.
        let isResponsible: @Sendable (Request.Responsible) -> Bool
        /// Says once more how a command stands, if this gateway owns its device.
        let tellAgain: @Sendable (_ command: String) async -> Void
    }

    private let client: ZooKeeperClient
    private let gateway: String
    private let mailboxes: Mailboxes
    private let replies: RequestReplies
    private let hands: Hands
    private let clock: GatewayClock
    private let outsiders: OutsiderLog
    private let turns = Wake()
    let state: Mutex<State>

    init(
        client: ZooKeeperClient, gateway: String, mailboxes: Mailboxes, replies: RequestReplies, hands: Hands,
        limits: RequestQueue.Limits, clock: GatewayClock, outsiders: OutsiderLog
    ) {
        self.client = client
        self.gateway = gateway
        self.mailboxes = mailboxes
        self.replies = replies
        self.hands = hands
        self.clock = clock
        self.outsiders = outsiders
        state = Mutex(State(queue: RequestQueue(limits: limits)))
    }

    /// A message that asks for something. Retained ones must not be passed: they would be carried out again by everyone who
    /// connects.
    ///
    /// - Parameter principal: whose topic it came on; nil on the topic of earlier versions.
    func offer(topicOf principal: String?, payload: [UInt8], properties: MQTTProperties?) {
        let correlation = properties?.correlationData.map { Array($0.prefix(Request.Reply.correlationLimit)) }
        let message = RequestMessage(
            payload: payload, topicOf: principal,
            reply: properties?.responseTopic.map { Request.Reply(topic: $0, correlation: correlation) },
            receivedAt: clock.wall())
        // What nobody would keep does not wait either.
        let objection =
            payload.count > Request.sizeLimit
            ? "the request is larger than \(Request.sizeLimit) bytes"
            : principal.flatMap(Principal.mistake(inName:))
        if let objection {
            state.withLock { $0.counters.heard &+= 1 }
            return refuse(message, id: nil, device: nil, detail: objection)
        }
        let requester = message.requester ?? ""
        let now = clock.milliseconds
        let verdict = state.withLock { state in
            state.counters.heard &+= 1
            let verdict = state.queue.offer(message, by: requester, at: now)
            if verdict != .taken { state.counters.dropped &+= 1 }
            return verdict
        }
        switch verdict {
        case .taken: return turns.wake()
        case .full:
            outsiders.warning("requests are dropped: too many wait to be written into the tree", ["by": requester])
        case .tooMany: outsiders.warning("requests are dropped: this requester asks too often", ["by": requester])
        }
        mailboxes.noteRefusal(by: requester, reason: RequestDesk.Discard.tooMany.rawValue, detail: nil)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for await _ in self.turns.turns {
                    while let turn = self.state.withLock({ $0.queue.next() }) {
                        group.addTask {
                            await self.take(turn.message)
                            self.state.withLock { $0.queue.finished(turn) }
                            self.turns.wake()
                        }
                    }
                }
            }
        }
    }

    private func take(_ message: RequestMessage) async {
        let request: Request
        do throws(RequestMessage.Refusal) { request = try message.request() } catch {
            return refuse(message, id: error.id, device: error.device, detail: error.detail)
        }
        guard let principal = request.onBehalfOf?.name else { return }
        var asked = request
        asked.by = gateway
        let place = RequestPlace(.mqtt, principal: principal, id: request.id)
        let end = clock.now() + Self.patience
        while !Task.isCancelled {
            // Above the half: the other gateways' may not be seen here yet.
            while mailboxes.count(of: principal) > RequestDesk.openLimit / 2, !Task.isCancelled {
                guard clock.now() < end else { return drop(request) }
                try? await clock.sleep(Self.look)
            }
            do {
                _ = try await client.create(place.path, data: asked.serialized())
                return
            } catch let error as ZooKeeperError where error.code == .nodeExists {
                if (try? await repeated(request, message, at: place)) == true { return }
                guard clock.now() < end else { return unreachable(request, error) }
                try? await clock.sleep(Self.look)
            } catch {
                guard !(error is CancellationError) else { return }
                guard clock.now() < end else { return unreachable(request, error) }
                if let error = error as? ZooKeeperError, error.code == .noNode {
                    try? await client.ensurePath(place.mailbox)
                }
                try? await clock.sleep(Self.retryPause)
            }
        }
    }

    private func unreachable(_ request: Request, _ error: any Error) {
        let cause = (error as? ZooKeeperError).flatMap { $0.isRefusalOfNode || $0.code == .nodeExists ? "\($0)" : nil }
        replies.unreachable(request, gateway: gateway, because: cause)
    }

    /// The tree has enough of its requester, and nobody answers.
    private func drop(_ request: Request) {
        state.withLock { $0.counters.dropped &+= 1 }
        let principal = request.onBehalfOf?.name ?? ""
        outsiders.warning("requests are dropped: earlier ones of this requester are not answered", ["by": principal])
        mailboxes.noteRefusal(by: principal, reason: RequestDesk.Discard.tooMany.rawValue, detail: nil)
    }

    /// Asked before, here or through another gateway. The responsible gateway repeats its answer.
    ///
    /// - Returns: false when the earlier one has gone meanwhile, or is about to.
    private func repeated(_ request: Request, _ message: RequestMessage, at place: RequestPlace) async throws -> Bool {
        let node: NodeData
        do { node = try await client.getData(place.path) } catch let error as ZooKeeperError where error.code == .noNode
        {
            return false
        }
        let data = node.data ?? []
        // What is no request is deleted, and then this one has its turn.
        guard let earlier = try? Request(parsing: data, at: place) else { return false }
        guard request.repeats(earlier) else {
            refuse(
                message, id: request.id, device: nil, responsible: earlier.responsible,
                detail: "the id \(request.id) stands for another request already")
            return true
        }
        guard let answer = earlier.answer, hands.isResponsible(earlier.responsible) else { return true }
        if let command = earlier.commandID, answer.result == .done { await hands.tellAgain(command) }
        var again = earlier
        // Where it is wanted this time.
        again.reply = request.reply
        replies.answered(
            .init(
                place: place, request: again, data: data, created: node.stat.ctime, czxid: node.stat.czxid),
            with: answer)
        return true
    }

    /// All gateways hear a message that cannot become a request. The responsible one answers; where nothing says which one
    /// that is, the owner of shard 0.
    private func refuse(
        _ message: RequestMessage, id: String?, device: TagPath?, responsible: Request.Responsible? = nil,
        detail: String
    ) {
        let responsible = responsible ?? .shardOwner(device.map(ShardMap.shard(of:)) ?? 0)
        guard hands.isResponsible(responsible) else { return }
        state.withLock { $0.counters.refused &+= 1 }
        mailboxes.noteRefusal(by: message.requester, reason: CommandReason.invalid.rawValue, detail: detail)
        outsiders.info("request refused", ["request": id ?? "", "detail": detail])
        replies.rejected(
            id: id, detail: detail, to: message.reply, earlierForm: message.topicOf == nil,
            principal: message.requester ?? "")
    }

    /// Counters by name, for the gateway's status.
    var numbers: [(name: String, value: UInt64)] {
        let counters = state.withLock { $0.counters }
        return [
            ("commandRequests", counters.heard), ("commandRequestsRefused", counters.refused),
            ("commandRequestsDropped", counters.dropped), ("commandRepliesRefused", replies.refused),
        ]
    }
}
