extension EdgeNodeSession {
    /// Reads a metric with several values: a data set, or a template.
    ///
    /// Of a data set that is not about the past, the tags of rows that are gone are stale; of a template only after a birth,
    /// because data may have some of its members alone. When the metric is null, or none of it can be read, so are all its tags.
    mutating func readCompound(
        _ metric: UInt32, _ view: SparkplugMetricView, _ payload: borrowing Span<UInt8>, _ message: Message,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        guard mayVisitLeaves(of: metric, view, message, into: &events) else { return }
        let flags = flags(view, message)
        let time = time(view.timestamp, message)
        guard !view.isNull else {
            appendToLeaves(of: metric, .good, flags, time, message, into: &events)
            return
        }
        let values: [SparkplugFlatValue]
        var quality: SparkplugQuality
        do throws(SparkplugError) {
            quality = try view.quality(in: payload)
            values = try flatValues(metric, view, payload)
        } catch {
            counters.unreadableMetrics &+= 1
            refuse(table.name(of: metric), .mistake(error), message.device, into: &events)
            appendToLeaves(of: metric, .bad, flags, time, message, into: &events)
            return
        }
        stamp &+= 1
        for value in values {
            guard let tag = leaf(value, of: metric, message, into: &events) else { continue }
            append(value, to: tag, view, quality, flags, time, message, into: &events)
        }
        guard !view.isHistorical, message.isBirth || view.value.kind == .dataSet else { return }
        // The tag that it had while it had one value.
        if let tag = table.metrics[Int(metric)].ownTag { hide(tag, at: message.receivedAt, into: &events) }
        for leaf in table.metrics[Int(metric)].leaves where table.tags[Int(leaf)].stamp != stamp {
            hide(leaf, at: message.receivedAt, into: &events)
        }
    }

    /// Whether the message may go through the tags of a metric, as it does at most twice with all that there can be.
    mutating func mayVisitLeaves(
        of metric: UInt32, _ view: SparkplugMetricView, _ message: Message,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) -> Bool {
        let cost = table.metrics[Int(metric)].leaves.count + 1
        guard leafVisits >= cost else {
            counters.unreadableMetrics &+= 1
            let mistake = SparkplugError(.tooManyParts, at: view.range.lowerBound)
            refuse(table.name(of: metric), .mistake(mistake), message.device, into: &events)
            return false
        }
        leafVisits -= cost
        return true
    }

    private func flatValues(
        _ metric: UInt32, _ view: SparkplugMetricView, _ payload: borrowing Span<UInt8>
    ) throws(SparkplugError) -> [SparkplugFlatValue] {
        let offset = view.range.lowerBound
        var parts = PartCount()
        guard let value = try SparkplugValue(view.value, payload, depth: 0, &parts) else {
            throw SparkplugError(.missingValue, at: offset)
        }
        switch value {
        case .dataSet, .template:
            return try SparkplugFlatValue.values(of: value, named: table.name(of: metric), at: offset)
        case .int, .long, .float, .double, .bool, .string, .bytes, .propertySet, .propertySetList:
            throw SparkplugError(.wrongField, at: offset)
        }
    }

    /// The tag of a value; nil when its name is refused.
    private mutating func leaf(
        _ value: SparkplugFlatValue, of metric: UInt32, _ message: Message,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) -> UInt32? {
        do throws(MetricTable.RefusedName) {
            let known = table.tags.count
            let tag = try table.tag(Array(value.name.utf8).span, of: metric)
            if Int(tag) >= known { table.metrics[Int(metric)].leaves.append(tag) }
            table.tags[Int(tag)].stamp = stamp
            if value.type != .unknown { table.tags[Int(tag)].type = value.type }
            return tag
        } catch {
            refuse(value.name, error.refusal, message.device, into: &events)
            return nil
        }
    }

    private mutating func append(
        _ value: SparkplugFlatValue, to tag: UInt32, _ view: SparkplugMetricView, _ quality: SparkplugQuality,
        _ flags: SparkplugSample.Flags, _ time: Int64?, _ message: Message,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        var scalar: SparkplugScalar?
        // The worse of what the metric and its member say: a part of what is bad is not good.
        var quality = quality == .good ? value.quality : quality
        var flags = flags
        if value.isNull {
            flags.insert(.null)
        } else {
            do throws(SparkplugError) {
                guard let given = value.value else { throw SparkplugError(.missingValue, at: view.range.lowerBound) }
                scalar = try given.scalar(as: table.tags[Int(tag)].type, at: view.range.lowerBound)
            } catch {
                counters.unreadableMetrics &+= 1
                refuse(value.name, .mistake(error), message.device, into: &events)
                quality = .bad
            }
        }
        let own = value.timestamp.flatMap(SparkplugTime.checked)
        append(tag, scalar, quality, flags, own ?? time, message, into: &events)
    }

    private mutating func appendToLeaves(
        of metric: UInt32, _ quality: SparkplugQuality, _ flags: SparkplugSample.Flags, _ time: Int64?,
        _ message: Message, into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        if let tag = table.metrics[Int(metric)].ownTag, table.tags[Int(tag)].isShown {
            append(tag, nil, quality, flags, time, message, into: &events)
        }
        for leaf in table.metrics[Int(metric)].leaves where table.tags[Int(leaf)].isShown {
            append(leaf, nil, quality, flags, time, message, into: &events)
        }
    }
}
