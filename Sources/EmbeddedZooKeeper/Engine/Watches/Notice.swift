/// Something that the engine's owner may want to write down. The engine itself writes no log.
enum Notice: Hashable, Sendable {
    case quotaExceeded(path: String, what: String, value: Int64, limit: Int64, isHard: Bool)
    /// Somebody could not prove who they are; the user is whom they said they were, as far as that is known.
    case credentialsRefused(address: String, scheme: String, user: String?)
    case handshakeFailed(address: String, reason: String)
    /// There is no room on the disk to record a session.
    case sessionRefused(address: String)
    case connectionRefused(address: String, limit: Int, isOfAddress: Bool)
    /// Too many ask already how the server is.
    case adminConnectionRefused(address: String, limit: Int)
    /// A request, or what a client does not take, is longer than the limit.
    case requestTooLong(address: String, length: Int, limit: Int)
    case outputNotTaken(address: String, limit: Int)
    /// The process may not open any more files or connections.
    case outOfDescriptors
    /// What was read from disk is not what was there when it was written.
    case digestMismatch(zxid: Int64, stated: UInt64, found: UInt64)
}

/// Notices that nobody has read yet: a few, because what causes one may cause thousands, and how many more there were.
struct Notices {
    private static let limit = 4
    private(set) var kept: [Notice] = []
    private(set) var suppressed: UInt64 = 0

    var isEmpty: Bool { kept.isEmpty }

    mutating func add(_ notice: @autoclosure () -> Notice) {
        if kept.count < Self.limit { kept.append(notice()) } else { suppressed &+= 1 }
    }

    mutating func take() -> Notices {
        let taken = self
        self = Notices()
        return taken
    }
}
