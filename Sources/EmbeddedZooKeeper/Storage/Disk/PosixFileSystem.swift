import Glibc

/// What Linux has and Swift's import of its C library leaves out.
private enum Linux {
    #if arch(arm64) || arch(arm)
        static let directAccess: Int32 = 0o200000
    #else
        static let directAccess: Int32 = 0o40000
    #endif
    static let seekHole: Int32 = 4
}

/// The file system of the machine.
struct PosixFileSystem: StorageFileSystem {
    func names(in directory: String) throws -> [String] {
        guard let stream = opendir(directory) else { throw StorageError("list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    func open(_ path: String, _ mode: StorageFileMode) throws -> any StorageFile {
        // Nothing that a server keeps is a link; one that somebody else made would have its target read or overwritten.
        var flags = O_CLOEXEC | O_NOFOLLOW
        switch mode {
        case .read: flags |= O_RDONLY
        case .writeSectors: flags |= O_RDWR
        case .create: flags |= O_RDWR | O_CREAT | O_TRUNC
        }
        var descriptor: Int32 = -1
        // Not every file system can go past the page cache; the format does not depend on it.
        if mode != .read { descriptor = Glibc.open(path, flags | Linux.directAccess, 0o600) }
        if descriptor < 0 { descriptor = Glibc.open(path, flags, 0o600) }
        guard descriptor >= 0 else { throw StorageError(mode == .create ? "create" : "open", path) }
        return PosixFile(path: path, descriptor: descriptor)
    }

    func rename(_ path: String, to newPath: String) throws {
        guard Glibc.rename(path, newPath) == 0 else { throw StorageError("rename", "\(path) to \(newPath)") }
    }

    func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw StorageError("remove", path) }
    }

    func synchronizeDirectory(_ path: String) throws {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageError("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StorageError("synchronise", path) }
    }
}

final class PosixFile: StorageFile {
    let path: String
    private let descriptor: Int32

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    func size() throws -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw StorageError("look at", path) }
        return Int(status.st_size)
    }

    func writtenExtent() throws -> Int {
        let hole = lseek(descriptor, 0, Linux.seekHole)
        return hole < 0 ? try size() : Int(hole)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw StorageError("read", path) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            // The device's sectors are larger than ours: go through the page cache.
            if count < 0, errno == EINVAL, stopWritingDirectly() { continue }
            guard count > 0 else { throw StorageError("write", path, code: count == 0 ? ENOSPC : errno) }
            done += count
        }
    }

    private func stopWritingDirectly() -> Bool {
        let flags = fcntl(descriptor, F_GETFL)
        return flags >= 0 && flags & Linux.directAccess != 0
            && fcntl(descriptor, F_SETFL, flags & ~Linux.directAccess) == 0
    }

    func synchronize() throws {
        guard fdatasync(descriptor) == 0 else { throw StorageError("synchronise", path) }
    }

    func allocate(_ size: Int) throws {
        while true {
            let result = posix_fallocate(descriptor, 0, off_t(size))
            switch result {
            case 0: return
            case EINTR: continue
            // The file system cannot take room ahead of need.
            case EOPNOTSUPP, EINVAL:
                guard ftruncate(descriptor, off_t(size)) == 0 else { throw StorageError("enlarge", path) }
                return
            default: throw StorageError("take \(size) bytes for", path, code: result)
            }
        }
    }
}

extension StorageError {
    init(_ operation: String, _ path: String, code: Int32 = errno) {
        self.init(operation: operation, path: path, code: code)
    }

    /// Whether there would be no error if there were room.
    var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
    var isMissingFile: Bool { code == ENOENT }
}

func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}

/// A path without symbolic links; nil, with `errno`, when there is nothing.
func canonicalPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
}
