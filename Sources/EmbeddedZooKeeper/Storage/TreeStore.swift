import Foundation
import GRDB
import NIOCore
import Synchronization

/// Where batches are made to last. A protocol so that tests can put a failing disk in its place.
protocol TreeStorage: Sendable {
    /// Reads everything and begins a new epoch.
    ///
    /// - Throws: ``RecoveryError`` when what is stored cannot be believed.
    func recover() throws -> RecoveredState

    /// As ``recover()``, without waiting; `completion` is called on any thread.
    func recoverAsync(_ completion: @escaping @Sendable (Result<RecoveredState, any Error>) -> Void)

    /// Stores a batch; `completion` is called on any thread once it would survive a loss of power, or with what failed.
    func store(_ batch: StorageBatch, completion: @escaping @Sendable ((any Error)?) -> Void)

    /// Ends; nothing may be stored afterwards.
    func close()
}

/// The tree in an SQLite database: the log of batches, and the tables that checkpoints bring up to date.
///
/// A batch is one SQLite transaction in WAL mode with `synchronous = FULL`: one synchronisation of the disk however many
/// changes it holds. State = tables + log. A checkpoint writes changed nodes into the table, a chunk with each batch, and
/// finally removes the log that the tables contain; see ``LogWriter`` for why the tree may change meanwhile.
final class TreeStore: TreeStorage {
    static let formatVersion = 1
    static let fileName = "tree.sqlite"

    private let directory: DataDirectory
    private let database: DatabaseQueue
    /// Moves pages from SQLite's write-ahead log into the database file while ``database`` goes on writing.
    private let mover: DatabaseQueue
    private let movement = Mutex(Movement())

    /// How far moving pages has got. Done by the writer alone, as SQLite does by itself, it would hold up a commit for
    /// as long as thousands of pages take to reach the disk. So the mover does nearly all of it beside the writer, and
    /// the writer then the few pages that came meanwhile, after which SQLite begins its log at the front again.
    private struct Movement {
        var pagesWritten = 0
        var isRunning = false
        var isAlmostDone = false
    }

    private static let pagesBetweenMovements = 2000
    private let wallSeconds: @Sendable () -> Int64

    /// - Parameter wallSeconds: Seconds since 1970 UTC.
    init(directory: DataDirectory, wallSeconds: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }) throws {
        self.directory = directory
        self.wallSeconds = wallSeconds
        var configuration = Configuration()
        configuration.label = "linekeeper.tree"
        configuration.qos = .userInitiated
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = FULL;
                    PRAGMA wal_autocheckpoint = 0;
                    PRAGMA temp_store = MEMORY;
                    """)
        }
        do {
            database = try DatabaseQueue(path: directory.path + "/" + Self.fileName, configuration: configuration)
            try database.writeWithoutTransaction { try Self.createSchema($0) }
            configuration.label = "linekeeper.tree.mover"
            configuration.qos = .utility
            mover = try DatabaseQueue(path: directory.path + "/" + Self.fileName, configuration: configuration)
        } catch let error as DatabaseError {
            throw RecoveryError("the database \(directory.path)/\(Self.fileName) cannot be opened: \(error)")
        }
    }

    private static func createSchema(_ db: Database) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version == 0 || version == formatVersion else {
            throw RecoveryError(
                "the database has format \(version), this program knows \(formatVersion): use the newer program")
        }
        try db.inTransaction {
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
                    CREATE TABLE IF NOT EXISTS log(zxid INTEGER PRIMARY KEY NOT NULL, records BLOB NOT NULL);
                    CREATE TABLE IF NOT EXISTS node(path TEXT PRIMARY KEY NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;
                    CREATE TABLE IF NOT EXISTS session(id INTEGER PRIMARY KEY NOT NULL, timeout INTEGER NOT NULL);
                    PRAGMA user_version = \(formatVersion);
                    """)
            return .commit
        }
    }

    func recover() throws -> RecoveredState {
        try database.writeWithoutTransaction { try recover(from: $0) }
    }

    func recoverAsync(_ completion: @escaping @Sendable (Result<RecoveredState, any Error>) -> Void) {
        database.asyncWriteWithoutTransaction { [self] db in
            completion(Result { try recover(from: db) })
        }
    }

    private func recover(from db: Database) throws -> RecoveredState {
        do {
            var state = RecoveredState()
            try db.inTransaction {
                state = try read(db)
                return .commit
            }
            try directory.writeEpoch(state.epoch)
            return state
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_CORRUPT
            || error.resultCode == .SQLITE_NOTADB
        {
            throw RecoveryError(
                "the database \(directory.path)/\(Self.fileName) is damaged: \(error). Restore it from a backup.")
        }
    }

    private func read(_ db: Database) throws -> RecoveredState {
        var state = RecoveredState()
        let rows = try Row.fetchCursor(db, sql: "SELECT path, state FROM node")
        while let row = try rows.next() {
            let path: String = row[0]
            let bytes: Data = row[1]
            state.nodes[PathKey(path)] = try NodeRow.state(path: path, ByteBuffer(bytes: bytes))
        }
        for row in try Row.fetchAll(db, sql: "SELECT id, timeout FROM session") {
            state.sessions[row[0]] = row[1]
        }
        state.lastZxid = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'trimmed'") ?? 0
        let log = try Row.fetchCursor(db, sql: "SELECT zxid, records FROM log ORDER BY zxid")
        while let row = try log.next() {
            let bytes: Data = row[1]
            try state.replay(ByteBuffer(bytes: bytes), keyedBy: row[0])
        }
        if let secret = try Data.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'secret'") {
            state.secret = Array(secret)
        } else {
            var random = SystemRandomNumberGenerator()
            state.secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            try db.execute(
                sql: "INSERT INTO meta(key, value) VALUES ('secret', ?)", arguments: [Data(state.secret)])
        }
        // Greater than every epoch before, even if this directory was wiped or an old copy of it was put back: a client
        // that has seen a greater zxid would be refused for ever. Hence the calendar, in seconds since 2024.
        let stored = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'epoch'") ?? 0
        let calendar = wallSeconds() - 1_704_067_200
        let beside = directory.readEpoch() ?? 0
        state.epoch = max(stored, beside, state.lastZxid >> 32, calendar - 1, 0) + 1
        try db.execute(
            sql: "INSERT OR REPLACE INTO meta(key, value) VALUES ('epoch', ?)", arguments: [state.epoch])
        return state
    }

    func store(_ batch: StorageBatch, completion: @escaping @Sendable ((any Error)?) -> Void) {
        database.asyncWriteWithoutTransaction { db in
            do {
                try db.inTransaction(.immediate) {
                    try Self.write(batch, db)
                    return .commit
                }
                completion(nil)
                self.pagesWritten(by: batch, db)
            } catch {
                completion(error)
            }
        }
    }

    private func pagesWritten(by batch: StorageBatch, _ db: Database) {
        enum Step { case none, start, finish }
        let step: Step = movement.withLock { movement in
            movement.pagesWritten += 1 + batch.log.readableBytes / 4096 + batch.nodes.count
            if movement.isAlmostDone {
                movement = Movement()
                return .finish
            }
            guard !movement.isRunning, movement.pagesWritten >= Self.pagesBetweenMovements else { return .none }
            movement.isRunning = true
            return .start
        }
        switch step {
        case .none: break
        // A failure here costs nothing but space: the pages stay in the log, and the next movement takes them.
        case .finish: _ = try? db.checkpoint(.passive)
        case .start:
            mover.asyncWriteWithoutTransaction { [self] db in
                _ = try? db.checkpoint(.passive)
                movement.withLock { $0.isAlmostDone = true }
            }
        }
    }

    private static func write(_ batch: StorageBatch, _ db: Database) throws {
        if batch.log.readableBytes > 0 {
            let insert = try db.cachedStatement(sql: "INSERT INTO log(zxid, records) VALUES (?, ?)")
            try insert.execute(arguments: [batch.lastZxid, Data(batch.log.readableBytesView)])
        }
        if !batch.nodes.isEmpty {
            let upsert = try db.cachedStatement(sql: "INSERT OR REPLACE INTO node(path, state) VALUES (?, ?)")
            let delete = try db.cachedStatement(sql: "DELETE FROM node WHERE path = ?")
            for row in batch.nodes {
                if let bytes = row.bytes {
                    try upsert.execute(arguments: [row.path, Data(bytes.readableBytesView)])
                } else {
                    try delete.execute(arguments: [row.path])
                }
            }
        }
        for session in batch.sessions {
            if let timeout = session.timeoutMilliseconds {
                try db.cachedStatement(sql: "INSERT OR REPLACE INTO session(id, timeout) VALUES (?, ?)")
                    .execute(arguments: [session.id, timeout])
            } else {
                try db.cachedStatement(sql: "DELETE FROM session WHERE id = ?").execute(arguments: [session.id])
            }
        }
        if let through = batch.trimThrough {
            try db.execute(sql: "DELETE FROM log WHERE zxid <= ?", arguments: [through])
            try db.execute(
                sql: "INSERT OR REPLACE INTO meta(key, value) VALUES ('trimmed', ?)", arguments: [through])
        }
    }

    func close() {
        try? mover.close()
        try? database.close()
    }
}
