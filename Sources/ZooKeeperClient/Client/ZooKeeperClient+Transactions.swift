import NIOCore
public import ZooKeeperProtocol

/// Many operations as one.
extension ZooKeeperClient {
    /// Carries out all operations, or none, as one change of the tree.
    ///
    /// - Returns: The results in the order of the operations.
    /// - Throws: ``ZooKeeperError`` with `transactionIndex` and the code of the operation at fault.
    @discardableResult
    public func transaction(_ operations: [Operation]) async throws -> [OperationResult] {
        guard !operations.isEmpty else { return [] }
        try validate(operations)
        let response = try await call(.multi, path: nil, size: roughSize(of: operations), as: MultiResponse.self) {
            write(operations, into: &$0)
        }
        return try Self.results(response, of: operations, chroot: chroot)
    }

    func validate(_ operations: [Operation]) throws {
        for operation in operations {
            let isSequential = if case .create(_, _, _, let mode, _) = operation { mode.isSequential } else { false }
            try validate(operation.path, sequential: isSequential, .multi)
        }
    }

    func roughSize(of operations: [Operation]) -> Int {
        operations.reduce(0) { $0 + $1.roughSize + chroot.prefix.utf8.count }
    }

    /// Writes a valid transaction; one by one: no list of requests is made only to be written.
    func write(_ operations: [Operation], into frame: inout ByteBuffer) {
        for operation in operations {
            let whole = chroot.isRoot ? operation : operation.withPath(chroot.absolute(operation.path))
            MultiOperation(whole).write(into: &frame)
        }
        MultiHeader.end.write(into: &frame)
    }

    /// The results as the caller knows the paths, or the error of the operation at fault.
    static func results(
        _ response: MultiResponse, of operations: [Operation], chroot: Chroot
    ) throws -> [OperationResult] {
        if let failure = Self.failure(in: response.results) {
            throw ZooKeeperError.transaction(
                index: failure.index, code: failure.code,
                path: operations.indices.contains(failure.index) ? operations[failure.index].path : nil)
        }
        guard response.results.count == operations.count else {
            throw ZooKeeperError(
                code: .marshallingError, operation: .multi,
                message: "\(response.results.count) results for \(operations.count) operations")
        }
        if chroot.isRoot { return response.results }
        return response.results.map { result in
            guard case .created(let path, let stat) = result else { return result }
            return .created(path: chroot.relative(path), stat: stat)
        }
    }

    /// The operation at fault: those before it say ok, those behind it runtimeInconsistency.
    private static func failure(in results: [OperationResult]) -> (index: Int, code: ErrorCode)? {
        var failure: (index: Int, code: ErrorCode)?
        for index in results.indices {
            guard case .failed(let code) = results[index], code != .ok else { continue }
            if failure == nil || failure?.code == .runtimeInconsistency { failure = (index, code) }
            if code != .runtimeInconsistency { break }
        }
        return failure
    }

    /// Reads many nodes at one moment; each read has its own outcome.
    public func read(_ operations: [MultiReadOperation]) async throws -> [ReadResult] {
        guard !operations.isEmpty else { return [] }
        let request = MultiReadRequest(
            operations: try operations.map { operation in
                switch operation {
                case .getData(let path): .getData(path: try absolute(path, .multiRead))
                case .getChildren(let path): .getChildren(path: try absolute(path, .multiRead))
                }
            })
        let response = try await call(.multiRead, path: nil, as: MultiReadResponse.self) { request.write(into: &$0) }
        return response.results
    }
}

extension Operation {
    /// About how many bytes it takes on the wire; not less than it does, access lists aside.
    fileprivate var roughSize: Int {
        switch self {
        case .create(let path, let data, let acl, _, _): 48 + path.utf8.count + (data?.count ?? 0) + 48 * acl.count
        case .setData(let path, let data, _): 24 + path.utf8.count + (data?.count ?? 0)
        case .delete(let path, _), .check(let path, _): 24 + path.utf8.count
        }
    }
}
