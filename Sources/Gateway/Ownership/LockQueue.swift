import ZooKeeperRecipes

/// Who queues for a lock, as a ``TreeCache`` of its candidates shows it.
enum LockQueue {
    /// What the candidates of the lock at `path` say they are, the owner first. One whose name is not a candidate's is left out;
    /// one that says nothing is there with an empty name: it holds its place.
    static func names(at path: String, in snapshot: TreeSnapshot) -> [String] {
        let queue = (snapshot.children(path) ?? []).compactMap { child -> (number: Int32, name: String)? in
            guard let dash = child.lastIndex(of: "-"), let number = Int32(child[child.index(after: dash)...]) else {
                return nil
            }
            let data = snapshot.value(path + "/" + child)?.data ?? []
            return (number, String(decoding: data.prefix(256), as: UTF8.self))
        }
        // The server's counter wraps around: what is smaller by difference came first.
        return queue.sorted { $0.number &- $1.number < 0 }.map(\.name)
    }
}
