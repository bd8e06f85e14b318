/// What `zookeeper_limits` and `zookeeper_stats` hold: counts as text, in the form that ZooKeeper's tools read and write.
///
/// `count=5,bytes=10` and, where there are hard limits, `count=5,bytes=10=;byteHardLimit=20;countHardLimit=6`. The odd
/// `=;` keeps readers from before hard limits working. −1 means that there is no limit.
struct QuotaLimits: Hashable, Sendable {
    var count: Int64 = -1
    var bytes: Int64 = -1
    var countHardLimit: Int64 = -1
    var byteHardLimit: Int64 = -1

    init(count: Int64 = -1, bytes: Int64 = -1, countHardLimit: Int64 = -1, byteHardLimit: Int64 = -1) {
        self.count = count
        self.bytes = bytes
        self.countHardLimit = countHardLimit
        self.byteHardLimit = byteHardLimit
    }

    /// Reads a node's data. What cannot be read counts as no limit: whoever may write the node may write anything.
    init(_ data: [UInt8]?) {
        for pair in (data ?? []).prefix(1024).split(whereSeparator: {
            $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ";")
        }) {
            let parts = pair.split(separator: UInt8(ascii: "="))
            guard parts.count == 2, let value = Int64(String(decoding: parts[1], as: UTF8.self)), value >= 0 else {
                continue
            }
            switch String(decoding: parts[0], as: UTF8.self) {
            case "count": count = value
            case "bytes": bytes = value
            case "countHardLimit": countHardLimit = value
            case "byteHardLimit": byteHardLimit = value
            default: continue
            }
        }
    }

    var text: String {
        var text = "count=\(count),bytes=\(bytes)"
        var hard: [String] = []
        if byteHardLimit >= 0 { hard.append("byteHardLimit=\(byteHardLimit)") }
        if countHardLimit >= 0 { hard.append("countHardLimit=\(countHardLimit)") }
        if !hard.isEmpty { text += "=;" + hard.joined(separator: ";") }
        return text
    }
}
