#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Who may do what with a file or a folder.
package enum FileRights {
    /// What everybody on the machine may do with a file that holds a secret; nil when that is nothing, or there is no file.
    package static func ofOthers(toSecret path: String) -> String? {
        guard let mode = mode(of: path), mode & (S_IFMT) != S_IFDIR else { return nil }
        switch (mode & S_IROTH != 0, mode & S_IWOTH != 0) {
        case (true, true): return "read and change"
        case (true, false): return "read"
        case (false, true): return "change"
        case (false, false): return nil
        }
    }

    /// Whether everybody on the machine may make files in a folder, or put others in the place of those that are there.
    package static func othersMayWrite(into folder: String) -> Bool {
        mode(of: folder).map { $0 & S_IFMT == S_IFDIR && $0 & S_IWOTH != 0 } ?? false
    }

    private static func mode(of path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode : nil
    }
}
