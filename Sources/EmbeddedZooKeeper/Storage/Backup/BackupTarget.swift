import Glibc

/// Where a backup is to be written: a new file, or one that holds an older backup.
///
/// What is put in its place is gone, so nothing else is replaced: no device, no directory, no file of the tree that is
/// being backed up, nobody's notes.
enum BackupTarget {
    /// - Returns: The file to write, with symbolic links followed.
    /// - Throws: ``RecoveryError`` that says what is in the way.
    static func resolve(_ file: String, directory: String, fileSystem: some StorageFileSystem) throws -> String {
        guard file != "-" else {
            throw RecoveryError("a backup is written to a file, not to the standard output: name one")
        }
        let slash = file.lastIndex(of: "/")
        let name = slash.map { String(file[file.index(after: $0)...]) } ?? file
        let parent = TreeBackup.parent(of: file)
        guard !name.isEmpty, name != ".", name != ".." else {
            throw RecoveryError("\(file) names a folder: name a file for the backup")
        }
        var target = file
        var status = stat()
        if lstat(file, &status) == 0 {
            guard let path = canonicalPath(file), stat(path, &status) == 0 else {
                throw RecoveryError("\(file) is a symbolic link to something that is not there: name another file")
            }
            target = path
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw RecoveryError("\(file) is there and is no file: name a file for the backup")
            }
            try checkIsBackup(target, fileSystem)
        } else {
            guard let folder = canonicalPath(parent) else {
                throw RecoveryError("cannot write \(file): \(parent): \(systemMessage(errno))")
            }
            target = folder == "/" ? "/" + name : folder + "/" + name
        }
        if let tree = canonicalPath(directory), target.hasPrefix(tree + "/") {
            throw RecoveryError("\(file) lies in the folder of the tree itself: keep backups elsewhere")
        }
        return target
    }

    private static func checkIsBackup(_ file: String, _ fileSystem: some StorageFileSystem) throws {
        let begin = try fileSystem.open(file, .read).contents(limit: LogFormat.sectorSize)
        // As `mktemp` leaves it.
        if begin.isEmpty { return }
        guard CheckpointHeader.isOfBackup(begin) else {
            throw RecoveryError("\(file) is there and is no backup; it is left alone. Name another file, or remove it.")
        }
    }
}
