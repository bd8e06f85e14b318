import ZooKeeperProtocol

extension Engine {
    /// Refuses what would go over a hard limit, and notes what goes over a soft one.
    ///
    /// - Parameters:
    ///   - key: The node that is created or written.
    ///   - parent: The node above it.
    func checkQuota(_ key: PathKey, parent: Node?, nodes: Int64, bytes: Int64) throws(ErrorCode) {
        guard nodes > 0 || bytes > 0, let quota = tree.quotas.governing(key, parent: parent) else { return }
        if nodes > 0 {
            try check(
                quota, "count", quota.count + nodes, soft: quota.limits.count, hard: quota.limits.countHardLimit)
        }
        if bytes > 0 {
            try check(quota, "bytes", quota.bytes + bytes, soft: quota.limits.bytes, hard: quota.limits.byteHardLimit)
        }
    }

    private func check(
        _ quota: QuotaTable.Quota, _ what: String, _ value: Int64, soft: Int64, hard: Int64
    ) throws(ErrorCode) {
        if hard >= 0, value > hard {
            statistics.quotaHardExceeded &+= 1
            notices.add(.quotaExceeded(path: quota.path.string, what: what, value: value, limit: hard, isHard: true))
            if settings.enforcesQuota { throw .quotaExceeded }
        } else if soft >= 0, value > soft {
            statistics.quotaSoftExceeded &+= 1
            notices.add(.quotaExceeded(path: quota.path.string, what: what, value: value, limit: soft, isHard: false))
        }
    }
}
