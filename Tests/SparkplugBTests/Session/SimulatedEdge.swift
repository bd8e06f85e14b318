import Primitives
import SparkplugB
import TestFixtures

/// An edge node with devices, as the specification wants it: it counts, gives out aliases anew with each session, and births
/// everything when it is asked.
struct SimulatedEdge {
    struct Message {
        let type: SparkplugMessageType
        let device: String
        let payload: [UInt8]
    }

    struct Device {
        let name: String
        var isOnline = true
        /// By number of the metric: what it is now. A value names its metric, and each change of any is larger than all before.
        var values: [UInt32]
    }

    private(set) var devices: [Device]
    private(set) var births: UInt64 = 0
    private var aliases: [[UInt64]] = []
    private var sequence: UInt8 = 0
    private var number: UInt64 = 0
    private var changes: UInt32 = 0
    /// Its own clock, which differs from the host's, and shows no time twice.
    private var clock: UInt64 = 0
    private let clockOffset: UInt64 = 1_700_000_000_000

    static let metricsPerDevice = 4
    /// Values are this many times a count of changes, plus the number of the metric among all of the edge node.
    static let identities: UInt32 = 100

    init(devices count: Int) {
        devices = (0...count).map { Device(name: $0 == 0 ? "" : "d\($0)", values: []) }
        for device in devices.indices {
            for metric in 0..<Self.metricsPerDevice { devices[device].values.append(identity(device, metric)) }
        }
    }

    private func identity(_ device: Int, _ metric: Int) -> UInt32 { UInt32(device * Self.metricsPerDevice + metric) }

    private mutating func numbered() -> UInt64 {
        defer { sequence &+= 1 }
        return UInt64(sequence)
    }

    private mutating func seal(
        _ type: SparkplugMessageType, _ device: Int, at now: Int64, _ metrics: [SparkplugMetric]
    ) -> Message {
        clock = max(clock + 1, clockOffset + UInt64(now))
        let payload = SparkplugPayload(timestamp: clock, sequence: numbered(), metrics: metrics)
        return Message(type: type, device: devices[device].name, payload: payload.encoded)
    }

    private func metrics(of device: Int) -> [SparkplugMetric] {
        devices[device].values.enumerated().map { metric, value in
            SparkplugMetric(
                name: "m\(metric)", alias: aliases[device][metric], type: .uint32, value: .int(value))
        }
    }

    /// A new session: other aliases, the next bdSeq. The death is the will that the broker sends for the former one.
    mutating func reconnect(at now: Int64, _ random: inout SeededRandom) -> [Message] {
        var messages: [Message] = []
        if births > 0 {
            let will = SparkplugPayload(metrics: [SparkplugMetric(name: "bdSeq", type: .int64, value: .long(number))])
            messages.append(Message(type: .nodeDeath, device: "", payload: will.encoded))
            number = (number + 1) % 256
        }
        var all = (0..<UInt64(devices.count * Self.metricsPerDevice)).shuffled(using: &random)
        aliases = devices.map { _ in
            defer { all.removeFirst(Self.metricsPerDevice) }
            return Array(all.prefix(Self.metricsPerDevice))
        }
        return messages + rebirth(at: now)
    }

    /// The same session, told again.
    mutating func rebirth(at now: Int64) -> [Message] {
        births += 1
        sequence = 0
        let bdSeq = SparkplugMetric(name: "bdSeq", type: .int64, value: .long(number))
        var messages = [seal(.nodeBirth, 0, at: now, [bdSeq] + metrics(of: 0))]
        for device in devices.indices.dropFirst() where devices[device].isOnline {
            messages.append(seal(.deviceBirth, device, at: now, metrics(of: device)))
        }
        return messages
    }

    /// Some metrics of a device change, told by alias or by name.
    mutating func change(_ device: Int, at now: Int64, _ random: inout SeededRandom) -> [Message] {
        guard devices[device].isOnline else { return [] }
        var metrics: [SparkplugMetric] = []
        for metric in 0..<Self.metricsPerDevice where random.chance(50) {
            changes += 1
            let value = changes * Self.identities + identity(device, metric)
            devices[device].values[metric] = value
            if random.chance(80) {
                metrics.append(SparkplugMetric(alias: aliases[device][metric], value: .int(value)))
            } else {
                metrics.append(SparkplugMetric(name: "m\(metric)", value: .int(value)))
            }
        }
        return [seal(device == 0 ? .nodeData : .deviceData, device, at: now, metrics)]
    }

    /// A device comes or goes.
    mutating func toggle(_ device: Int, at now: Int64) -> [Message] {
        devices[device].isOnline.toggle()
        return [
            devices[device].isOnline
                ? seal(.deviceBirth, device, at: now, metrics(of: device)) : seal(.deviceDeath, device, at: now, [])
        ]
    }
}
