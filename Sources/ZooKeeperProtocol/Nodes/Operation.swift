/// One operation of a transaction.
public enum Operation: Sendable, Hashable {
    /// Makes a node. `timeToLiveMilliseconds` counts only for the modes that have one.
    case create(
        path: String, data: [UInt8]?, acl: [ACL] = ACL.worldAll, mode: CreateMode = .persistent,
        timeToLiveMilliseconds: Int64 = 0)
    /// Deletes a node without children; `version` −1 matches any.
    case delete(path: String, version: Int32 = -1)
    /// Replaces the data; `version` −1 matches any.
    case setData(path: String, data: [UInt8]?, version: Int32 = -1)
    /// Demands that the node exists and has this version; `version` −1 matches any.
    case check(path: String, version: Int32 = -1)

    /// The path that the operation names.
    public var path: String {
        switch self {
        case .create(let path, _, _, _, _), .delete(let path, _), .setData(let path, _, _), .check(let path, _): path
        }
    }

    /// The same operation elsewhere; what a client with a chroot needs.
    public func withPath(_ path: String) -> Operation {
        switch self {
        case .create(_, let data, let acl, let mode, let ttl):
            .create(path: path, data: data, acl: acl, mode: mode, timeToLiveMilliseconds: ttl)
        case .delete(_, let version): .delete(path: path, version: version)
        case .setData(_, let data, let version): .setData(path: path, data: data, version: version)
        case .check(_, let version): .check(path: path, version: version)
        }
    }
}

/// What one operation of a transaction came to.
public enum OperationResult: Sendable, Hashable {
    /// The node's actual path; the stat when the server told it.
    case created(path: String, stat: Stat?)
    case set(Stat)
    case deleted
    case checked
    /// The transaction failed as a whole. The operation at fault carries its error, those before it `ok`, those behind
    /// it `runtimeInconsistency`.
    case failed(ErrorCode)
}

/// What one read of a `multiRead` came to. Each stands alone.
public enum ReadResult: Sendable, Hashable {
    case data(GetDataResponse)
    case children([String])
    case failed(ErrorCode)
}
