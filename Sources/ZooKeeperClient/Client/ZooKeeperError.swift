public import ZooKeeperProtocol

/// What a call to ``ZooKeeperClient`` throws: the code that decides what to do, and what it concerned.
public struct ZooKeeperError: Error, Sendable, CustomStringConvertible {
    /// The server's answer, or one of the client's own: `connectionLoss` (the outcome is
    /// unknown), `operationTimeout` (no answer within the deadline; the outcome is unknown), `sessionExpired`,
    /// `clientClosed`, `tooManyRequests`,
    /// `requestTooLarge`, `tlsFailed`.
    public var code: ErrorCode
    /// The path as the caller gave it.
    public var path: String?
    /// What was asked for.
    public var operation: OperationCode?
    /// The operation of a transaction that was at fault.
    public var transactionIndex: Int?
    /// What to know beyond the code; may be empty.
    public var message: String

    /// Makes an error.
    public init(
        code: ErrorCode, path: String? = nil, operation: OperationCode? = nil, transactionIndex: Int? = nil,
        message: String = ""
    ) {
        self.code = code
        self.path = path
        self.operation = operation
        self.transactionIndex = transactionIndex
        self.message = message
    }

    /// The error of a transaction whose operation `index` failed with `code`.
    public static func transaction(index: Int, code: ErrorCode, path: String? = nil) -> ZooKeeperError {
        ZooKeeperError(code: code, path: path, operation: .multi, transactionIndex: index)
    }

    /// Whether the request may or may not have been carried out: the connection went, or no answer came in time.
    public var isOutcomeUnknown: Bool { code == .connectionLoss || code == .operationTimeout }

    public var description: String {
        var text = "ZooKeeper: \(code.clientName ?? code.description)"
        if let operation { text += " in \(operation)" }
        if let transactionIndex { text += " at operation \(transactionIndex)" }
        if let path { text += " of \(path)" }
        return message.isEmpty ? text : text + ": " + message
    }
}

/// Codes that only a client makes; far away from those of servers.
extension ErrorCode {
    /// The client was shut down, or ended because it was refused for good.
    public static let clientClosed = ErrorCode(rawValue: -10_001)
    /// Too much is under way already; try again later or raise the limit.
    public static let tooManyRequests = ErrorCode(rawValue: -10_002)
    /// The request would exceed the server's frame limit and cost the whole connection.
    public static let requestTooLarge = ErrorCode(rawValue: -10_003)

    /// No connection, because TLS failed: see the message.
    public static let tlsFailed = ErrorCode(rawValue: -10_004)

    var clientName: String? {
        switch self {
        case .clientClosed: "the client is closed"
        case .tooManyRequests: "too many requests"
        case .requestTooLarge: "the request is too large"
        case .tlsFailed: "TLS failed"
        default: nil
        }
    }
}
