#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Small files that an operator names: users, certificates, keys.
enum FileContent {
    private static let maximumLength = 16 << 20

    /// Whether something has that name.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Reads a whole file.
    ///
    /// - Parameter what: What it is for, for the error.
    static func read(_ path: String, what: String) throws(EmbeddedServerError) -> [UInt8] {
        guard let file = fopen(path, "re") else {
            throw EmbeddedServerError("cannot read \(what) in \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            bytes += chunk[..<count]
            guard bytes.count <= maximumLength else { throw EmbeddedServerError("\(what) in \(path): far too long") }
            if count < chunk.count { break }
        }
        guard ferror(file) == 0 else {
            throw EmbeddedServerError("cannot read \(what) in \(path): \(String(cString: strerror(errno)))")
        }
        return bytes
    }
}
