package import ZooKeeperClient
import ZooKeeperProtocol

/// Reads whole subtrees and many nodes at once, pipelined, a bounded number of requests at a time.
package struct TreeWalk: Sendable {
    /// Requests under way at once.
    package static let window = 256

    private let client: ZooKeeperClient

    package init(client: ZooKeeperClient) { self.client = client }

    /// The names of a node's children; none where there is no such node.
    package func children(of path: String) async throws -> [String] {
        do { return try await client.getChildren(path) } catch let error as ZooKeeperError where error.code == .noNode {
            return []
        }
    }

    /// The data of each of `paths`, in their order; nil for a node that does not exist (any more) or may not be read.
    package func data(of paths: [String]) async throws -> [NodeData?] {
        var result = [NodeData?](repeating: nil, count: paths.count)
        try await forEach(paths) { path -> NodeData? in
            do { return try await client.getData(path) } catch let error as ZooKeeperError
                where error.code == .noNode || error.code == .noAuth
            {
                return nil
            }
        } receive: { index, node in
            result[index] = node
        }
        return result
    }

    /// Every node below `root` (not `root` itself), parents before children.
    ///
    /// - Parameters:
    ///   - maximum: the walk ends when it has found more.
    ///   - isLeftOut: true for a node that is left out with all that is below it.
    package func descendants(
        of root: String, atMost maximum: Int = .max, except isLeftOut: (String) -> Bool = { _ in false }
    ) async throws -> [String] {
        var found: [String] = []
        var level = [root]
        while !level.isEmpty, found.count <= maximum {
            var next: [[String]] = Array(repeating: [], count: level.count)
            try await forEach(level) { path -> [String] in
                do {
                    return try await client.getChildren(path).map { path == "/" ? "/" + $0 : path + "/" + $0 }
                } catch let error as ZooKeeperError where error.code == .noNode || error.code == .noAuth { return [] }
            } receive: { index, children in
                next[index] = children
            }
            level = next.flatMap { $0 }.filter { !isLeftOut($0) }
            found += level
        }
        return found
    }

    private func forEach<Answer: Sendable>(
        _ paths: [String], request: @escaping @Sendable (String) async throws -> Answer,
        receive: (Int, Answer) -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
            for (index, path) in paths.enumerated() {
                if index >= Self.window, let (done, answer) = try await group.next() { receive(done, answer) }
                group.addTask { (index, try await request(path)) }
            }
            for try await (done, answer) in group { receive(done, answer) }
        }
    }
}
