/// A delay of an alarm that runs, as the tag's node keeps it: `"d":{"<alarm>":[start,value]}`.
///
/// It is written with the value that began it, so that a gateway that starts, or takes over without having heard that
/// value, lets the delay end when it should.
public struct RunningDelay: Sendable, Hashable {
    /// Time of the sample that began it, which also names the occurrence.
    public var start: Milliseconds
    /// That sample's value.
    public var value: Double
    /// How long the delay stood still since, because the quality was lost; a third element where it is not zero.
    public var paused: Milliseconds

    /// By alarm; the further delays of an alarm that has several running by `<alarm>/<limit>`.
    public typealias Table = [String: RunningDelay]

    public init(start: Milliseconds, value: Double, paused: Milliseconds = 0) {
        self.start = start
        self.value = value
        self.paused = paused
    }

    /// The name of a further delay. An alarm's name is a topic level, so that it cannot be mistaken for one.
    static func name(alarm: String, limit: AlarmCondition) -> String { alarm + "/" + limit.rawValue }
}

extension RunningDelay {
    /// nil for anything else than two or three numbers that a clock and a sensor may show.
    init?(json: JSONValue) {
        guard case .array(let elements) = json, (2...3).contains(elements.count), let start = elements[0].intValue,
            start.magnitude <= 1 << 53, let value = elements[1].doubleValue, value.isFinite
        else { return nil }
        var paused: Milliseconds = 0
        if elements.count == 3 {
            guard let time = elements[2].intValue, time.magnitude <= 1 << 53 else { return nil }
            paused = time
        }
        self.init(start: start, value: value, paused: paused)
    }

    static func table(json: JSONValue?) -> Table {
        guard case .object(let members)? = json else { return [:] }
        return Dictionary(
            members.compactMap { name, value in RunningDelay(json: value).map { (name, $0) } }, uniquingKeysWith: { $1 }
        )
    }

    static func write(_ table: Table, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, (name, delay)) in table.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONWriter.write(name, into: &bytes)
            bytes.append(contentsOf: ":[".utf8)
            JSONWriter.write(delay.start, into: &bytes)
            bytes.append(UInt8(ascii: ","))
            JSONWriter.write(delay.value, into: &bytes)
            if delay.paused != 0 {
                bytes.append(UInt8(ascii: ","))
                JSONWriter.write(delay.paused, into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
