#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file that is replaced as a whole. A reader finds either the new content or the one before, complete, also after a power
/// cut.
///
/// One process at a time uses it, by a lock file beside it. All calls block.
final class DurableFile: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ attempt: String, _ path: String, code: Int32 = errno) {
            description = "cannot \(attempt) \(path): \(String(cString: strerror(code)))"
        }
    }

    let path: String
    private let folder: String
    private let lock: Int32

    /// Makes the folder, for its owner alone, and takes the lock.
    ///
    /// - Throws: ``Failure``, also when another process has the lock.
    init(folder: String, name: String) throws {
        self.folder = folder
        path = folder + "/" + name
        try Self.makeFolder(folder)
        let lockPath = path + ".lock"
        lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw Failure("open", lockPath) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(lock)
            throw Failure(code == EWOULDBLOCK ? "use, because another process uses it," : "lock", path, code: code)
        }
    }

    deinit { close(lock) }

    private static func makeFolder(_ folder: String) throws {
        var path = folder.hasPrefix("/") ? "" : "."
        for part in folder.split(separator: "/") {
            path += "/" + part
            guard mkdir(path, 0o700) == 0 || errno == EEXIST || access(path, F_OK) == 0 else {
                throw Failure("make the folder", path)
            }
        }
    }

    /// What it holds; nil when there is no such file.
    ///
    /// - Parameter limit: A larger file is not read.
    func contents(limit: Int) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw Failure("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure("look at", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("read, because it is no file,", path, code: EINVAL)
        }
        guard status.st_size <= limit else { throw Failure("read", path, code: EFBIG) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 256 * 1024)
        while true {
            let count = read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure("read", path) }
            if count == 0 { return bytes }
            bytes += part[..<count]
            guard bytes.count <= limit else { throw Failure("read", path, code: EFBIG) }
        }
    }

    /// Replaces what it holds, or makes it. When it returns, the new content is on the disk.
    func replace(with bytes: [UInt8]) throws {
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Failure("create", new) }
        do {
            defer { close(descriptor) }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Failure("write", new, code: count == 0 ? ENOSPC : errno) }
                rest = rest.dropFirst(count)
            }
            guard fsync(descriptor) == 0 else { throw Failure("synchronise", new) }
        } catch {
            // A full disk gets its room back.
            unlink(new)
            throw error
        }
        guard rename(new, path) == 0 else { throw Failure("rename", new) }
        try synchronizeFolder()
    }

    /// Removes it; nothing happens when it is not there.
    func remove() throws {
        guard unlink(path) == 0 else {
            if errno == ENOENT { return }
            throw Failure("remove", path)
        }
        try synchronizeFolder()
    }

    /// Gives what it holds another name, so that somebody can look at it: one that no file has, as long as there are few.
    func setAside() throws -> String {
        let names = [path + ".damaged"] + (2...9).map { "\(path).damaged\($0)" }
        let aside = names.first { access($0, F_OK) != 0 } ?? names[names.count - 1]
        guard rename(path, aside) == 0 else { throw Failure("rename", path) }
        try synchronizeFolder()
        return aside
    }

    private func synchronizeFolder() throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure("synchronise", folder) }
    }
}
