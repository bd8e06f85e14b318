import JSON

/// The payload of STATE: `{"online":true,"timestamp":1790000000000}`.
public struct HostStatePayload: Hashable, Sendable {
    public let isOnline: Bool
    /// In milliseconds since 1970 UTC. It decides which of two messages is the newer one.
    public let timestamp: Int64

    public init(isOnline: Bool, timestamp: Int64) {
        self.isOnline = isOnline
        self.timestamp = timestamp
    }

    /// nil for what is no such payload: other JSON, a timestamp that is no time, the text of older hosts, nothing at all.
    public init?(_ bytes: borrowing Span<UInt8>) {
        guard bytes.count <= 1024, let value = try? JSONValue(parsing: bytes),
            case .bool(let isOnline)? = value["online"],
            case .integer(let timestamp)? = value["timestamp"], SparkplugTime.shownByClocks.contains(timestamp)
        else { return nil }
        self.init(isOnline: isOnline, timestamp: timestamp)
    }

    public var encoded: [UInt8] {
        Array("{\"online\":\(isOnline),\"timestamp\":\(timestamp)}".utf8)
    }
}
