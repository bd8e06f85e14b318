import ZooKeeperRecipes

/// Who queues for a lock, as a ``TreeCache`` of its candidates shows it.
enum LockQueue {
    /// What the candidates of the lock at `path` say they are, the owner first. One whose name is not a candidate's is left out;
    /// one that says nothing is there with an empty name: it holds its place.
    static func names(at path: String, in snapshot: TreeSnapshot) -> [String] {
        QueueOrder.candidates(among: snapshot.children(path) ?? []).map { child in
            String(decoding: (snapshot.value(path + "/" + child)?.data ?? []).prefix(256), as: UTF8.self)
        }
    }
}
