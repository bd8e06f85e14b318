import ZooKeeperProtocol

/// The requests of the kill tests, with their answers read.
extension RawSession {
    func sendSet(_ path: String, _ data: [UInt8]) throws {
        try send(.setData) { SetDataRequest(path: path, data: data, version: -1).write(into: &$0) }
    }

    func create(_ path: String, _ data: [UInt8] = [], mode: CreateMode = .persistent) throws -> ErrorCode {
        try call(.create2) { CreateRequest(path: path, data: data, acl: ACL.worldAll, mode: mode).write(into: &$0) }
            .error
    }

    /// nil when there is no such node.
    func get(_ path: String) throws -> GetDataResponse? {
        var reply = try call(.getData) { PathWatchRequest(path: path, watch: false).write(into: &$0) }
        if reply.error == .noNode { return nil }
        return try GetDataResponse(from: &reply.body)
    }

    func children(_ path: String) throws -> [String] {
        var reply = try call(.getChildren) { PathWatchRequest(path: path, watch: false).write(into: &$0) }
        return try StringsResponse(from: &reply.body).strings
    }

    func read(_ operations: [MultiReadOperation]) throws -> [ReadResult] {
        var reply = try call(.multiRead) { MultiReadRequest(operations: operations).write(into: &$0) }
        return try MultiReadResponse(from: &reply.body).results
    }

    func sendTransaction(_ operations: [Operation]) throws {
        try send(.multi) { MultiRequest(operations).write(into: &$0) }
    }

    func receiveTransaction() throws -> [OperationResult] {
        var reply = try receive()
        guard reply.error == .ok else { return [.failed(reply.error)] }
        return try MultiResponse(from: &reply.body).results
    }
}
