import Primitives

extension EdgeNodeSession {
    mutating func nodeBorn(
        _ reader: SparkplugMetricReader, _ payload: borrowing Span<UInt8>, at now: Int64,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        let identity = payload.withUnsafeBufferPointer { StableHash.fnv1a($0) }
        if let birth {
            if birth.identity == identity {
                counters.duplicates &+= 1
                return
            }
            if isLate(reader, after: birth, at: now) {
                counters.late &+= 1
                return
            }
        } else if let endedBirth, isLate(reader, payload, after: endedBirth, at: now) {
            counters.late &+= 1
            return
        }
        // A client that gives no number begins with 0, as the topics chapter says; any other number is taken as it is, as the
        // payload chapter says.
        let sequence = UInt8(truncatingIfNeeded: reader.sequence ?? 0)
        let followers = takeForerunners(of: reader, sequence, at: now, into: &events)
        birth = Birth(
            number: nil, timestamp: reader.timestamp, identity: identity, receivedAt: now,
            newestSent: reader.timestamp ?? 0)
        isUnproven = false
        link = .connected
        rebirth.settle()
        window.restart(at: sequence &+ 1)
        table.endBirths()
        devicesAwaitedUntil = now + rule.deviceGrace
        changeState(of: 0, to: .online, at: now, into: &events)
        table.beginBirth(0)
        readMetrics(of: 0, isBirth: true, reader, payload, receivedAt: now, into: &events)
        forgetUnnamed(device: 0, at: now, into: &events)
        for follower in followers { window.hold(follower) }
        takeHeld(into: &events)
    }

    /// Whether a birth was sent before the one that holds and came after it.
    private func isLate(_ reader: SparkplugMetricReader, after birth: Birth, at now: Int64) -> Bool {
        guard let sent = reader.timestamp, let last = birth.timestamp, sent < last else { return false }
        // A clock that has been set back leads further back, or takes longer.
        return last - sent <= UInt64(rule.reorderWindow) && now - birth.receivedAt <= rule.reorderWindow
    }

    /// Whether a birth is of a session whose death has been heard.
    private func isLate(
        _ reader: SparkplugMetricReader, _ payload: borrowing Span<UInt8>, after ended: EndedBirth, at now: Int64
    ) -> Bool {
        guard now - ended.at <= rule.reorderWindow, let sent = reader.timestamp, sent <= ended.birth.newestSent else {
            return false
        }
        return Self.birthNumber(reader, payload) == ended.birth.number
    }

    /// Takes what waits and was sent before a birth. Returns what was sent after it.
    private mutating func takeForerunners(
        of reader: SparkplugMetricReader, _ sequence: UInt8, at now: Int64,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) -> [SequenceWindow.Held] {
        guard !window.held.isEmpty else { return [] }
        var followers: [SequenceWindow.Held] = []
        var forerunners: [SequenceWindow.Held] = []
        for message in window.removeHeld() {
            if isFollower(message, of: reader, sequence) {
                followers.append(message)
            } else {
                forerunners.append(message)
            }
        }
        if birth == nil {
            dropUnreadable(forerunners, into: &events)
        } else if !forerunners.isEmpty {
            isUnproven = true
            for message in forerunners { take(message, into: &events) }
            counters.gaps &+= 1
        }
        return followers
    }

    private func isFollower(
        _ message: SequenceWindow.Held, of reader: SparkplugMetricReader, _ sequence: UInt8
    ) -> Bool {
        if let sent = message.timestamp, let born = reader.timestamp, sent != born { return sent > born }
        return message.sequence &- sequence < 128
    }

    mutating func nodeDied(
        _ reader: SparkplugMetricReader, _ payload: borrowing Span<UInt8>, at now: Int64,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        guard let birth else { return diedUnborn(at: now, into: &events) }
        let number = Self.birthNumber(reader, payload)
        if let number, let current = birth.number, number != current {
            counters.foreignDeaths &+= 1
            return
        }
        // The broker sends the will when the edge node can say no more: what waits was sent before it.
        giveUpAll(at: now, into: &events)
        endedBirth = self.birth.map { EndedBirth(birth: $0, at: now) }
        self.birth = nil
        isUnproven = false
        rebirth.settle()
        // The broker may have kept it while the birth behind it was missed.
        if link != .connected { rebirth.want(.unclearDeath, at: now) }
        link = link == .lost ? .lost : .connected
        window.restart(at: nil)
        table.endBirths()
        devicesAwaitedUntil = nil
        goOffline(at: now, into: &events)
    }

    /// A death whose birth this host has not heard: it was started in between. It is believed, and the edge node asked: a broker
    /// keeps the death for a host that is away, and not the birth behind it.
    private mutating func diedUnborn(at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>) {
        // That of a session whose death has been heard.
        guard endedBirth == nil else {
            counters.foreignDeaths &+= 1
            return
        }
        dropUnreadable(window.removeHeld(), into: &events)
        rebirth.settle()
        goOffline(at: now, into: &events)
        rebirth.want(.unclearDeath, isOwn: true, at: now)
    }

    private mutating func goOffline(at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>) {
        for device in table.devices.indices {
            changeState(of: UInt32(device), to: .offline, at: now, into: &events)
        }
    }

    /// `bdSeq` of an NDEATH. It is an Int64; older clients have a UInt64.
    private static func birthNumber(
        _ reader: SparkplugMetricReader, _ payload: borrowing Span<UInt8>
    ) -> UInt64? {
        var reader = reader
        for _ in 0..<reader.count {
            guard let view = try? reader.next(payload), let name = view.name,
                payload.extracting(name).hasBytes(of: SparkplugName.birthNumber)
            else { continue }
            return view.integerBits
        }
        return nil
    }

    mutating func deviceBorn(
        _ device: borrowing Span<UInt8>, _ reader: SparkplugMetricReader, _ payload: borrowing Span<UInt8>,
        receivedAt: Int64, into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        let number: UInt32
        do throws(MetricTable.RefusedName) {
            number = try table.addDevice(device)
        } catch {
            counters.refusals &+= 1
            events.append(.refused(.node, name: device.text(), error.refusal))
            return
        }
        table.beginBirth(number)
        changeState(of: number, to: .online, at: receivedAt, into: &events)
        readMetrics(of: number, isBirth: true, reader, payload, receivedAt: receivedAt, into: &events)
        forgetUnnamed(device: number, at: receivedAt, into: &events)
    }

    mutating func deviceDied(
        _ device: borrowing Span<UInt8>, _ reader: SparkplugMetricReader, receivedAt: Int64,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        if table.device(device) == nil { counters.unknownDevices &+= 1 }
        // One that has not been born since the start may have been there before.
        guard let number = try? table.addDevice(device) else {
            counters.refusals &+= 1
            return
        }
        table.devices[Int(number)].isBorn = false
        let time = reader.timestamp.flatMap(SparkplugTime.checked) ?? receivedAt
        changeState(of: number, to: .offline, at: time, receivedAt: receivedAt, into: &events)
    }

    /// - Parameter receivedAt: nil: `time` is.
    mutating func changeState(
        of device: UInt32, to state: EdgeNodeState, at time: Int64, receivedAt: Int64? = nil,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        guard table.devices[Int(device)].state != state else { return }
        table.devices[Int(device)].state = state
        events.append(
            .stateChanged(SparkplugDeviceID(rawValue: device), state, at: time, receivedAt: receivedAt ?? time))
    }

    /// Makes stale what the device's last birth has not named.
    private mutating func forgetUnnamed(
        device: UInt32, at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        for metric in table.endBirth(device) {
            if let tag = table.metrics[Int(metric)].ownTag { hide(tag, at: now, into: &events) }
            for leaf in table.metrics[Int(metric)].leaves { hide(leaf, at: now, into: &events) }
        }
    }

    /// A tag has no value any more.
    mutating func hide(_ tag: UInt32, at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>) {
        guard table.tags[Int(tag)].isShown else { return }
        table.tags[Int(tag)].isShown = false
        events.append(.tagStale(SparkplugTagID(rawValue: tag), at: now))
    }
}

/// Names of metrics that the specification gives.
enum SparkplugName {
    /// Which session an NBIRTH and an NDEATH belong to.
    static let birthNumber = "bdSeq"
    /// What a host writes to ask for a birth. It is no value of the plant.
    static let rebirth = "Node Control/Rebirth"
}
