/// What an edge node's births have named: devices, metrics and their tags, found by alias or by name.
///
/// Numbers of devices and tags stay as they are from birth to birth. Aliases belong to one birth. They are looked up per device,
/// although they should be unique per edge node: a client that counts them per device is then understood as well.
struct MetricTable: Sendable {
    struct Device: Sendable {
        let name: String
        var state = EdgeNodeState.unborn
        /// Counts its births; metrics of the current one bear this number.
        var birth: UInt32 = 0
        /// Whether its metrics and aliases hold.
        var isBorn = false
        /// The metrics that its last birth has named, and while one is read, those of the birth before. A birth costs as much as it
        /// names and the last one did, however many metrics there have been.
        var named: [UInt32] = []
        var formerlyNamed: [UInt32] = []
    }

    struct Metric: Sendable {
        let device: UInt32
        var type: SparkplugDataType
        /// The device's birth that named it last.
        var birth: UInt32 = 0
        var alias: UInt64?
        /// Whether it has several values: it is a data set or a template.
        var isCompound = false
        /// The tag that has its name; nil when it has always been compound, and when its name is refused.
        var ownTag: UInt32?
        /// The tags of a metric with several values, also those that it had before.
        var leaves: [UInt32] = []

        /// The tag of a metric with one value; nil for any other, and when its name is refused.
        var tag: UInt32? { isCompound ? nil : ownTag }
    }

    struct Tag: Sendable {
        let device: UInt32
        let path: String
        /// The metric whose tag it is.
        let owner: UInt32
        var type = SparkplugDataType.unknown
        /// Whether it has had a value since it was stale.
        var isShown = false
        /// When the message with its latest value was sent, as it said.
        var lastSentAt = Int64.min
        /// The last reading of its metric in which it was met.
        var stamp: UInt64 = 0
    }

    private struct AliasKey: Hashable {
        let alias: UInt64
        let device: UInt32
    }

    private let capacities: EdgeNodeCapacities
    /// Whether no new name is taken.
    var isClosed = false
    var devices: ContiguousArray<Device> = [Device(name: "")]
    var metrics: ContiguousArray<Metric> = []
    var tags: ContiguousArray<Tag> = []
    private var deviceNames = NameTable()
    private var metricNames = NameTable()
    private var tagNames = NameTable()
    private var aliases: [AliasKey: UInt32] = [:]

    init(capacities: EdgeNodeCapacities) { self.capacities = capacities }

    /// Whether a birth that holds has named the metric.
    @inline(__always)
    func isBorn(_ metric: UInt32) -> Bool {
        let device = Int(metrics[Int(metric)].device)
        return devices[device].isBorn && metrics[Int(metric)].birth == devices[device].birth
    }

    /// Bytes that all of it takes, roughly: names twice, and what is known of them.
    var footprint: Int {
        1_024 + 2 * (deviceNames.byteCount + metricNames.byteCount + tagNames.byteCount) + 256 * devices.count
            + 256 * (metrics.count + tags.count)
    }

    // MARK: devices

    /// The device of that name; empty for the edge node itself.
    func device(_ name: borrowing Span<UInt8>) -> UInt32? {
        name.isEmpty ? 0 : deviceNames.number(of: name, scope: 0).map { $0 &+ 1 }
    }

    /// The device of that name, a new one when it is not known.
    mutating func addDevice(_ name: borrowing Span<UInt8>) throws(RefusedName) -> UInt32 {
        if let known = device(name) { return known }
        guard !isClosed, deviceNames.count < capacities.devices else { throw RefusedName(.tooManyDevices) }
        guard deviceNames.byteCount &+ name.count <= capacities.nameBytes else { throw RefusedName(.tooManyNameBytes) }
        devices.append(Device(name: name.text()))
        return deviceNames.insert(name, scope: 0) &+ 1
    }

    // MARK: births

    /// All births are over: aliases mean nothing, until the next ones.
    mutating func endBirths() {
        // Those of a large birth are not gone through again and again.
        aliases.removeAll(keepingCapacity: 4 * aliases.count >= aliases.capacity)
        for device in devices.indices { devices[device].isBorn = false }
    }

    /// A birth of the device follows.
    mutating func beginBirth(_ device: UInt32) {
        devices[Int(device)].formerlyNamed = devices[Int(device)].named
        devices[Int(device)].named = []
        for metric in devices[Int(device)].formerlyNamed {
            guard let alias = metrics[Int(metric)].alias else { continue }
            let key = AliasKey(alias: alias, device: device)
            if aliases[key] == metric { aliases[key] = nil }
            metrics[Int(metric)].alias = nil
        }
        devices[Int(device)].birth &+= 1
        devices[Int(device)].isBorn = true
    }

    /// The birth of the device has been read. Gives the metrics that the one before had named and this one has not.
    mutating func endBirth(_ device: UInt32) -> [UInt32] {
        let former = devices[Int(device)].formerlyNamed
        devices[Int(device)].formerlyNamed = []
        return former.filter { metrics[Int($0)].birth != devices[Int(device)].birth }
    }

    /// The metric of that name, as the birth describes it.
    mutating func define(
        _ name: borrowing Span<UInt8>, device: UInt32, type: SparkplugDataType, isCompound: Bool
    ) throws(RefusedName) -> UInt32 {
        let metric: UInt32
        if let known = metricNames.number(of: name, scope: device) {
            metric = known
        } else {
            guard !isClosed, metrics.count < capacities.metrics else { throw RefusedName(.tooManyMetrics) }
            guard metricNames.byteCount &+ name.count <= capacities.nameBytes else {
                throw RefusedName(.tooManyNameBytes)
            }
            do throws(SparkplugTagName.Refusal) {
                _ = try SparkplugTagName.levels(of: name)
            } catch {
                throw RefusedName(.name(error))
            }
            metric = metricNames.insert(name, scope: device)
            metrics.append(Metric(device: device, type: type))
        }
        let index = Int(metric)
        metrics[index].type = type
        if metrics[index].birth != devices[Int(device)].birth {
            metrics[index].birth = devices[Int(device)].birth
            devices[Int(device)].named.append(metric)
        }
        metrics[index].isCompound = isCompound
        if !isCompound, metrics[index].ownTag == nil { metrics[index].ownTag = try tag(name, of: metric) }
        return metric
    }

    /// Gives an alias to a metric of a birth; false when another metric of the same birth had it.
    mutating func setAlias(_ alias: UInt64, of metric: UInt32) -> Bool {
        let key = AliasKey(alias: alias, device: metrics[Int(metric)].device)
        if let former = metrics[Int(metric)].alias, former != alias {
            aliases[AliasKey(alias: former, device: key.device)] = nil
        }
        metrics[Int(metric)].alias = alias
        let former = aliases.updateValue(metric, forKey: key)
        return former == nil || former == metric
    }

    // MARK: metrics and tags

    func metric(_ name: borrowing Span<UInt8>, device: UInt32) -> UInt32? {
        metricNames.number(of: name, scope: device)
    }

    @inline(__always)
    func metric(alias: UInt64, device: UInt32) -> UInt32? { aliases[AliasKey(alias: alias, device: device)] }

    func name(of metric: UInt32) -> String { metricNames[metric] }

    /// The tag of that name, a new one when it is not known.
    mutating func tag(_ path: borrowing Span<UInt8>, of metric: UInt32) throws(RefusedName) -> UInt32 {
        let device = metrics[Int(metric)].device
        if let known = tagNames.number(of: path, scope: device) {
            guard tags[Int(known)].owner == metric else { throw RefusedName(.nameTaken) }
            return known
        }
        guard !isClosed, tags.count < capacities.metrics else { throw RefusedName(.tooManyMetrics) }
        guard tagNames.byteCount &+ path.count <= capacities.nameBytes else { throw RefusedName(.tooManyNameBytes) }
        let text: String
        do throws(SparkplugTagName.Refusal) {
            text = try SparkplugTagName.levels(of: path)
        } catch {
            throw RefusedName(.name(error))
        }
        tags.append(Tag(device: device, path: text, owner: metric))
        return tagNames.insert(path, scope: device)
    }

    /// Why a name is not taken.
    struct RefusedName: Error {
        let refusal: EdgeNodeRefusal

        init(_ refusal: EdgeNodeRefusal) { self.refusal = refusal }
    }
}
