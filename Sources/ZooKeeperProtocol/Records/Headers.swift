public import NIOCore

/// What stands before every request after the handshake.
public struct RequestHeader: Record, Hashable {
    /// The number that the reply will carry.
    public var xid: Int32
    /// The raw ``OperationCode``; raw, because a client may send anything.
    public var type: Int32

    /// Makes a header from a raw type.
    public init(xid: Int32, type: Int32) {
        self.xid = xid
        self.type = type
    }

    /// Makes a header.
    public init(xid: Int32, operation: OperationCode) {
        self.init(xid: xid, type: operation.rawValue)
    }

    /// The operation; `nil` when there is none of that number.
    public var operation: OperationCode? { OperationCode(rawValue: type) }

    public init(from buffer: inout ByteBuffer) throws {
        guard let (xid, type) = buffer.readMultipleIntegers(as: (Int32, Int32).self) else {
            throw WireFormatError.truncated("request header")
        }
        self.init(xid: xid, type: type)
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(xid, type)
    }
}

/// What stands before every reply and event after the handshake. A body follows only when there is no error.
public struct ReplyHeader: Record, Hashable {
    /// How many bytes a header takes.
    public static let encodedSize = 16

    /// The number of the request, or one of ``ReservedXid``.
    public var xid: Int32
    /// The last transaction that the server had applied.
    public var zxid: Int64
    /// The outcome.
    public var error: ErrorCode

    /// Makes a header.
    public init(xid: Int32, zxid: Int64, error: ErrorCode = .ok) {
        self.xid = xid
        self.zxid = zxid
        self.error = error
    }

    public init(from buffer: inout ByteBuffer) throws {
        guard let (xid, zxid, error) = buffer.readMultipleIntegers(as: (Int32, Int64, Int32).self) else {
            throw WireFormatError.truncated("reply header")
        }
        self.init(xid: xid, zxid: zxid, error: ErrorCode(rawValue: error))
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(xid, zxid, error.rawValue)
    }
}
