import TestFixtures

/// Reads tags over and over and tells of each one that went back: to an older sample by the samples' own time, or, for
/// counters, whose values only go up, to a lower count.
final class TagOrderWatch: Sendable {
    private struct Seen {
        var node: TagNode
        /// Of the transaction that wrote it.
        var zxid: Int64

        var text: String {
            "[\(node.v.map { "\($0)" } ?? "nothing") \(node.q) t \(node.t) r \(node.r), zxid \(zxid)]"
        }
    }

    private let task: Task<(wrong: [String], rounds: Int), Never>

    init(_ reader: TreeReader, _ tags: [String]) {
        task = Task {
            var newest: [String: Seen] = [:]
            var wrong: [String] = []
            var rounds = 0
            while !Task.isCancelled {
                if let nodes = try? await Self.read(tags, reader) {
                    rounds += 1
                    for (tag, now) in nodes {
                        if let before = newest[tag], Self.isBack(now.node, before.node, tag) {
                            let owner = try? await reader.owner(device: Self.device(tag))
                            wrong.append(
                                "\(tag) went back from \(before.text) to \(now.text), owner \(owner ?? "unknown")")
                        } else {
                            newest[tag] = now
                        }
                    }
                }
                try? await Task.sleep(for: .milliseconds(5))
            }
            return (wrong, rounds)
        }
    }

    private static func device(_ tag: String) -> String {
        tag.split(separator: "/").dropLast().joined(separator: "/")
    }

    private static func isBack(_ now: TagNode, _ before: TagNode, _ tag: String) -> Bool {
        if now.t < before.t { return true }
        guard tag.hasSuffix("/count"), let now = now.v?.number, let before = before.v?.number else { return false }
        return now < before
    }

    private static func read(_ tags: [String], _ reader: TreeReader) async throws -> [String: Seen] {
        try await withThrowingTaskGroup(of: (String, Seen?).self) { group in
            for tag in tags {
                group.addTask {
                    guard let (node, zxid) = try await reader.tagAndZxid(tag) else { return (tag, nil) }
                    return (tag, Seen(node: node, zxid: zxid))
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    /// What went back since the beginning; also when nothing could be watched at all.
    func end() async -> [String] {
        task.cancel()
        let (wrong, rounds) = await task.value
        return rounds > 0 ? wrong : ["the tags could never be read"]
    }
}
