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
        let request = MultiRequest(
            try operations.map { operation in
                let isSequential =
                    if case .create(_, _, _, let mode, _) = operation { mode.isSequential } else { false }
                return operation.withPath(try absolute(operation.path, sequential: isSequential, .multi))
            })
        let response = try await call(.multi, path: nil, as: MultiResponse.self) { request.write(into: &$0) }
        // Those before the one at fault say ok, those behind it runtimeInconsistency.
        var failure: (index: Int, code: ErrorCode)?
        for (index, result) in response.results.enumerated() {
            guard case .failed(let code) = result, code != .ok else { continue }
            if failure == nil || failure?.code == .runtimeInconsistency { failure = (index, code) }
            if code != .runtimeInconsistency { break }
        }
        if let failure {
            throw ZooKeeperError.transaction(
                index: failure.index, code: failure.code,
                path: operations.indices.contains(failure.index) ? operations[failure.index].path : nil)
        }
        guard response.results.count == operations.count else {
            throw ZooKeeperError(
                code: .marshallingError, operation: .multi,
                message: "\(response.results.count) results for \(operations.count) operations")
        }
        return response.results.map { result in
            guard case .created(let path, let stat) = result else { return result }
            return .created(path: chroot.relative(path), stat: stat)
        }
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
