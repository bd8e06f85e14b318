import NIOCore
import ZooKeeperProtocol

/// A connection as the engine sees it: who it is, what it watches, and what it is owed.
///
/// Confined to the engine's thread. Output that tells of a change which is not on disk yet waits in ``gated`` until the
/// batch with that change is; see ``Engine``.
final class Client: Hashable {
    enum Phase {
        /// Waiting for the connect request.
        case awaitingHandshake
        case connected
        /// Nothing more is read; closed when everything owed has been sent.
        case closing
        /// Nothing more is read or sent.
        case aborted
    }

    let number: UInt64
    /// The peer's address, without port.
    let address: String
    var port = 0
    /// When it was opened, in milliseconds since 1970 UTC.
    var established: Int64 = 0
    var phase = Phase.awaitingHandshake
    var session: Session?
    var identities: [Identity]
    /// The SASL exchange under way, or the one that is over: there is one a connection.
    var saslExchange: DigestMD5Server?
    /// Whether the server does not read from it, because it cannot keep up itself.
    var isHeldBack = false
    /// What may leave now.
    var ready = ByteBuffer()
    /// How much left the last time, within bounds: as much room is made when there is something again. A connection that
    /// only waits keeps none.
    private var expectedOutput = 0
    /// What may leave once the batch of that number is on disk, oldest first. At most two: the batch being written and
    /// the one being filled.
    private(set) var gated: [(batch: UInt64, bytes: ByteBuffer)] = []
    private(set) var gatedBytes = 0
    /// Answers that wait in ``gated``.
    private(set) var gatedAnswers = 0
    /// The batch that holds the creation of the session; nothing may leave before its connect response does.
    var handshakeBatch: UInt64 = 0
    /// Whether the connection is on the engine's list of those with something to send.
    var isTouched = false
    /// Whether it is on the engine's list of those with something in ``gated``.
    var isWaiting = false

    var dataWatches: Set<PathKey> = []
    var childWatches: Set<PathKey> = []
    var persistentWatches: Set<PathKey> = []
    var recursiveWatches: Set<PathKey> = []

    // What `cons` tells.
    var received: UInt64 = 0
    var sent: UInt64 = 0
    var latency = LatencySummary()
    /// The raw type of the last request.
    var lastOperation: Int32?
    var lastXid: Int32 = -1
    var lastZxid: Int64 = -1
    var lastAnswer: Int64 = 0

    init(number: UInt64, address: String) {
        self.number = number
        self.address = address
        identities = [.address(address)]
    }

    var watchCount: Int {
        dataWatches.count + childWatches.count + persistentWatches.count + recursiveWatches.count
    }

    /// Every path that it watches, once.
    var watchedPaths: Set<PathKey> {
        dataWatches.union(childWatches).union(persistentWatches).union(recursiveWatches)
    }

    var isSuperuser: Bool { identities.contains(.superuser) }

    /// The buffer that output of this moment belongs to.
    ///
    /// - Parameters:
    ///   - gate: The newest batch that the output may tell of.
    ///   - durable: The newest batch that is on disk.
    func write(gate: UInt64, durable: UInt64, _ body: (inout ByteBuffer) -> Void) {
        guard phase != .aborted else { return }
        sent &+= 1
        if gate <= durable, gated.isEmpty {
            makeRoom()
            body(&ready)
            return
        }
        gatedAnswers += 1
        let last = gated.count - 1
        if last >= 0, gated[last].batch == gate {
            let before = gated[last].bytes.writerIndex
            body(&gated[last].bytes)
            gatedBytes += gated[last].bytes.writerIndex - before
        } else {
            var bytes = ByteBuffer()
            body(&bytes)
            gatedBytes += bytes.readableBytes
            gated.append((gate, bytes))
        }
    }

    /// Makes room in ``ready`` before the first byte of a turn, rather than by and by.
    func makeRoom() {
        if ready.capacity == 0 { ready.reserveCapacity(expectedOutput) }
    }

    /// Takes everything that may leave now.
    func takeReady() -> ByteBuffer {
        let bytes = ready
        expectedOutput = min(bytes.readableBytes, 16 << 10)
        ready = ByteBuffer()
        return bytes
    }

    /// Lets go what waited for batches up to `durable`.
    ///
    /// - Returns: Whether there is something to send now.
    func release(durable: UInt64) -> Bool {
        while let first = gated.first, first.batch <= durable {
            var bytes = first.bytes
            gatedBytes -= bytes.readableBytes
            if ready.readableBytes == 0 { ready = bytes } else { ready.writeBuffer(&bytes) }
            gated.removeFirst()
        }
        if gated.isEmpty { gatedAnswers = 0 }
        return ready.readableBytes > 0 || phase == .closing
    }

    /// Drops everything owed: the changes that it tells of were lost.
    func abort() {
        phase = .aborted
        ready.clear()
        gated = []
        gatedBytes = 0
        gatedAnswers = 0
    }

    static func == (left: Client, right: Client) -> Bool { left === right }

    func hash(into hasher: inout Hasher) { hasher.combine(number) }
}
