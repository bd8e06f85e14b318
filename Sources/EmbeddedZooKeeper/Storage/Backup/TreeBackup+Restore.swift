import Glibc

extension TreeBackup {
    /// Makes a directory of a backup. A server on it begins with zxids greater than any before, so that clients which
    /// have seen later transactions are not locked out.
    ///
    /// What a directory held is moved beside it, or into a directory within it where it cannot be renamed: a volume that is
    /// mounted there. Owners and rights stay as they were.
    ///
    /// - Parameter replace: Whether what the directory holds may be moved aside.
    /// - Returns: What was restored, and where the former content is now.
    @discardableResult
    public static func restore(
        _ file: String, to directory: String, replace: Bool
    ) throws -> (summary: Summary, formerContent: String?) {
        try explaining {
            let summary = try readBackup(file).summary
            // A link is followed: what it leads to is replaced, not the link.
            let directory = canonicalPath(directory) ?? trimmed(directory)
            var former: String?
            var epoch: [UInt8]?
            // Held until the end, so that no server starts meanwhile on what is there.
            var locks = [try DataDirectory(directory)]
            let owner = try FileOwner(of: directory)
            let content = try fileSystem.names(in: directory).filter { !isIncidental($0) }
            if !content.isEmpty {
                guard replace else {
                    throw RecoveryError(
                        "\(directory) is not empty. Name a new directory, or use --replace to move what it holds aside."
                    )
                }
                epoch = try? fileSystem.open(directory + "/epoch", .read).contents(limit: 32)
                let suffix = "replaced-\(time(nil))"
                let beside = directory + "." + suffix
                do {
                    try fileSystem.rename(directory, to: beside)
                    former = beside
                    locks.append(try DataDirectory(directory))
                } catch let error as StorageError where [EBUSY, EXDEV, EACCES, EROFS].contains(error.code) {
                    former = try moveInside(content, of: directory, as: suffix)
                }
            }
            try copy(file, to: directory, name: LogFormat.checkpointName(summary.zxid), epoch: epoch)
            try owner.give(
                directory, and: fileSystem.names(in: directory).filter { !isAside($0) && $0 != "lost+found" })
            try? fileSystem.synchronizeDirectory(parent(of: directory))
            withExtendedLifetime(locks) {}
            return (summary, former)
        }
    }

    /// What says nothing of whether a directory is in use: the lock, what a file system brings along, and what an earlier
    /// restore has moved aside.
    private static func isIncidental(_ name: String) -> Bool { name == "lock" || name == "lost+found" || isAside(name) }

    static func isAside(_ name: String) -> Bool { name.hasPrefix("replaced-") }

    private static func moveInside(_ names: [String], of directory: String, as name: String) throws -> String {
        let aside = directory + "/" + name
        // First, so that a directory in which this is interrupted is not taken for an empty one.
        _ = try fileSystem.open(directory + "/" + CheckpointFormat.temporaryName, .create)
        try fileSystem.synchronizeDirectory(directory)
        guard mkdir(aside, 0o700) == 0 else { throw StorageError(operation: "make", path: aside, code: errno) }
        // Checkpoints, then segments from the oldest on: what is left when this is interrupted has no beginning, and no
        // server starts on it.
        for name in names.sorted() where name != CheckpointFormat.temporaryName {
            try fileSystem.rename(directory + "/" + name, to: aside + "/" + name)
        }
        try fileSystem.synchronizeDirectory(aside)
        try fileSystem.synchronizeDirectory(directory)
        return aside
    }

    /// Whose a directory is: a service that is given a directory by another user's restore could not read it.
    private struct FileOwner {
        let user: uid_t
        let group: gid_t
        let mode: mode_t

        init(of path: String) throws {
            var status = stat()
            guard stat(path, &status) == 0 else { throw StorageError(operation: "look at", path: path, code: errno) }
            (user, group, mode) = (status.st_uid, status.st_gid, status.st_mode & 0o7777)
        }

        func give(_ directory: String, and names: [String]) throws {
            for path in [directory] + names.map({ directory + "/" + $0 }) {
                var status = stat()
                guard stat(path, &status) == 0, status.st_uid != user || status.st_gid != group else { continue }
                guard chown(path, user, group) == 0 else {
                    throw StorageError(operation: "give to user \(user)", path: path, code: errno)
                }
            }
            guard chmod(directory, mode) == 0 else {
                throw StorageError(operation: "set the rights of", path: directory, code: errno)
            }
        }
    }

    private static func copy(_ file: String, to directory: String, name: String, epoch: [UInt8]?) throws {
        let source = try fileSystem.open(canonicalPath(file) ?? file, .read)
        let temporary = directory + "/" + CheckpointFormat.temporaryName
        // First, so that a directory in which this is interrupted is not taken for an empty one.
        let target = try fileSystem.open(temporary, .create)
        try fileSystem.synchronizeDirectory(directory)
        if let epoch {
            let target = try fileSystem.open(directory + "/epoch", .create)
            try epoch.withUnsafeBytes { try target.write($0, at: 0) }
            try target.synchronize()
        }
        let buffer = SectorBuffer(size: 1 << 20)
        let size = try source.size()
        var offset = 0
        while offset < size {
            let count = try source.read(into: buffer.bytes, at: offset)
            guard count > 0 else { throw RecoveryError("\(file) became shorter while it was read") }
            try target.write(UnsafeRawBufferPointer(buffer.bytes)[..<count].rebased, at: offset)
            offset += count
        }
        try target.synchronize()
        try fileSystem.rename(temporary, to: directory + "/" + name)
        try fileSystem.synchronizeDirectory(directory)
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
