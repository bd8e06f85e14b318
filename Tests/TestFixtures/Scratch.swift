import Foundation

/// A folder of a test's own below the system's temporary folder.
public struct Scratch: Sendable {
    /// Absolute path, without a slash at the end.
    public let path: String

    /// Makes a new, empty folder whose name begins with `name`.
    ///
    /// - Parameter inMemory: for what need not be on a disk; where there is such a place.
    public init(_ name: String, inMemory: Bool = false) throws {
        let memory = "/dev/shm"
        let base =
            inMemory && FileManager.default.isWritableFile(atPath: memory)
            ? memory
            : ProcessInfo.processInfo.environment["TMPDIR"].map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
                ?? "/tmp"
        path = "\(base)/linekeeper-\(name)-\(UUID().uuidString.prefix(8).lowercased())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// The path of `name` inside; nothing is created.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Makes a folder inside and returns its path.
    public func folder(_ name: String) throws -> String {
        let folder = file(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Writes `text` to a file inside, making its parent folders, and returns its path.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        let target = file(name)
        let parent = URL(fileURLWithPath: target).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: target))
        return target
    }

    public func remove() { try? FileManager.default.removeItem(atPath: path) }
}
