import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// The engine and its log on a disk that is made to fail, under schedules that follow from a seed.
///
/// What must hold, always: no acknowledged change is lost; nothing is told to anybody that a loss of power could still
/// undo; what comes back is exactly the state after some transaction, sessions and ephemeral nodes included; zxids grow
/// across starts; a flipped bit and a file that was cut short are refused or do no harm; a full disk keeps nobody from
/// starting.
@Suite struct SimulationTests {
    @Test(arguments: 0..<16) func nothingAcknowledgedIsLost(group: UInt64) throws {
        for index in 0..<125 as Range<UInt64> {
            var simulation = Simulation(seed: group &* 1000 &+ index)
            let violation = simulation.run(steps: 60)
            #expect(violation == nil, "seed \(group &* 1000 &+ index): \(violation ?? "")")
            if violation != nil { return }
        }
    }

    /// Faults that must not go unnoticed; if one did, the simulation would prove nothing.
    @Test(
        arguments: [
            Simulation.Fault.lyingDisk, .lyingDirectory, .earlyAnswers, .earlySeal, .hastyStart, .credulousStart,
        ])
    func plantedFaultsAreFound(_ fault: Simulation.Fault) {
        let found = (0..<3000 as Range<UInt64>).lazy.compactMap { seed -> String? in
            var simulation = Simulation(seed: seed, fault: fault)
            return simulation.run(steps: 60)
        }.first
        #expect(found != nil, "\(fault) was not noticed")
    }
}

/// One schedule.
struct Simulation {
    enum Fault: Sendable {
        /// The disk says that it has synchronised, and has not.
        case lyingDisk
        /// The disk forgets names.
        case lyingDirectory
        /// Answers leave before the batch is durable.
        case earlyAnswers
        /// A checkpoint counts before the log up to its end is durable.
        case earlySeal
        /// A start tells what it has read before that is durable.
        case hastyStart
        /// A start takes what it has read for durable once a synchronisation succeeds, although one had failed before.
        case credulousStart
    }

    private struct Violation: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// Everything that must come back.
    private struct Moment: Equatable {
        var nodes: [PathKey: NodeState]
        var sessions: [Int64: Int32]

        func difference(from other: Moment) -> String {
            let different = Set(nodes.keys).union(other.nodes.keys).filter { nodes[$0] != other.nodes[$0] }.map {
                "\($0.string) is \(String(describing: nodes[$0])), was \(String(describing: other.nodes[$0]))"
            }
            return (different + ["sessions \(sessions), were \(other.sessions)"]).joined(separator: "; ")
        }
    }

    private static let directory = "/tree"

    private let fault: Fault?
    private let disk: SimulatedDisk
    private var random: SeededRandom
    private var log: TreeLog
    private var checkpoint: CheckpointWriter
    private var engine: Engine
    private var now = Now(instant: Instant(nanoseconds: 1_000_000_000), wallMilliseconds: 1_800_000_000_000)
    private var clients: [Client] = []
    private var clientCount: UInt64 = 0
    /// Who has had its connect response.
    private var greeted: Set<UInt64> = []
    private var xid: Int32 = 0
    private var inFlight: StorageBatch?
    /// The state after each transaction.
    private var history: [Int64: Moment] = [:]
    /// The newest transaction that anybody was told of, and that the disk has confirmed.
    private var told: Int64 = 0
    private var confirmed: Int64 = 0
    /// What the last start began with; clients are told of it without any transaction.
    private var lastStart: Int64 = 0
    /// The newest transaction that the last start found. Whoever is answered may know of it.
    private var found: Int64 = 0
    private var isFull = false

    init(seed: UInt64, fault: Fault? = nil) {
        self.fault = fault
        random = SeededRandom(seed: seed)
        let lie: SimulatedDisk.Lie? =
            switch fault {
            case .lyingDisk: .synchronizing
            case .lyingDirectory: .synchronizingDirectories
            case .hastyStart: .synchronizingWhatWasThere
            case .credulousStart: .writingWhatWasThere
            case .earlyAnswers, .earlySeal, nil: nil
            }
        disk = SimulatedDisk(seed: seed ^ 0xD15C, lie: lie)
        log = Self.makeLog(disk)
        checkpoint = CheckpointWriter(fileSystem: disk, directory: Self.directory)
        engine = Self.emptyEngine(now)
    }

    private static func makeLog(_ disk: SimulatedDisk) -> TreeLog {
        var options = TreeLog.Options()
        options.segmentBytes = 12 << 10
        return TreeLog(fileSystem: disk, directory: directory, options: options)
    }

    private static func emptyEngine(_ now: Now) -> Engine {
        guard let engine = try? Engine(recovered: RecoveredState(), settings: settings, now: now) else {
            preconditionFailure("an engine without a state cannot be made")
        }
        return engine
    }

    private static let settings = {
        var settings = Engine.Settings()
        settings.checkpointStepNodes = 4
        return settings
    }()

    /// - Returns: What was violated.
    mutating func run(steps: Int) -> String? {
        do {
            try start()
            for _ in 0..<steps { try step() }
            try restart()
            return nil
        } catch let violation as Violation {
            return violation.text
        } catch {
            return "unexpected: \(error)"
        }
    }

    // MARK: Steps

    private mutating func step() throws {
        now.instant.nanoseconds += 1_000_000
        now.wallMilliseconds += Int64.random(in: -1...3, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: request()
        case 45..<57: inFlight = inFlight ?? engine.takeBatch(now: now)
        case 57..<72: try storeBatch()
        case 72..<86: try stepCheckpoint()
        case 86..<89:
            try? log.pool.prepare()
            if Bool.random(using: &random) { _ = try? log.pool.writeZerosAhead() }
        case 89: disk.failNextWrite()
        case 90: disk.failNextSynchronization()
        case 91:
            isFull.toggle()
            disk.setFull(isFull)
        case 92: disk.end(.powerCut, afterOperations: Int.random(in: 0..<12, using: &random))
        case 93: disk.end(.kill, afterOperations: Int.random(in: 0..<12, using: &random))
        case 94:
            log.close()
            try restart()
        case 95: try restart()
        case 96: try restart(after: .kill)
        case 97:
            now.instant.nanoseconds += Int64.random(in: 0..<8_000_000_000, using: &random)
            engine.tick(now: now)
            note()
        default: connect()
        }
        if fault == .earlyAnswers, let inFlight {
            confirmedByNobody(inFlight)
        }
        (engine.storageAllowance, engine.storageReserve) = (log.report.allowance, log.report.reserve)
        try listen()
    }

    private mutating func request() {
        guard let client = clients.randomElement(using: &random), client.phase == .connected else { return connect() }
        let names = ["a", "b", "c"]
        var path = ""
        for _ in 0...Int.random(in: 0...1, using: &random) {
            path += "/" + (names.randomElement(using: &random) ?? "a")
        }
        let size = Int.random(in: 0..<10, using: &random) == 0 ? 2500 : 20
        let data = [UInt8](repeating: UInt8.random(in: 1...255, using: &random), count: size)
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<3:
            let mode = CreateMode.allCases[Int.random(in: 0...4, using: &random)]
            send(.create2, CreateRequest(path: path, data: data, mode: mode), client)
        case 3, 4: send(.delete, PathVersionRequest(path: path, version: -1), client)
        case 5, 6: send(.setData, SetDataRequest(path: path, data: data, version: -1), client)
        case 7: send(.setACL, SetACLRequest(path: path, acl: ACL.worldAll + ACL.worldRead, version: -1), client)
        case 8:
            send(.multi, MultiRequest([.create(path: path, data: data), .setData(path: "/a", data: data)]), client)
        case 9: send(.closeSession, nil, client)
        default: send(.getData, PathWatchRequest(path: path, watch: true), client)
        }
    }

    private mutating func send(_ operation: OperationCode, _ body: (any Record)?, _ client: Client) {
        xid += 1
        var frame = ByteBuffer()
        RequestHeader(xid: xid, operation: operation).write(into: &frame)
        body?.write(into: &frame)
        engine.receive(&frame, from: client, now: now)
        note()
    }

    private mutating func connect() {
        guard clients.count < 4 else { return }
        clientCount += 1
        let client = engine.accept(address: "10.0.0.1", number: clientCount)
        var frame = ByteBuffer()
        ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: 5000).write(into: &frame)
        engine.receive(&frame, from: client, now: now)
        clients.append(client)
        note()
    }

    /// Remembers the state after the newest transaction.
    private mutating func note() {
        guard engine.lastLoggedZxid > 0, history[engine.lastLoggedZxid] == nil else { return }
        history[engine.lastLoggedZxid] = moment
    }

    private var moment: Moment {
        Moment(
            nodes: engine.tree.nodes.mapValues(\.state), sessions: engine.sessions.mapValues(\.timeoutMilliseconds))
    }

    private mutating func storeBatch() throws {
        guard let batch = inFlight else { return }
        inFlight = nil
        do {
            try log.append(batch)
        } catch {
            return try reopen()
        }
        confirmed = max(confirmed, batch.lastZxid)
        engine.batchStored(batch.number, now: now)
    }

    private mutating func confirmedByNobody(_ batch: StorageBatch) {
        engine.batchStored(batch.number, now: now)
    }

    private mutating func stepCheckpoint() throws {
        do {
            guard engine.isCheckpointing else {
                guard let start = log.checkpointBegins() else { return }
                try checkpoint.begin(at: start, secret: log.secret)
                engine.beginCheckpoint()
                return
            }
            if fault == .earlySeal, let (seal, _) = engine.capture?.seal {
                engine.capture?.seal = (seal, batch: 0)
            }
            switch engine.nextCheckpointStep() {
            case .nodes(let block)?: try checkpoint.add(.nodes, block)
            case .sessions(let block)?: try checkpoint.add(.sessions, block)
            case .seal(let seal)?:
                engine.endCheckpoint()
                let (name, start, size) = try checkpoint.seal(seal)
                let limit = log.spareLimit
                let obsolete = log.checkpointSealed(as: name, start: start)
                for name in obsolete.names { try checkpoint.retire(name, size: size) }
                for segment in obsolete.segments { try log.pool.recycle(segment: segment, limit: limit) }
            default: break
            }
        } catch is StorageError {
            checkpoint.abandon()
            engine.endCheckpoint()
        }
    }

    // MARK: What clients hear

    private mutating func listen() throws {
        for client in engine.takeTouched() {
            while var frame = try Frame.decode(from: &client.ready) {
                told = max(told, found)
                if greeted.insert(client.number).inserted {
                    _ = try ConnectResponse(from: &frame)
                    guard let session = client.session?.id else { continue }
                    let creation = history.filter { $0.value.sessions[session] != nil }.keys.min() ?? 0
                    try hear(creation, "a new session")
                    continue
                }
                let header = try ReplyHeader(from: &frame)
                if header.zxid <= engine.lastLoggedZxid { try hear(header.zxid, "a reply") }
            }
            if client.phase != .connected { clients.removeAll { $0 === client } }
        }
    }

    private mutating func hear(_ zxid: Int64, _ what: String) throws {
        guard zxid <= confirmed else {
            throw Violation("\(what) tells of \(hex(zxid)), but only \(hex(confirmed)) is durable")
        }
        told = max(told, zxid)
    }

    // MARK: Starts

    private mutating func start() throws {
        try recover { try $0.open(wallMilliseconds: $1) }
    }

    /// The power is cut or the process killed, unless that has happened already, and everything begins anew from the disk;
    /// which may come to the next end before long, perhaps while it starts.
    private mutating func restart(after end: SimulatedDisk.End = .powerCut) throws {
        disk.restart(after: end)
        if end == .kill, Bool.random(using: &random) {
            disk.end(.powerCut, afterOperations: Int.random(in: 0..<80, using: &random))
        }
        forgetClients()
        log = Self.makeLog(disk)
        checkpoint = CheckpointWriter(fileSystem: disk, directory: Self.directory)
        if fault == nil, end == .powerCut, let undo = spoil() {
            var flipped = Self.makeLog(disk)
            do {
                _ = try flipped.open(wallMilliseconds: now.wallMilliseconds)
                log = Self.makeLog(disk)
            } catch is RecoveryError {
                undo()
            } catch let error as StorageError where error.isOutOfSpace {
                undo()
            }
        }
        try start()
    }

    /// Does something to the files that the server has to notice.
    ///
    /// - Returns: What undoes it.
    private mutating func spoil() -> (@Sendable () -> Void)? {
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: disk.flipBit(ofFilesNamed: ["log-", "checkpoint-"])
        // On a full disk it might be needed whole.
        case 2 where !isFull: disk.cutShort(aFileNamed: "log-")
        default: nil
        }
    }

    /// Something failed while the server ran: the engine is built anew from what is durable.
    private mutating func reopen() throws {
        forgetClients()
        checkpoint.abandon()
        try start()
    }

    private mutating func forgetClients() {
        for client in clients { engine.disconnect(client) }
        clients = []
        inFlight = nil
    }

    private mutating func recover(_ open: (inout TreeLog, Int64) throws -> RecoveredState) throws {
        var attempts = 0
        while true {
            do {
                let state = try open(&log, now.wallMilliseconds)
                try check(state)
                return
            } catch let error as RecoveryError {
                throw Violation("refused: \(error)")
            } catch let error as StorageError {
                attempts += 1
                if isFull, error.isOutOfSpace, lastStart > 0 {
                    throw Violation("a full disk keeps it from starting: \(error)")
                }
                if attempts > 5 { throw Violation("cannot start: \(error)") }
                // A crash while starting, or a fault that has passed.
                disk.restart()
                if error.isOutOfSpace {
                    isFull = false
                    disk.setFull(false)
                }
                log = Self.makeLog(disk)
            }
        }
    }

    private mutating func check(_ state: RecoveredState) throws {
        guard state.lastZxid >= told else {
            throw Violation("acknowledged \(hex(told)), but only \(hex(state.lastZxid)) came back")
        }
        guard state.startZxid > max(told, lastStart), state.startZxid < 1 << 53 else {
            throw Violation("the start begins at \(hex(state.startZxid)), after \(hex(max(told, lastStart))) was told")
        }
        lastStart = state.startZxid
        found = state.lastZxid
        do {
            engine = try Engine(recovered: state, settings: Self.settings, now: now)
        } catch {
            throw Violation("what came back does not fit together: \(error)")
        }
        guard engine.statistics.digestMismatches == 0 else {
            throw Violation("what came back at \(hex(state.lastZxid)) does not add up to what was written")
        }
        // What was not acknowledged and did not come back never was; what did, stays.
        history = history.filter { $0.key <= state.lastZxid }
        confirmed = state.lastZxid
        guard state.lastZxid > 0 else { return }
        guard let expected = history[state.lastZxid] else {
            throw Violation("\(hex(state.lastZxid)) came back, which never was")
        }
        guard moment == expected else {
            throw Violation(
                "the state at \(hex(state.lastZxid)) is not what it was: \(moment.difference(from: expected))")
        }
    }
}
