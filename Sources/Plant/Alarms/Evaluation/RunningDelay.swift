import JSON

/// The sample that began a delay of an alarm which runs, or which has led to a transition that is not recorded yet. The
/// tag's node keeps them, the earliest first: `"d":{"<alarm>":[start,value,…]}`, or `"<alarm>/<limit>"` for an alarm with
/// several limits.
///
/// They are written with the value that began them, so that a gateway that starts, or takes over without having heard that
/// value, comes to the same transition: it takes them for samples that the broker delivers again, each in its place.
public struct RunningDelay: Sendable, Hashable, Comparable {
    /// Time of the sample, which also names the occurrence.
    public var start: Milliseconds
    public var value: Double

    /// By alarm, or by alarm and limit. An alarm's name is one topic level, so that the two cannot be mistaken.
    public typealias Table = [String: [RunningDelay]]

    /// Of a limit; the earliest are kept. What came after them has not been acknowledged to the broker.
    static let capacity = 12

    public init(start: Milliseconds, value: Double) {
        self.start = start
        self.value = value
    }

    public static func < (left: RunningDelay, right: RunningDelay) -> Bool { left.start < right.start }
}

extension RunningDelay {
    /// Reads the member of a tag's record; what is not pairs of numbers that a clock and a sensor may show is left out.
    static func table(json: JSONValue?) -> Table {
        guard case .object(let members)? = json else { return [:] }
        return Dictionary(
            members.compactMap { name, value in list(json: value).map { (name, $0) } }, uniquingKeysWith: { $1 })
    }

    private static func list(json: JSONValue) -> [RunningDelay]? {
        guard case .array(let elements) = json, !elements.isEmpty, elements.count % 2 == 0 else { return nil }
        var delays: [RunningDelay] = []
        for index in stride(from: 0, to: min(elements.count, 2 * capacity), by: 2) {
            guard let start = elements[index].timeValue,
                let value = elements[index + 1].doubleValue, value.isFinite
            else { return nil }
            delays.append(RunningDelay(start: start, value: value))
        }
        return delays.sorted()
    }

    static func write(_ table: Table, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, (name, delays)) in table.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONWriter.write(name, into: &bytes)
            bytes.append(contentsOf: ":[".utf8)
            for (index, delay) in delays.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONWriter.write(delay.start, into: &bytes)
                bytes.append(UInt8(ascii: ","))
                JSONWriter.write(delay.value, into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
