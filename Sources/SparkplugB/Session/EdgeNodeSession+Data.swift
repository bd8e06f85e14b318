extension EdgeNodeSession {
    /// Takes a message whose turn it is.
    @inline(__always)
    mutating func take(
        _ type: SparkplugMessageType, device: borrowing Span<UInt8>, _ reader: SparkplugMetricReader,
        _ payload: borrowing Span<UInt8>, receivedAt: Int64, into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        if let sent = reader.timestamp, let newest = birth?.newestSent, sent > newest { birth?.newestSent = sent }
        // It has been silent, and was there all the time.
        if table.devices[0].state == .stale { changeState(of: 0, to: .online, at: receivedAt, into: &events) }
        switch type {
        case .nodeData: readMetrics(of: 0, isBirth: false, reader, payload, receivedAt: receivedAt, into: &events)
        case .deviceData:
            guard let number = table.device(device), table.devices[Int(number)].isBorn else {
                counters.unknownDevices &+= 1
                rebirth.want(.unknownDevice, at: receivedAt)
                return
            }
            if table.devices[Int(number)].state != .online {
                changeState(of: number, to: .online, at: receivedAt, into: &events)
            }
            readMetrics(of: number, isBirth: false, reader, payload, receivedAt: receivedAt, into: &events)
        case .deviceBirth: deviceBorn(device, reader, payload, receivedAt: receivedAt, into: &events)
        case .deviceDeath: deviceDied(device, reader, receivedAt: receivedAt, into: &events)
        case .nodeBirth, .nodeDeath, .nodeCommand, .deviceCommand: break
        }
    }

    /// Reads all metrics of a message of a device, or of the edge node itself.
    mutating func readMetrics(
        of device: UInt32, isBirth: Bool, _ reader: SparkplugMetricReader, _ payload: borrowing Span<UInt8>,
        receivedAt: Int64, into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        var reader = reader
        let message = Message(
            device: device, isBirth: isBirth, time: reader.timestamp.flatMap(SparkplugTime.checked),
            receivedAt: receivedAt)
        if reader.timestamp != nil, message.time == nil { counters.unreadableTimes &+= 1 }
        nameableRefusals = capacities.refusalsPerMessage
        leafVisits = 2 * capacities.metrics
        while true {
            do throws(SparkplugError) {
                guard let view = try reader.next(payload) else { return }
                if isBirth {
                    define(view, payload, message, into: &events)
                } else if let metric = metric(view, payload, device) {
                    read(metric, view, payload, message, into: &events)
                } else {
                    counters.unknownMetrics &+= 1
                    rebirth.want(.unknownMetric, at: receivedAt)
                }
            } catch {
                counters.unreadableMetrics &+= 1
                refuse("", .mistake(error), device, into: &events)
            }
        }
    }

    /// What all metrics of a message share.
    struct Message {
        let device: UInt32
        let isBirth: Bool
        /// When it was sent; nil when it does not say, or says no time.
        let time: Int64?
        let receivedAt: Int64
    }

    /// The metric that is meant; nil when the birth that holds has none such. A name is safer than an alias.
    @inline(__always)
    private func metric(
        _ view: SparkplugMetricView, _ payload: borrowing Span<UInt8>, _ device: UInt32
    ) -> UInt32? {
        let found: UInt32?
        if let name = view.name, !name.isEmpty {
            found = table.metric(payload.extracting(name), device: device)
        } else if let alias = view.alias {
            found = table.metric(alias: alias, device: device)
        } else {
            found = nil
        }
        guard let found, table.isBorn(found) else { return nil }
        return found
    }

    /// A metric of a birth.
    private mutating func define(
        _ view: SparkplugMetricView, _ payload: borrowing Span<UInt8>, _ message: Message,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        guard let range = view.name else {
            counters.unreadableMetrics &+= 1
            refuse("", .mistake(SparkplugError(.unnamed, at: view.range.lowerBound)), message.device, into: &events)
            return
        }
        let name = payload.extracting(range)
        if message.device == 0 {
            if name.hasBytes(of: SparkplugName.birthNumber) {
                birth?.number = view.integerBits
                return
            }
            if name.hasBytes(of: SparkplugName.rebirth) { return }
        }
        let isCompound = view.type.isCompound || view.value.kind == .dataSet || view.value.kind == .template
        // A definition has no values.
        if view.value.kind == .template, SparkplugTemplate.isDefinition(payload, view.value.range) { return }
        do throws(MetricTable.RefusedName) {
            let metric = try table.define(name, device: message.device, type: view.type, isCompound: isCompound)
            if let alias = view.alias, !table.setAlias(alias, of: metric) { counters.aliasConflicts &+= 1 }
            read(metric, view, payload, message, into: &events)
        } catch {
            refuse(name.text(), error.refusal, message.device, into: &events)
        }
    }

    @inline(__always)
    private mutating func read(
        _ metric: UInt32, _ view: SparkplugMetricView, _ payload: borrowing Span<UInt8>, _ message: Message,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        guard let tag = table.metrics[Int(metric)].tag else {
            readCompound(metric, view, payload, message, into: &events)
            return
        }
        let given = view.type
        let type = given == .unknown ? table.metrics[Int(metric)].type : given
        var value: SparkplugScalar?
        var quality = SparkplugQuality.good
        do throws(SparkplugError) {
            if !view.isNull { value = try view.scalar(as: type, in: payload) }
            quality = try view.quality(in: payload)
        } catch {
            counters.unreadableMetrics &+= 1
            refuse(table.tags[Int(tag)].path, .mistake(error), message.device, into: &events)
            value = nil
            quality = .bad
        }
        let flags = flags(view, message)
        append(tag, value, quality, flags, time(view.timestamp, message), message, into: &events)
        // Tags that it had while it had several values.
        if message.isBirth, !table.metrics[Int(metric)].leaves.isEmpty,
            mayVisitLeaves(of: metric, view, message, into: &events)
        {
            for leaf in table.metrics[Int(metric)].leaves { hide(leaf, at: message.receivedAt, into: &events) }
        }
    }

    @inline(__always)
    func flags(_ view: SparkplugMetricView, _ message: Message) -> SparkplugSample.Flags {
        var flags: SparkplugSample.Flags = message.isBirth ? .birth : []
        if view.isHistorical { flags.insert(.historical) }
        if view.isTransient { flags.insert(.transient) }
        if view.isNull { flags.insert(.null) }
        if isUnproven, view.name == nil { flags.insert(.unproven) }
        return flags
    }

    /// The metric's own time, else that of its message.
    @inline(__always)
    mutating func time(_ timestamp: UInt64?, _ message: Message) -> Int64? {
        guard let timestamp else { return message.time }
        if let time = SparkplugTime.checked(timestamp) { return time }
        counters.unreadableTimes &+= 1
        return message.time
    }

    @inline(__always)
    mutating func append(
        _ tag: UInt32, _ value: SparkplugScalar?, _ quality: SparkplugQuality, _ flags: SparkplugSample.Flags,
        _ time: Int64?, _ message: Message, into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        if !flags.contains(.historical) {
            if let sent = message.time {
                let last = table.tags[Int(tag)].lastSentAt
                if sent < last, last - sent <= 2 * rule.reorderWindow {
                    counters.late &+= 1
                    return
                }
                table.tags[Int(tag)].lastSentAt = sent
            }
            table.tags[Int(tag)].isShown = true
        }
        counters.samples &+= 1
        events.append(
            .sample(
                SparkplugSample(
                    tag: SparkplugTagID(rawValue: tag), value: value, quality: quality, flags: flags, time: time,
                    sentTime: message.time, receivedTime: message.receivedAt)))
    }

    mutating func refuse(
        _ name: String, _ refusal: EdgeNodeRefusal, _ device: UInt32,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        counters.refusals &+= 1
        guard nameableRefusals > 0 else { return }
        nameableRefusals -= 1
        events.append(.refused(SparkplugDeviceID(rawValue: device), name: name, refusal))
    }
}
