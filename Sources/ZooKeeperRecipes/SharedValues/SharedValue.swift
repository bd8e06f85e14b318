public import ZooKeeperClient
import ZooKeeperProtocol

/// A value that several processes change, one at a time: nobody overwrites what it has not seen.
///
/// A change counts only if the value is still the one that was read. The node's version alone would not tell: a node that
/// was deleted and made again begins with the same versions (ABA). So beside the value stands a child whose name is
/// drawn anew for every incarnation, and each change demands that this child is still there. It also holds who changed
/// the value last, so that a change whose answer was lost is found again and not made twice.
///
/// The node's data is the plain value; other programs may read it, and write it with a version.
public struct SharedValue: Sendable {
    /// The value as it was read.
    public struct Reading: Sendable, Hashable {
        /// The data; empty when there was no node.
        public let value: [UInt8]
        /// When the node was made: the incarnation of the value.
        public let czxid: Int64
        /// When the value was last changed.
        public let mzxid: Int64
        /// How often it has been changed since it was made.
        public let version: Int32
        let incarnation: String
    }

    private static let prefix = "i-"
    private let client: ZooKeeperClient
    private let path: String
    private let initial: [UInt8]

    /// Describes a value.
    ///
    /// - Parameters:
    ///   - path: The node; made with `initial` when it is missing.
    public init(client: ZooKeeperClient, path: String, initial: [UInt8] = []) {
        self.client = client
        self.path = path
        self.initial = initial
    }

    /// Reads the value; makes it when it is missing. On an ensemble the server may lag behind others' changes, which
    /// makes no difference to ``replace(_:with:)``.
    ///
    /// - Throws: `CancellationError`; ``/ZooKeeperClient/ZooKeeperError`` with what servers refuse for good (access, a
    ///   quota), or when the client has closed. What may pass is waited out.
    public func read() async throws -> Reading {
        var attempt = Attempt()
        while true {
            try Task.checkCancellation()
            do {
                let data = try client.startGetData(path)
                let list = try client.startGetChildren2(path)
                let node = try await data.value()
                let (children, stat) = try await list.value()
                // Of the same node, or the two reads straddled its end.
                guard stat.czxid == node.stat.czxid else { continue }
                guard let incarnation = children.filter({ $0.hasPrefix(Self.prefix) }).min() else {
                    try await mark()
                    continue
                }
                return Reading(
                    value: node.data ?? [], czxid: node.stat.czxid, mzxid: node.stat.mzxid,
                    version: node.stat.version, incarnation: incarnation)
            } catch let error as ZooKeeperError {
                switch error.code {
                case .noNode: try await attempt.prepare { try await make() }
                default: try await attempt.failed(error)
                }
            }
        }
    }

    /// Replaces the value if it is still the one that was read.
    ///
    /// - Returns: The new reading; nil when somebody else has changed, deleted or remade it.
    /// - Throws: ``OutcomeUnknown`` when the answer was lost and several others have changed the value since, or the
    ///   servers stay away. ``/ZooKeeperClient/ZooKeeperError`` when it was not replaced. `CancellationError`: nobody
    ///   can tell whether it was.
    public func replace(_ reading: Reading, with value: [UInt8]) async throws -> Reading? {
        let change = ProtectedName(kind: "").prefix
        let marker = ZooKeeperPath.child(reading.incarnation, of: path)
        var attempt = Attempt()
        while true {
            do {
                let results = try await client.transaction([
                    .setData(path: marker, data: Array(change.utf8)),
                    .setData(path: path, data: value, version: reading.version),
                ])
                guard case .set(let stat)? = results.last else { return nil }
                return Reading(
                    value: value, czxid: reading.czxid, mzxid: stat.mzxid, version: stat.version,
                    incarnation: reading.incarnation)
            } catch let error as ZooKeeperError {
                switch error.code {
                case .badVersion, .noNode: return nil
                case .sessionExpired: try await attempt.failed(error)  // never sent
                case _ where error.isOutcomeUnknown:
                    switch await fate(of: change, after: reading, marker: marker) {
                    case .made(let now): return now
                    case .notMade: continue
                    case .impossible: return nil
                    case .unknown: throw OutcomeUnknown(path: path, cause: error)
                    }
                default: throw error
                }
            }
        }
    }

    /// Changes the value by a function of it, which is called again when somebody else was faster.
    ///
    /// - Throws: What `change`, ``read()`` and ``replace(_:with:)`` throw.
    public func update(_ change: @Sendable ([UInt8]) throws -> [UInt8]) async throws -> Reading {
        var contention = Contention()
        while true {
            let now = try await read()
            if let changed = try await replace(now, with: try change(now.value)) { return changed }
            try await contention.lost()
        }
    }

    /// Deletes the value. Whoever read it before cannot replace what is made afterwards.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError``: with `notEmpty` when a child of the node has children of its own, which
    ///   no value has; with `connectionLoss` or `operationTimeout` when nobody can tell whether it was deleted.
    ///   `CancellationError`, with an outcome as unknown.
    public func delete() async throws {
        var attempt = Attempt()
        while true {
            var children: [String] = []
            do {
                children = try await client.getChildren(path)
                try await client.transaction(
                    children.map { .delete(path: ZooKeeperPath.child($0, of: path)) } + [.delete(path: path)])
                return
            } catch var error as ZooKeeperError {
                switch (error.code, error.transactionIndex) {
                case (.noNode, nil): return
                // A child came or went, or the node did: look again.
                case (.noNode, _), (.notEmpty, children.count): try await attempt.failed(error)
                case (_, let index):
                    // It is of our operations, which nobody else has seen.
                    if let index, index < children.count {
                        error.path = ZooKeeperPath.child(children[index], of: path)
                    }
                    error.transactionIndex = nil
                    throw error
                }
            }
        }
    }

    private enum Fate {
        case made(Reading)
        case notMade
        /// The value is another one now, without our change.
        case impossible
        case unknown
    }

    private func fate(of change: String, after reading: Reading, marker: String) async -> Fate {
        let end = ContinuousClock.now + OutcomeUnknown.patience(client)
        var attempt = Attempt()
        while ContinuousClock.now < end {
            do {
                try await client.sync(path)
                let last = try client.startGetData(marker)
                let node = try client.startGetData(path)
                let lastChange = try await last.value().data.map { String(decoding: $0, as: UTF8.self) }
                let now = try await node.value()
                guard now.stat.czxid == reading.czxid else { return .impossible }
                if now.stat.version == reading.version { return .notMade }
                if lastChange == change {
                    return .made(
                        Reading(
                            value: now.data ?? [], czxid: reading.czxid, mzxid: now.stat.mzxid,
                            version: now.stat.version, incarnation: reading.incarnation))
                }
                return now.stat.version == reading.version &+ 1 ? .impossible : .unknown
            } catch let error as ZooKeeperError {
                if error.code == .noNode { return .unknown }
                do { try await attempt.failed(error) } catch { return .unknown }
            } catch {
                return .unknown
            }
        }
        return .unknown
    }

    private func make() async throws {
        do {
            try await client.createParents(of: path)
            try await client.transaction([
                .create(path: path, data: initial),
                .create(path: ZooKeeperPath.child(newMark(), of: path), data: nil),
            ])
        } catch let error as ZooKeeperError
            where error.code == .nodeExists || error.code == .noNode || error.isOutcomeUnknown
        {
            return  // the next read tells
        }
    }

    /// Somebody else made the node.
    private func mark() async throws {
        do {
            try await client.create(ZooKeeperPath.child(newMark(), of: path), data: nil)
        } catch let error as ZooKeeperError where error.code == .noNode || error.isOutcomeUnknown {
            return
        }
    }

    private func newMark() -> String { Self.prefix + ProtectedName(kind: "value").prefix }
}

/// How long somebody waits who was not fast enough: at random, more each time, and never long, because each loss was
/// another's success.
struct Contention {
    private static let ceiling = 64
    private var milliseconds = 1

    mutating func lost() async throws {
        try await Task.sleep(for: .microseconds(Int.random(in: 0...milliseconds * 1000)))
        milliseconds = min(milliseconds * 2, Self.ceiling)
    }
}
