import Glibc
import Primitives
import Synchronization
import TestFixtures

@testable import EmbeddedZooKeeper

/// A disk that does what disks do when the power goes: of what was not synchronised, any sectors are lost and any names;
/// and that fails, fills up and rots when told to. Everything follows from the seed.
final class SimulatedDisk: StorageFileSystem {
    /// Faults of the disk itself, which the log cannot survive: a simulation that does not notice them is worth nothing.
    enum Lie: Sendable {
        case synchronizing, synchronizingDirectories
        /// Of a segment that was there before this start: a server that does not make last what it has read is the same.
        case synchronizingWhatWasThere
        /// Of such a segment: a server that trusts a synchronisation after one that failed is the same.
        case writingWhatWasThere
    }

    /// How the world ends.
    enum End: Sendable {
        case powerCut
        /// Only the process is gone: what it wrote can be read, and is still not durable.
        case kill
    }

    private final class Inode {
        var current: [UInt8] = []
        var durable: [UInt8] = []
        var dirty: Set<Int> = []
    }

    private enum NameChange {
        case create(String, Inode)
        case rename(String, String)
        case remove(String)
    }

    private struct State {
        var random: SeededRandom
        var names: [String: Inode] = [:]
        var durableNames: [String: Inode] = [:]
        var nameChanges: [NameChange] = []
        var capacity = Int.max
        var failingWrites = 0
        var failingSynchronizations = 0
        var operationsUntilEnd: Int?
        var end = End.powerCut
        var isDead = false
        var lie: Lie?
    }

    private static let sector = 512
    private let state: Mutex<State>

    init(seed: UInt64, lie: Lie? = nil) {
        state = Mutex(State(random: SeededRandom(seed: seed), lie: lie))
    }

    // MARK: Faults

    /// Nothing works any more after so many more operations.
    func end(_ end: End, afterOperations count: Int) {
        state.withLock {
            $0.operationsUntilEnd = count
            $0.end = end
        }
    }

    /// Lets it end, if it has not already, and begin again.
    func restart(after end: End = .powerCut) {
        state.withLock { state in
            if !state.isDead, end == .powerCut { Self.cutPower(&state) }
            state.isDead = false
            state.operationsUntilEnd = nil
            state.failingWrites = 0
            state.failingSynchronizations = 0
        }
    }

    func failNextWrite() { state.withLock { $0.failingWrites = 1 } }
    func failNextSynchronization() { state.withLock { $0.failingSynchronizations = 1 } }

    func setFull(_ isFull: Bool) {
        state.withLock { state in
            state.capacity = isFull ? state.names.values.reduce(0) { $0 + $1.current.count } : .max
        }
    }

    /// Flips a bit of a file whose name begins like that.
    ///
    /// - Returns: What undoes it; `nil` when there is no such file.
    func flipBit(ofFilesNamed prefixes: [String]) -> (@Sendable () -> Void)? {
        let place = state.withLock { state -> (String, Int, UInt8)? in
            let candidates = state.names.keys.filter { name in
                prefixes.contains { name.contains("/" + $0) } && state.names[name]?.current.isEmpty == false
            }.sorted()
            guard let name = candidates.randomElement(using: &state.random), let inode = state.names[name] else {
                return nil
            }
            guard !inode.durable.isEmpty else { return nil }
            // Most often where something is.
            let range = Bool.random(using: &state.random) ? 4096 : Int.max
            let offset = Int.random(in: 0..<min(inode.durable.count, range), using: &state.random)
            return (name, offset, 1 << UInt8.random(in: 0..<8, using: &state.random))
        }
        guard let (name, offset, bit) = place else { return nil }
        flip(name, offset, bit)
        return { [self] in flip(name, offset, bit) }
    }

    /// Cuts a file short whose name begins like that, most often the last one.
    ///
    /// - Returns: What undoes it; `nil` when there is no such file.
    func cutShort(aFileNamed prefix: String) -> (@Sendable () -> Void)? {
        let former = state.withLock { state -> (String, [UInt8], [UInt8])? in
            let candidates = state.names.keys.filter { $0.contains("/" + prefix) }.sorted()
            let isLast = Int.random(in: 0..<4, using: &state.random) > 0
            guard let name = isLast ? candidates.last : candidates.randomElement(using: &state.random),
                let inode = state.names[name], inode.durable.count > Self.sector
            else { return nil }
            let former = (name, inode.durable, inode.current)
            let sectors = Int.random(in: 1..<inode.durable.count / Self.sector, using: &state.random)
            inode.durable = Array(inode.durable[..<(sectors * Self.sector)])
            inode.current = inode.durable
            return former
        }
        guard let (name, durable, current) = former else { return nil }
        return { [self] in
            state.withLock {
                $0.names[name]?.durable = durable
                $0.names[name]?.current = current
            }
        }
    }

    private func flip(_ name: String, _ offset: Int, _ bit: UInt8) {
        state.withLock { state in
            guard let inode = state.names[name], offset < inode.durable.count else { return }
            inode.durable[offset] ^= bit
            inode.current[offset] ^= bit
        }
    }

    private static func cutPower(_ state: inout State) {
        for change in state.nameChanges where Bool.random(using: &state.random) {
            switch change {
            case .create(let name, let inode): state.durableNames[name] = inode
            case .rename(let from, let to):
                guard let inode = state.durableNames.removeValue(forKey: from) else { continue }
                state.durableNames[to] = inode
            case .remove(let name): state.durableNames[name] = nil
            }
        }
        state.nameChanges = []
        state.names = state.durableNames
        // In the order of the names, so that a seed always means the same.
        for (_, inode) in state.names.sorted(by: { $0.key < $1.key }) {
            for sector in inode.dirty.sorted() where Bool.random(using: &state.random) { keep(sector, inode) }
            inode.dirty = []
            inode.current = inode.durable
        }
    }

    private static func keep(_ index: Int, _ inode: Inode) {
        let range = index * sector..<min(inode.current.count, (index + 1) * sector)
        if inode.durable.count < range.upperBound {
            inode.durable += [UInt8](repeating: 0, count: range.upperBound - inode.durable.count)
        }
        inode.durable.replaceSubrange(range, with: inode.current[range])
    }

    /// Every operation begins here.
    private static func step(_ state: inout State, _ path: String) throws {
        if let left = state.operationsUntilEnd {
            state.operationsUntilEnd = left - 1
            if left <= 0, !state.isDead {
                if state.end == .powerCut { cutPower(&state) }
                state.isDead = true
            }
        }
        if state.isDead { throw StorageError(operation: "reach", path: path, code: ENODEV) }
    }

    // MARK: The file system

    func names(in directory: String) throws -> [String] {
        try state.withLock { state in
            try Self.step(&state, directory)
            return state.names.keys.filter { $0.hasPrefix(directory + "/") }.map {
                String($0.dropFirst(directory.count + 1))
            }.sorted()
        }
    }

    func open(_ path: String, _ mode: StorageFileMode) throws -> any StorageFile {
        try state.withLock { state in
            try Self.step(&state, path)
            if mode == .create {
                let inode = Inode()
                state.names[path] = inode
                state.nameChanges.append(.create(path, inode))
            }
            guard let inode = state.names[path] else {
                throw StorageError(operation: "open", path: path, code: ENOENT)
            }
            let wasThere = mode == .writeSectors && path.contains("/log-")
            return SimulatedFile(
                path: path, disk: self, identity: ObjectIdentifier(inode), lie: wasThere ? state.lie : nil)
        }
    }

    func rename(_ path: String, to newPath: String) throws {
        try state.withLock { state in
            try Self.step(&state, path)
            guard let inode = state.names.removeValue(forKey: path) else {
                throw StorageError(operation: "rename", path: path, code: ENOENT)
            }
            state.names[newPath] = inode
            state.nameChanges.append(.rename(path, newPath))
        }
    }

    func remove(_ path: String) throws {
        try state.withLock { state in
            try Self.step(&state, path)
            if state.names.removeValue(forKey: path) != nil { state.nameChanges.append(.remove(path)) }
        }
    }

    func synchronizeDirectory(_ path: String) throws {
        try state.withLock { state in
            try Self.step(&state, path)
            guard state.lie != .synchronizingDirectories else { return }
            if state.failingSynchronizations > 0 {
                // The names stay as they are, and still may not last.
                state.failingSynchronizations -= 1
                throw StorageError(operation: "synchronise", path: path, code: EIO)
            }
            state.durableNames = state.names
            state.nameChanges = []
        }
    }

    // MARK: Files

    /// A file stays the same when its name changes.
    private static func inode(_ identity: ObjectIdentifier, _ path: String, _ state: State) throws -> Inode {
        guard let inode = state.names.values.first(where: { ObjectIdentifier($0) == identity }) else {
            throw StorageError(operation: "reach", path: path, code: EIO)
        }
        return inode
    }

    fileprivate func size(_ identity: ObjectIdentifier, _ path: String) throws -> Int {
        try state.withLock { state in
            try Self.step(&state, path)
            return try Self.inode(identity, path, state).current.count
        }
    }

    fileprivate func bytes(_ identity: ObjectIdentifier, _ path: String, _ offset: Int, _ count: Int) throws -> [UInt8]
    {
        try state.withLock { state in
            try Self.step(&state, path)
            let current = try Self.inode(identity, path, state).current
            guard offset < current.count else { return [] }
            return Array(current[offset..<min(current.count, offset + count)])
        }
    }

    fileprivate func write(_ identity: ObjectIdentifier, _ path: String, _ bytes: [UInt8], at offset: Int) throws {
        try state.withLock { state in
            try Self.step(&state, path)
            let inode = try Self.inode(identity, path, state)
            let end = offset + bytes.count
            if end > inode.current.count { try Self.enlarge(inode, to: end, path, &state) }
            let fails = state.failingWrites > 0
            // A write that fails may have got anywhere.
            let written = fails ? Int.random(in: 0...bytes.count, using: &state.random) : bytes.count
            inode.current.replaceSubrange(offset..<offset + written, with: bytes[..<written])
            if written > 0 {
                for sector in offset / Self.sector...(offset + written - 1) / Self.sector { inode.dirty.insert(sector) }
            }
            if fails {
                state.failingWrites -= 1
                throw StorageError(operation: "write", path: path, code: EIO)
            }
        }
    }

    fileprivate func allocate(_ identity: ObjectIdentifier, _ path: String, _ size: Int) throws {
        try state.withLock { state in
            try Self.step(&state, path)
            let inode = try Self.inode(identity, path, state)
            guard size > inode.current.count else { return }
            let before = inode.current.count
            try Self.enlarge(inode, to: size, path, &state)
            for sector in before / Self.sector...(size - 1) / Self.sector { inode.dirty.insert(sector) }
        }
    }

    private static func enlarge(_ inode: Inode, to size: Int, _ path: String, _ state: inout State) throws {
        let used = state.capacity == .max ? 0 : state.names.values.reduce(0) { $0 + $1.current.count }
        guard size - inode.current.count <= state.capacity - used else {
            throw StorageError(operation: "take \(size) bytes for", path: path, code: ENOSPC)
        }
        inode.current += [UInt8](repeating: 0, count: size - inode.current.count)
    }

    fileprivate func synchronize(_ identity: ObjectIdentifier, _ path: String) throws {
        try state.withLock { state in
            try Self.step(&state, path)
            let inode = try Self.inode(identity, path, state)
            if state.lie == .synchronizing { return }
            let fails = state.failingSynchronizations > 0
            for sector in inode.dirty.sorted() where !fails || Bool.random(using: &state.random) {
                Self.keep(sector, inode)
            }
            // As Linux: what could not be written counts as clean from then on, and the cache still shows it.
            inode.dirty = []
            // Not so the size, which is in the file system's journal.
            if !fails, inode.durable.count < inode.current.count {
                inode.durable += [UInt8](repeating: 0, count: inode.current.count - inode.durable.count)
            }
            if fails {
                state.failingSynchronizations -= 1
                throw StorageError(operation: "synchronise", path: path, code: EIO)
            }
        }
    }
}

private final class SimulatedFile: StorageFile {
    let path: String
    private let disk: SimulatedDisk
    private let identity: ObjectIdentifier
    private let lie: SimulatedDisk.Lie?

    init(path: String, disk: SimulatedDisk, identity: ObjectIdentifier, lie: SimulatedDisk.Lie?) {
        self.path = path
        self.disk = disk
        self.identity = identity
        self.lie = lie
    }

    func size() throws -> Int { try disk.size(identity, path) }
    func writtenExtent() throws -> Int { try size() }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        let bytes = try disk.bytes(identity, path, offset, buffer.count)
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        if lie != .writingWhatWasThere { try disk.write(identity, path, Array(bytes), at: offset) }
    }

    func synchronize() throws {
        if lie != .synchronizingWhatWasThere { try disk.synchronize(identity, path) }
    }

    func allocate(_ size: Int) throws { try disk.allocate(identity, path, size) }
}
