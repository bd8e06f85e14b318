import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The bytes of a file, or why there are none.
enum ReadableFile {
    struct Unreadable: Error {
        /// For people.
        var reason: String
    }

    static func bytes(of path: String) throws(Unreadable) -> Data {
        var status = stat()
        guard stat(path, &status) == 0, access(path, R_OK) == 0 else { throw Unreadable(reason: reason(errno)) }
        if status.st_mode & S_IFMT == S_IFDIR { throw Unreadable(reason: "it is a folder") }
        do { return try Data(contentsOf: URL(filePath: path)) } catch { throw Unreadable(reason: "\(error)") }
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case ENOENT, ENOTDIR: "there is no such file"
        case EACCES, EPERM: "no permission"
        default: String(cString: strerror(code))
        }
    }
}
