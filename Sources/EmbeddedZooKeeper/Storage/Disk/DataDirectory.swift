import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The data directory: made if it is missing, and owned by one process at a time.
///
/// Holds the lock from its creation until ``release()``, or until it is let go of.
final class DataDirectory: Sendable {
    let path: String
    private let lockDescriptor: Mutex<Int32>

    /// - Throws: ``RecoveryError`` when the directory cannot be made, or another process uses it.
    init(_ path: String) throws {
        self.path = path
        try Self.makeDirectory(path)
        let lockPath = path + "/lock"
        // A link would have its target overwritten: whoever can write into the folder chooses which file that is.
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            if errno == ELOOP {
                throw RecoveryError(
                    "\(lockPath) is a link, and links in the data directory are not followed. Look who made it, and remove it."
                )
            }
            throw RecoveryError("cannot open \(lockPath): \(Self.reason(errno)). Check who owns the data directory.")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let owner = Self.content(of: descriptor)
            close(descriptor)
            throw RecoveryError(
                "the data directory \(path) is in use by another server"
                    + (owner.isEmpty ? "" : " (process \(owner))")
                    + ". Stop that one first, or give this one a directory of its own.")
        }
        let text = Array("\(getpid())".utf8)
        ftruncate(descriptor, 0)
        _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        lockDescriptor = Mutex(descriptor)
    }

    deinit {
        release()
    }

    /// Lets another process, or another server of this one, have it.
    func release() {
        lockDescriptor.withLock { descriptor in
            guard descriptor >= 0 else { return }
            // Said, not only closed: a child that is being started has a copy of the descriptor until it runs its program.
            flock(descriptor, LOCK_UN)
            close(descriptor)
            descriptor = -1
        }
    }

    /// Whether everybody on the machine may make files in it, or put others in the place of those that are there.
    var isWritableByOthers: Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IWOTH != 0
    }

    private static func makeDirectory(_ path: String) throws {
        var partial = ""
        for component in path.split(separator: "/", omittingEmptySubsequences: false) {
            partial += component + "/"
            guard !component.isEmpty else { continue }
            if mkdir(partial, 0o700) == 0 {
                // A folder that a power cut takes away takes everything in it away.
                let parent = open(partial + "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                if parent >= 0 {
                    fsync(parent)
                    close(parent)
                }
            } else if errno != EEXIST {
                throw RecoveryError("cannot make the data directory \(path): \(reason(errno))")
            }
        }
    }

    private static func content(of descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        return String(text.prefix { $0.isNumber })
    }

    private static func reason(_ code: Int32) -> String {
        String(cString: strerror(code))
    }
}
