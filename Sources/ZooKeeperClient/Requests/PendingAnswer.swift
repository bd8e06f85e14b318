import NIOCore
package import ZooKeeperProtocol

/// A request that is on its way: what is started one after the other reaches the server in that order, in one write.
///
/// Dropping it does not take the request back.
package struct PendingAnswer<Value: Sendable>: Sendable {
    fileprivate let call: PendingCall
    private let decode: @Sendable (PendingCall.Reply) throws -> Value

    init(_ call: PendingCall, _ decode: @escaping @Sendable (PendingCall.Reply) throws -> Value) {
        self.call = call
        self.decode = decode
    }

    /// Waits for the answer. To be called once; cancellation ends the wait at once.
    ///
    /// Of several answers under way wait for the last first: when it is here the others are, and the task is woken once.
    package func value() async throws -> Value {
        try decode(try await call.wait())
    }

    /// Has `action` called once with the answer instead, on the event loop or at once: it must be brief.
    package func whenAnswered(_ action: @escaping @Sendable (Result<Value, any Error>) -> Void) {
        let decode = decode
        call.whenSettled { result in action(Result { try decode(try result.get()) }) }
    }
}

/// Requests whose answers are waited for later.
extension ZooKeeperClient {
    private func start<Value: Sendable>(
        _ operation: OperationCode, path: String?, arming: WatchArming? = nil, _ urgency: Submissions.Urgency = .now,
        body: (inout ByteBuffer) -> Void, decode: @escaping @Sendable (PendingCall.Reply) throws -> Value
    ) throws -> PendingAnswer<Value> {
        let answer = try prepare(operation, path: path, arming: arming, body: body, decode: decode)
        core.submit(answer.call, urgency)
        return answer
    }

    /// Makes a request that is yet to be submitted.
    private func prepare<Value: Sendable>(
        _ operation: OperationCode, path: String?, arming: WatchArming? = nil,
        body: (inout ByteBuffer) -> Void, decode: @escaping @Sendable (PendingCall.Reply) throws -> Value
    ) throws -> PendingAnswer<Value> {
        let call = try makeCall(operation, path: path, arming: arming, body: body)
        return PendingAnswer(call) { reply in
            guard reply.error == .ok else { throw ZooKeeperError(code: reply.error, path: path, operation: operation) }
            return try decode(reply)
        }
    }

    /// Starts a create and, behind it in the same write, a listing of the parent.
    package func startCreate(
        _ path: String, data: [UInt8]?, mode: CreateMode, listing parent: String
    ) throws -> (created: PendingAnswer<CreatedNode>, children: PendingAnswer<[String]>) {
        let request = CreateRequest(
            path: try absolute(path, sequential: mode.isSequential, .create2), data: data, acl: ACL.worldAll,
            mode: mode, timeToLiveMilliseconds: 0)
        let chroot = chroot
        let created = try prepare(request.operation, path: path) {
            request.write(into: &$0)
        } decode: { reply -> CreatedNode in
            var body = reply.body
            let response: Create2Response = try Self.decode(&body, path, .create2)
            return CreatedNode(path: chroot.relative(response.path), stat: response.stat)
        }
        let children = try prepareGetChildren(parent)
        core.submit(together: [created.call, children.call])
        return (created, children)
    }

    /// Starts a delete.
    ///
    /// - Parameter isUrgent: False when the next request is likely to follow at once.
    package func startDelete(_ path: String, isUrgent: Bool = true) throws -> PendingAnswer<Void> {
        let request = PathVersionRequest(path: try absolute(path, .delete), version: -1)
        return try start(.delete, path: path, isUrgent ? .now : .soon) {
            request.write(into: &$0)
        } decode: { _ in
        }
    }

    package func startGetChildren(_ path: String) throws -> PendingAnswer<[String]> {
        let answer = try prepareGetChildren(path)
        core.submit(answer.call)
        return answer
    }

    private func prepareGetChildren(_ path: String) throws -> PendingAnswer<[String]> {
        let request = PathWatchRequest(path: try absolute(path, .getChildren), watch: false)
        return try prepare(.getChildren, path: path) {
            request.write(into: &$0)
        } decode: { reply -> [String] in
            var body = reply.body
            let response: StringsResponse = try Self.decode(&body, path, .getChildren)
            return response.strings
        }
    }

    /// The children's names and a watch on them.
    package func startGetChildrenAndWatch(_ path: String) throws -> (PendingAnswer<[String]>, Watch) {
        let watch = Watch(slot: WatchSlot(path: try absolute(path, .getChildren)), chroot: chroot, core: core)
        let request = PathWatchRequest(path: watch.slot.path, watch: true)
        let answer = try start(.getChildren, path: path, arming: .oneShot(.getChildren, watch.slot)) {
            request.write(into: &$0)
        } decode: { reply -> [String] in
            var body = reply.body
            let response: StringsResponse = try Self.decode(&body, path, .getChildren)
            return response.strings
        }
        return (answer, watch)
    }

    package func startGetChildren2(_ path: String) throws -> PendingAnswer<(children: [String], stat: Stat)> {
        let request = PathWatchRequest(path: try absolute(path, .getChildren2), watch: false)
        return try start(.getChildren2, path: path) {
            request.write(into: &$0)
        } decode: { reply in
            var body = reply.body
            let response: GetChildren2Response = try Self.decode(&body, path, .getChildren2)
            return (response.children, response.stat)
        }
    }

    package func startGetData(_ path: String) throws -> PendingAnswer<NodeData> {
        let request = PathWatchRequest(path: try absolute(path, .getData), watch: false)
        return try start(.getData, path: path) {
            request.write(into: &$0)
        } decode: { reply in
            var body = reply.body
            let response: GetDataResponse = try Self.decode(&body, path, .getData)
            return NodeData(data: response.data, stat: response.stat)
        }
    }

    /// Makes a watch on a node that nothing has armed yet.
    package func makeUnarmedWatch(_ path: String) throws -> Watch {
        Watch(slot: WatchSlot(path: try absolute(path, .getData)), chroot: chroot, core: core)
    }

    /// Reads a node and arms `watch`, which was made for this path.
    package func startGetData(_ path: String, arming watch: Watch) throws -> PendingAnswer<NodeData> {
        let answer = try prepareGetData(path, arming: watch)
        core.submit(answer.call)
        return answer
    }

    /// Reads nodes in one write and arms watches, each made for its path.
    package func startGetData(_ nodes: [(path: String, watch: Watch)]) throws -> [PendingAnswer<NodeData>] {
        let answers = try nodes.map { try prepareGetData($0.path, arming: $0.watch) }
        core.submit(together: answers.map(\.call))
        return answers
    }

    private func prepareGetData(_ path: String, arming watch: Watch) throws -> PendingAnswer<NodeData> {
        let request = PathWatchRequest(path: watch.slot.path, watch: true)
        return try prepare(.getData, path: path, arming: .oneShot(.getData, watch.slot)) {
            request.write(into: &$0)
        } decode: { reply -> NodeData in
            var body = reply.body
            let response: GetDataResponse = try Self.decode(&body, path, .getData)
            return NodeData(data: response.data, stat: response.stat)
        }
    }
}

extension Watch {
    /// Ends it as if the event had come: its node was looked for and is not there.
    package func nodeIsGone() {
        slot.fire(.event(WatchEvent(type: .nodeDeleted, path: slot.path, zxid: -1)))
    }
}
