#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The users of DIGEST-MD5 and their passwords, read from a file with a line `user:password` each.
///
/// The mechanism needs the passwords themselves on the server, so the file must be kept from others.
public struct SASLUsers: Sendable, Hashable, CustomStringConvertible, ExpressibleByDictionaryLiteral {
    /// Passwords by user.
    public var passwords: [String: String]

    /// Makes it from passwords by user.
    public init(_ passwords: [String: String] = [:]) {
        self.passwords = passwords
    }

    public init(dictionaryLiteral elements: (String, String)...) {
        passwords = Dictionary(elements) { $1 }
    }

    /// Reads a file. Empty lines and lines that begin with `#` say nothing; everything behind the first colon of a line is
    /// the password.
    ///
    /// - Throws: ``EmbeddedServerError`` that names file and line, also when others can read or change the file.
    public init(file path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw EmbeddedServerError("cannot read the SASL users in \(path): \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & 0o007 == 0 else {
            throw EmbeddedServerError(
                "the SASL users in \(path) can be read or changed by everybody on this machine, and it holds passwords; "
                    + "type: chmod o-rwx \(path)")
        }
        self = try SASLUsers(parsing: try FileContent.read(path, what: "the SASL users"), file: path)
    }

    init(parsing bytes: [UInt8], file path: String) throws {
        passwords = [:]
        // Editors put a byte-order mark in front, which belongs to nobody's name.
        let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let lines = bytes.dropFirst(mark).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let place = "\(path):\(index + 1)"
            guard var line = String(validating: bytes, as: UTF8.self) else {
                throw EmbeddedServerError("\(place): not UTF-8")
            }
            if line.last == "\r" { line.removeLast() }
            if line.allSatisfy(\.isWhitespace) || line.first == "#" { continue }
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw EmbeddedServerError("\(place): expected user:password")
            }
            let user = String(line[..<colon])
            let password = String(line[line.index(after: colon)...])
            guard !password.isEmpty else { throw EmbeddedServerError("\(place): the user \(user) has no password") }
            guard passwords.updateValue(password, forKey: user) == nil else {
                throw EmbeddedServerError("\(place): the user \(user) is there already")
            }
        }
        guard !passwords.isEmpty else {
            throw EmbeddedServerError("\(path) names no user; expected lines like user:password")
        }
    }

    /// The names only: this may reach a log.
    public var description: String { passwords.keys.sorted().joined(separator: ", ") }
}
