import JSON

/// The data of a tag's node: `{"v":value,"q":"good","t":sourceTime,"r":receivedTime,"u":unit,"d":delays,"by":"device"}`.
public struct TagRecord: Sendable, Hashable {
    /// nil (`null`) when no message on the tag could ever be understood.
    public var value: TagValue?
    public var quality: Quality
    public var sourceTime: Milliseconds
    public var receivedTime: Milliseconds
    public var unit: String?
    /// Delays of alarms that run on the tag; left out when there are none.
    public var delays: RunningDelay.Table
    /// Whether it is the device that calls its value uncertain (`"by":"device"`), and not its time that is in doubt.
    public var isCalledUncertain: Bool

    public init(
        value: TagValue?, quality: Quality, sourceTime: Milliseconds, receivedTime: Milliseconds, unit: String? = nil,
        delays: RunningDelay.Table = [:], isCalledUncertain: Bool = false
    ) {
        self.value = value
        self.quality = quality
        self.sourceTime = sourceTime
        self.receivedTime = receivedTime
        self.unit = unit
        self.delays = delays
        self.isCalledUncertain = isCalledUncertain
    }

    /// Reads a node's data; nil when it is not a tag record.
    public init?(parsing bytes: [UInt8]) {
        do throws(RecordMistake) {
            let members = try RecordReader<Member>(parsing: bytes)
            guard let value = members[.v], value.isNull || TagValue(json: value) != nil,
                let quality = Quality(name: try members.requiredText(.q))
            else { return nil }
            self.init(
                value: TagValue(json: value), quality: quality, sourceTime: try members.requiredTime(.t),
                receivedTime: try members.requiredTime(.r), unit: members[.u]?.stringValue,
                delays: RunningDelay.table(json: members[.d]),
                isCalledUncertain: quality == .uncertain && members[.by]?.stringValue == Self.device)
        } catch {
            return nil
        }
    }

    private static let device = "device"

    private enum Member: String, CaseIterable { case v, q, t, r, u, d, by }

    /// Appends the record as JSON, keys in the order above.
    public func write(into bytes: inout [UInt8]) {
        bytes.append(contentsOf: "{\"v\":".utf8)
        if let value { value.write(into: &bytes) } else { bytes.append(contentsOf: "null".utf8) }
        bytes.append(contentsOf: ",\"q\":\"".utf8)
        bytes.append(contentsOf: quality.name.utf8)
        bytes.append(contentsOf: "\",\"t\":".utf8)
        JSONWriter.write(sourceTime, into: &bytes)
        bytes.append(contentsOf: ",\"r\":".utf8)
        JSONWriter.write(receivedTime, into: &bytes)
        if let unit {
            bytes.append(contentsOf: ",\"u\":".utf8)
            JSONWriter.write(unit, into: &bytes)
        }
        if !delays.isEmpty {
            bytes.append(contentsOf: ",\"d\":".utf8)
            RunningDelay.write(delays, into: &bytes)
        }
        if isCalledUncertain {
            bytes.append(contentsOf: ",\"by\":".utf8)
            JSONWriter.write(Self.device, into: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// The record as JSON.
    public func serialized() -> [UInt8] {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return bytes
    }
}
