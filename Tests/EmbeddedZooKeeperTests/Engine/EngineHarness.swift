import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// An engine with a clock that stands still and a disk that stores when told to.
final class EngineHarness {
    private(set) var engine: Engine
    var now = Now(instant: Instant(nanoseconds: 1_000_000_000_000), wallMilliseconds: 1_800_000_000_000)
    var disk = MemoryDisk()
    private var xid: Int32 = 0
    private var clientCount: UInt64 = 0

    init(disk: MemoryDisk = MemoryDisk(), settings: Engine.Settings = .init()) throws {
        self.disk = disk
        engine = try Engine(recovered: try self.disk.recover(), settings: settings, now: now)
        #expect(engine.statistics.digestMismatches == 0)
    }

    /// What a power cut and a restart leave.
    func restarted(settings: Engine.Settings? = nil) throws -> EngineHarness {
        try EngineHarness(disk: disk, settings: settings ?? engine.settings)
    }

    func pass(milliseconds: Int64) {
        now.instant = now.instant.advanced(byMilliseconds: milliseconds)
        now.wallMilliseconds += milliseconds
    }

    /// Lets time pass in steps, as a running server does.
    func run(milliseconds: Int64) {
        var left = milliseconds
        while left > 0 {
            let step = min(left, 50)
            pass(milliseconds: step)
            engine.tick(now: now)
            settle()
            left -= step
        }
    }

    /// Stores until there is nothing left to store.
    func settle() {
        while storeOne() {}
    }

    @discardableResult
    func storeOne() -> Bool {
        guard let batch = engine.takeBatch(now: now) else { return false }
        disk.store(batch)
        engine.batchStored(batch.number, now: now)
        return true
    }

    /// Begins a checkpoint, or goes on with the one that has begun.
    func stepCheckpoint() {
        guard engine.isCheckpointing else {
            disk.take(.begin(CheckpointPace()))
            engine.beginCheckpoint()
            return
        }
        guard let step = engine.nextCheckpointStep() else { return }
        disk.take(step)
        if case .seal = step { engine.endCheckpoint() }
    }

    func open(address: String = "10.0.0.1") -> EngineClient {
        clientCount += 1
        return EngineClient(self, engine.accept(address: address, number: clientCount))
    }

    /// A connection with a new session.
    func connected(address: String = "10.0.0.1", timeout: Int32 = 10_000) throws -> EngineClient {
        let client = open(address: address)
        let response = try #require(try client.connect(ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: timeout)))
        #expect(response.timeoutMilliseconds > 0)
        return client
    }

    func nextXid() -> Int32 {
        xid += 1
        return xid
    }
}

/// A reply or an event as a client sees it.
enum Received: Equatable, CustomStringConvertible {
    case reply(ReplyHeader, [UInt8])
    case event(WatchEvent)

    var description: String {
        switch self {
        case .reply(let header, _): "reply \(header.xid) \(header.error)"
        case .event(let event): "event \(event.type) \(event.path)"
        }
    }
}

/// The client's end of a connection to an engine.
final class EngineClient {
    let harness: EngineHarness
    let client: Client
    private(set) var response: ConnectResponse?

    init(_ harness: EngineHarness, _ client: Client) {
        self.harness = harness
        self.client = client
    }

    func connect(_ request: ConnectRequest, settle: Bool = true) throws -> ConnectResponse? {
        var frame = ByteBuffer()
        request.write(into: &frame)
        harness.engine.receive(&frame, from: client, now: harness.now)
        if settle { harness.settle() }
        guard var reply = try Frame.decode(from: &client.ready) else { return nil }
        let response = try ConnectResponse(from: &reply)
        self.response = response
        return response
    }

    @discardableResult
    func send(_ operation: OperationCode, xid: Int32? = nil, _ body: (any Record)? = nil) -> Int32 {
        let xid = xid ?? harness.nextXid()
        var frame = ByteBuffer()
        RequestHeader(xid: xid, operation: operation).write(into: &frame)
        body?.write(into: &frame)
        harness.engine.receive(&frame, from: client, now: harness.now)
        return xid
    }

    /// Everything that has been let go since the last time.
    func received() throws -> [Received] {
        var all: [Received] = []
        while var frame = try Frame.decode(from: &client.ready) {
            let header = try ReplyHeader(from: &frame)
            if header.xid == ReservedXid.watchEvent {
                all.append(.event(try WatchEvent(from: &frame, zxid: header.zxid)))
            } else {
                all.append(.reply(header, Array(frame.readableBytesView)))
            }
        }
        return all
    }

    func events() throws -> [String] {
        harness.settle()
        return try received().compactMap {
            if case .event(let event) = $0 { return "\(event.type) \(event.path)" }
            return nil
        }
    }

    /// Sends, stores, and reads the reply's body; an error in the reply is thrown as its code.
    func call<Response: Record>(_ operation: OperationCode, _ body: any Record, as: Response.Type) throws -> Response {
        var bytes = try call(operation, body)
        return try Response(from: &bytes)
    }

    @discardableResult
    func call(_ operation: OperationCode, _ body: (any Record)? = nil, xid: Int32? = nil) throws -> ByteBuffer {
        let xid = send(operation, xid: xid, body)
        harness.settle()
        let all = try received()
        guard case .reply(let header, let bytes)? = all.last else {
            Issue.record("no reply to \(operation): \(all)")
            throw ErrorCode.connectionLoss
        }
        #expect(header.xid == xid)
        if header.error != .ok { throw header.error }
        return ByteBuffer(bytes: bytes)
    }

    // MARK: The usual requests

    @discardableResult
    func create(
        _ path: String, _ data: [UInt8]? = [], acl: [ACL] = ACL.worldAll, mode: CreateMode = .persistent,
        ttl: Int64 = 0
    ) throws -> Create2Response {
        let request = CreateRequest(path: path, data: data, acl: acl, mode: mode, timeToLiveMilliseconds: ttl)
        return try call(request.operation, request, as: Create2Response.self)
    }

    func delete(_ path: String, version: Int32 = -1) throws {
        try call(.delete, PathVersionRequest(path: path, version: version))
    }

    @discardableResult
    func set(_ path: String, _ data: [UInt8]?, version: Int32 = -1) throws -> Stat {
        try call(.setData, SetDataRequest(path: path, data: data, version: version), as: Stat.self)
    }

    func get(_ path: String, watch: Bool = false) throws -> GetDataResponse {
        try call(.getData, PathWatchRequest(path: path, watch: watch), as: GetDataResponse.self)
    }

    func stat(_ path: String, watch: Bool = false) throws -> Stat {
        try call(.exists, PathWatchRequest(path: path, watch: watch), as: Stat.self)
    }

    func children(_ path: String, watch: Bool = false) throws -> [String] {
        try call(.getChildren, PathWatchRequest(path: path, watch: watch), as: StringsResponse.self).strings.sorted()
    }

    func multi(_ operations: [ZooKeeperProtocol.Operation]) throws -> [OperationResult] {
        try call(.multi, MultiRequest(operations), as: MultiResponse.self).results
    }

    func addWatch(_ path: String, _ mode: AddWatchMode) throws {
        let response = try call(.addWatch, AddWatchRequest(path: path, mode: mode), as: IntResponse.self)
        #expect(response.value == 0)
    }

    func authenticate(_ userAndPassword: String) throws {
        try call(
            .auth, AuthPacket(scheme: "digest", auth: Array(userAndPassword.utf8)), xid: ReservedXid.auth)
    }
}

/// What a disk would hold: a checkpoint and the batches since it began.
struct MemoryDisk {
    private struct Checkpoint {
        var logStart: Int
        var nodes: [ByteBuffer] = []
        var sessions: [ByteBuffer] = []
        var seal: CheckpointSeal?
    }

    private(set) var log: [StorageBatch] = []
    private var checkpoint: Checkpoint?
    private var unfinished: Checkpoint?
    private var startZxid: Int64 = 0

    mutating func store(_ batch: StorageBatch) {
        log.append(batch)
    }

    mutating func take(_ step: CheckpointStep) {
        switch step {
        case .begin: unfinished = Checkpoint(logStart: log.count)
        case .nodes(let block): unfinished?.nodes.append(block)
        case .sessions(let block): unfinished?.sessions.append(block)
        case .seal(let seal):
            checkpoint = unfinished
            checkpoint?.seal = seal
            unfinished = nil
        case .abandon: unfinished = nil
        }
    }

    mutating func recover() throws -> RecoveredState {
        unfinished = nil
        var state = RecoveredState()
        for var block in checkpoint?.nodes ?? [] {
            while block.readableBytes > 0 {
                let (path, node) = try NodeRecord.read(from: &block)
                state.nodes[PathKey(path)] = node
            }
        }
        for var block in checkpoint?.sessions ?? [] {
            while let (id, timeout) = block.readMultipleIntegers(as: (Int64, Int32).self) {
                state.sessions[id] = timeout
            }
        }
        let start = checkpoint?.logStart ?? 0
        state.maximumSessionID = checkpoint?.seal?.maximumSessionID ?? 0
        var previous = start == 0 ? 0 : log[start - 1].lastZxid
        for batch in log[start...] {
            try state.replay(batch.log, from: previous, through: batch.lastZxid)
            previous = batch.lastZxid
        }
        state.lastZxid = previous
        #expect(previous >= checkpoint?.seal?.endZxid ?? 0)
        state.secret = [1, 2, 3]
        startZxid = max(startZxid + 1 << 32, state.lastZxid + 1)
        state.startZxid = startZxid
        return state
    }
}
