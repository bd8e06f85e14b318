/// Credentials that are sent on every connection. Their text never shows the secret.
public struct AuthInfo: Hashable, Sendable {
    /// For example `digest`.
    public var scheme: String
    /// For `digest`: `user:password`.
    public var credentials: [UInt8]

    /// Makes credentials from bytes.
    public init(scheme: String, credentials: [UInt8]) {
        self.scheme = scheme
        self.credentials = credentials
    }

    /// User and password of the `digest` scheme.
    public static func digest(user: String, password: String) -> AuthInfo {
        AuthInfo(scheme: "digest", credentials: Array("\(user):\(password)".utf8))
    }
}

/// User and password for SASL's DIGEST-MD5, which proves both sides to each other without sending the password. Its
/// text never shows the password.
public struct SASLCredentials: Hashable, Sendable {
    /// As in the server's list of users.
    public var user: String
    /// As in the server's list of users.
    public var password: String

    /// Makes credentials.
    public init(user: String, password: String) {
        self.user = user
        self.password = password
    }
}

extension AuthInfo: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "\(scheme):…" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["scheme": scheme]) }
}

extension SASLCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "\(user):…" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["user": user]) }
}
