/// What the log and the checkpoints need of a file system. A protocol so that tests can put a disk in its place that
/// loses, tears, flips and refuses.
protocol StorageFileSystem: Sendable {
    /// The names in a directory, in no order.
    func names(in directory: String) throws -> [String]

    func open(_ path: String, _ mode: StorageFileMode) throws -> any StorageFile

    /// Replaces what has the new name. Lasts only after ``synchronizeDirectory(_:)``.
    func rename(_ path: String, to newPath: String) throws

    func remove(_ path: String) throws

    /// Makes names last: files created, renamed and removed.
    func synchronizeDirectory(_ path: String) throws
}

enum StorageFileMode: Sendable {
    case read
    /// An existing file, written in whole sectors, past the page cache where the file system can.
    case writeSectors
    /// As ``writeSectors``; a new file, in place of one that has the name.
    case create
}

/// An open file. Closed when it is let go of.
protocol StorageFile: AnyObject, Sendable {
    var path: String { get }

    func size() throws -> Int

    /// How far from its beginning the file consists of blocks that were written once, so that writing them again changes
    /// nothing but them.
    func writtenExtent() throws -> Int

    /// Fills the buffer, or as much of it as there is before the end of the file.
    ///
    /// - Returns: The number of bytes read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws

    /// Makes what was written last (`fdatasync`).
    func synchronize() throws

    /// Makes the file that large and takes the room for it.
    func allocate(_ size: Int) throws
}

extension StorageFile {
    /// The bytes from there to the end of the file.
    func contents(from offset: Int = 0, limit: Int = .max) throws -> [UInt8] {
        let count = max(0, min(try size() - offset, limit))
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
    }
}

/// An operation on a file that the system refused.
struct StorageError: Error, Hashable, CustomStringConvertible {
    let operation: String
    let path: String
    let code: Int32

    var description: String { "cannot \(operation) \(path): \(systemMessage(code))" }
}
