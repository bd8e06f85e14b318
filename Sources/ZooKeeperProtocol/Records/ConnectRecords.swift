public import NIOCore

/// The first frame of a client; it has no header.
public struct ConnectRequest: Record, Hashable {
    public var protocolVersion: Int32
    /// The newest transaction that the client has seen. A server that is behind it must not serve the client.
    public var lastZxidSeen: Int64
    /// The session timeout that the client asks for, in milliseconds.
    public var timeoutMilliseconds: Int32
    /// The session to take up again; 0 for a new one.
    public var sessionID: Int64
    /// The password of that session: 16 bytes.
    public var password: [UInt8]
    /// Whether a read-only server will do; `nil` from clients older than 3.4, which do not send the field.
    public var readOnly: Bool?

    /// Makes a request.
    public init(
        protocolVersion: Int32 = 0, lastZxidSeen: Int64, timeoutMilliseconds: Int32, sessionID: Int64 = 0,
        password: [UInt8] = [UInt8](repeating: 0, count: 16), readOnly: Bool? = false
    ) {
        self.protocolVersion = protocolVersion
        self.lastZxidSeen = lastZxidSeen
        self.timeoutMilliseconds = timeoutMilliseconds
        self.sessionID = sessionID
        self.password = password
        self.readOnly = readOnly
    }

    public init(from buffer: inout ByteBuffer) throws {
        protocolVersion = try buffer.readJuteInt("protocol version")
        lastZxidSeen = try buffer.readJuteLong("last zxid seen")
        timeoutMilliseconds = try buffer.readJuteInt("timeout")
        sessionID = try buffer.readJuteLong("session id")
        password = try buffer.readJuteBytes("password") ?? []
        readOnly = buffer.readableBytes > 0 ? try buffer.readJuteBool("read-only flag") : nil
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(protocolVersion, lastZxidSeen, timeoutMilliseconds, sessionID)
        buffer.writeJuteBytes(password)
        if let readOnly { buffer.writeJuteBool(readOnly) }
    }
}

/// The first frame of a server; it has no header.
public struct ConnectResponse: Record, Hashable {
    public var protocolVersion: Int32
    /// The session timeout that was agreed on, in milliseconds; 0 or less: the session has expired.
    public var timeoutMilliseconds: Int32
    public var sessionID: Int64
    /// The password with which the session can be taken up again.
    public var password: [UInt8]
    /// Whether the server is read-only; `nil` when the client did not send its flag either.
    public var readOnly: Bool?

    /// Makes a response.
    public init(
        protocolVersion: Int32 = 0, timeoutMilliseconds: Int32, sessionID: Int64, password: [UInt8],
        readOnly: Bool? = false
    ) {
        self.protocolVersion = protocolVersion
        self.timeoutMilliseconds = timeoutMilliseconds
        self.sessionID = sessionID
        self.password = password
        self.readOnly = readOnly
    }

    /// The answer to a client whose session is gone or whose password is wrong.
    public static func sessionExpired(readOnly: Bool?) -> ConnectResponse {
        ConnectResponse(
            timeoutMilliseconds: 0, sessionID: 0, password: [UInt8](repeating: 0, count: 16), readOnly: readOnly)
    }

    public init(from buffer: inout ByteBuffer) throws {
        protocolVersion = try buffer.readJuteInt("protocol version")
        timeoutMilliseconds = try buffer.readJuteInt("timeout")
        sessionID = try buffer.readJuteLong("session id")
        password = try buffer.readJuteBytes("password") ?? []
        readOnly = buffer.readableBytes > 0 ? try buffer.readJuteBool("read-only flag") : nil
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(protocolVersion, timeoutMilliseconds, sessionID)
        buffer.writeJuteBytes(password)
        if let readOnly { buffer.writeJuteBool(readOnly) }
    }
}
