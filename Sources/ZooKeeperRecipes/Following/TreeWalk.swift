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
        try await many(
            paths, asking: MultiReadOperation.getData,
            taking: { result in
                guard case .data(let answer) = result else { return nil }
                return NodeData(data: answer.data, stat: answer.stat)
            }, alone: client.getData)
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
            let children = try await many(
                level, asking: MultiReadOperation.getChildren,
                taking: { result in
                    guard case .children(let names) = result else { return nil }
                    return names
                }, alone: client.getChildren)
            let next = zip(level, children).map { path, names in
                (names ?? []).map { path == "/" ? "/" + $0 : path + "/" + $0 }
            }
            level = next.flatMap { $0 }.filter { !isLeftOut($0) }
            found += level
        }
        return found
    }

    // MARK: Many at once

    /// Reads that travel in one request: it costs both sides little more than a single one.
    private static let batch = 16

    /// What stands at each of `paths`, in their order; nil where there is no such node, or it may not be read.
    private func many<Answer: Sendable>(
        _ paths: [String], asking: @escaping @Sendable (String) -> MultiReadOperation,
        taking: @escaping @Sendable (ReadResult) -> Answer?,
        alone: @escaping @Sendable (String) async throws -> Answer
    ) async throws -> [Answer?] {
        var answers = [Answer?](repeating: nil, count: paths.count)
        try await withThrowingTaskGroup(of: (start: Int, answers: [Answer?]).self) { group in
            for (number, start) in stride(from: 0, to: paths.count, by: Self.batch).enumerated() {
                if number >= Self.window / Self.batch, let done = try await group.next() {
                    answers.replaceSubrange(done.start..<done.start + done.answers.count, with: done.answers)
                }
                let part = paths[start..<min(start + Self.batch, paths.count)]
                group.addTask { (start, try await few(part, asking: asking, taking: taking, alone: alone)) }
            }
            for try await done in group {
                answers.replaceSubrange(done.start..<done.start + done.answers.count, with: done.answers)
            }
        }
        return answers
    }

    /// In one request, or, where that does not work, one after the other: together they may be more than fits into an answer.
    private func few<Answer: Sendable>(
        _ paths: ArraySlice<String>, asking: (String) -> MultiReadOperation, taking: (ReadResult) -> Answer?,
        alone: (String) async throws -> Answer
    ) async throws -> [Answer?] {
        let results = paths.count > 1 ? try? await client.read(paths.map(asking)) : nil
        var answers: [Answer?] = []
        for (index, path) in paths.enumerated() {
            if let results, results.count == paths.count {
                switch results[index] {
                case .failed(.noNode), .failed(.noAuth):
                    answers.append(nil)
                    continue
                case let result:
                    if let answer = taking(result) {
                        answers.append(answer)
                        continue
                    }
                }
            }
            do { answers.append(try await alone(path)) } catch let error as ZooKeeperError
                where error.code == .noNode || error.code == .noAuth
            {
                answers.append(nil)
            }
        }
        return answers
    }
}
