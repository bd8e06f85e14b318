public import NIOCore

/// Body of an authentication packet (type 100, xid −4).
public struct AuthPacket: Record, Hashable {
    /// Always 0.
    public var type: Int32
    public var scheme: String
    /// For `digest`: `user:password`.
    public var auth: [UInt8]?

    public init(type: Int32 = 0, scheme: String, auth: [UInt8]?) {
        self.type = type
        self.scheme = scheme
        self.auth = auth
    }

    public init(from buffer: inout ByteBuffer) throws {
        type = try buffer.readJuteInt("auth type")
        scheme = try buffer.readJuteString("auth scheme")
        auth = try buffer.readJuteBytes("auth")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(type)
        buffer.writeJuteString(scheme)
        buffer.writeJuteBytes(auth)
    }
}

/// Body of `sasl` and of its reply: a token.
public struct SASLToken: Record, Hashable {
    public var token: [UInt8]?

    public init(token: [UInt8]?) {
        self.token = token
    }

    public init(from buffer: inout ByteBuffer) throws {
        token = try buffer.readJuteBytes("sasl token")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteBytes(token)
    }
}

/// One of the reply to `whoAmI`: somebody whom this connection has proved to be.
public struct ClientInfo: Record, Hashable {
    public var authScheme: String
    public var user: String

    public init(authScheme: String, user: String) {
        self.authScheme = authScheme
        self.user = user
    }

    public init(from buffer: inout ByteBuffer) throws {
        authScheme = try buffer.readJuteStringOrNull("auth scheme") ?? ""
        user = try buffer.readJuteStringOrNull("user") ?? ""
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(authScheme)
        buffer.writeJuteString(user)
    }
}

/// Reply to `whoAmI`.
public struct WhoAmIResponse: Record, Hashable {
    public var clientInfo: [ClientInfo]

    public init(clientInfo: [ClientInfo]) {
        self.clientInfo = clientInfo
    }

    public init(from buffer: inout ByteBuffer) throws {
        clientInfo = try buffer.readJuteVector("client info", minimumSize: 8) { try ClientInfo(from: &$0) }
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteVector(clientInfo)
    }
}
