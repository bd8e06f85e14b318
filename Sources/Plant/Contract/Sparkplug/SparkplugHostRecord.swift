import JSON
import OrderedCollections

/// `/sparkplug/<host id>`: the newest timestamp that a gateway has used, or is about to use, as this host.
public struct SparkplugHostRecord: Sendable, Equatable {
    public var timestamp: Milliseconds
    /// Which gateway has written it.
    public var gateway: String

    public init(timestamp: Milliseconds, gateway: String) {
        self.timestamp = timestamp
        self.gateway = gateway
    }

    /// nil for anything that is not such a record.
    public init?(data: [UInt8]) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(parsing: data)
            self.init(timestamp: try members.requiredTime(.timestamp), gateway: try members.requiredText(.gateway))
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable { case timestamp, gateway }

    public func serialized() -> [UInt8] {
        JSONValue.object(["timestamp": .integer(timestamp), "gateway": .string(gateway)]).serialized()
    }
}
