/// One edge node, as a host application hears it: births, data, deaths, and what is missing between them. Without I/O and
/// clock; the same messages at the same times make the same tables at every gateway.
///
/// ## Births and deaths
///
/// An NBIRTH begins a session and ends what held before it: aliases, and the births of devices. A device that is not born again
/// within ``EdgeNodeRule/deviceGrace`` is stale. An NDEATH counts when its `bdSeq` is that of the current session, or when one of the
/// two says none, or when no birth has been heard that contradicts it: a host that was restarted hears of deaths whose births it
/// has not heard, and a DDEATH is understood without a birth as well. An NDEATH makes the edge node and its devices offline at the time of reception; a DDEATH makes its device offline at the time
/// in its payload. A metric that a birth does not name any more is stale.
///
/// ## Order
///
/// Sequence numbers run over all messages but NDEATH. A message that is ahead waits ``EdgeNodeRule/reorderWindow`` for those before it.
/// If they do not come, what waits is taken in its order, and a rebirth is asked for. No value is lost that has arrived, and none
/// is told behind a later one: what comes after it has been given up is dropped. Until the next birth, values that are known by
/// alias alone are ``SparkplugSample/Flags/unproven``, because the birth of another session may be among what is missing. An NBIRTH may have
/// any number; the ones behind it follow from it. Messages that wait when it comes are taken before it if they were sent before
/// it, by their own time, and behind it else. What was sent before it and comes after it is dropped. A tag's value is not told behind
/// one that was sent up to two reorder windows later, whatever the numbers say: across births they are used again.
///
/// ## The broker
///
/// While the connection to the broker is lost, messages are lost with it. When it is back, a message that has the number that
/// was next proves that nothing is missing, and nothing is asked. Any other is taken as it comes, and a rebirth is asked for. An edge
/// node from which nothing is heard within ``EdgeNodeRule/silence`` is asked as well. These requests are spread widely.
///
/// ## Bounds
///
/// Everything is bounded by ``EdgeNodeCapacities``. Metrics, devices and values beyond are refused by name and counted; the
/// others are not affected. No payload and no name makes it trap.
public struct EdgeNodeSession: Sendable {
    struct Birth: Sendable {
        /// `bdSeq`, when the birth has one.
        var number: UInt64?
        let timestamp: UInt64?
        let identity: UInt64
        let receivedAt: Int64
        /// The newest time at which a message of the session was sent, as they say.
        var newestSent: UInt64 = 0
    }

    /// A session that a death has ended.
    struct EndedBirth: Sendable {
        let birth: Birth
        let at: Int64
    }

    enum Link: Hashable, Sendable {
        case connected
        case lost
        /// The broker is back; the edge node is asked at this time, unless it has been heard.
        case regained(askAt: Int64)
        /// It was not heard, and is asked.
        case unheard
    }

    public let rule: EdgeNodeRule
    let capacities: EdgeNodeCapacities
    public internal(set) var counters = EdgeNodeCounters()
    var table: MetricTable
    var window = SequenceWindow()
    var rebirth: RebirthSchedule
    /// The birth that holds; nil before the first one, and after a death.
    var birth: Birth?
    var endedBirth: EndedBirth?
    /// Whether an alias may mean another metric than the table says.
    var isUnproven = false
    var link = Link.connected
    var lastHeardAt: Int64?
    /// When devices are stale that the last NBIRTH has found online, unless they have been born again.
    var devicesAwaitedUntil: Int64?
    /// Counts readings of metrics with several values.
    var stamp: UInt64 = 0
    /// How many refusals the message that is being read may still name.
    var nameableRefusals = 0
    /// How many tags of metrics with several values the message that is being read may still go through. Each metric that names
    /// one again, in a few bytes, costs as much as the metric has tags.
    var leafVisits = 0

    /// - Parameters:
    ///   - seed: differs from edge node to edge node, so that not all are asked together, and from gateway to gateway, so that
    ///     not all ask together.
    ///   - asksFirst: whether this gateway is the one that asks first for rebirths.
    public init(
        rule: EdgeNodeRule = EdgeNodeRule(), capacities: EdgeNodeCapacities = EdgeNodeCapacities(), seed: UInt64,
        asksFirst: Bool
    ) {
        self.rule = rule
        self.capacities = capacities
        table = MetricTable(capacities: capacities)
        rebirth = RebirthSchedule(rule: rule.rebirth, seed: seed, asksFirst: asksFirst)
    }

    // MARK: what is known

    public var state: EdgeNodeState { table.devices[0].state }

    /// How many devices have numbers, with the edge node itself.
    public var deviceCount: Int { table.devices.count }

    /// Name and state of a device, whose number must be of this session; the name of the edge node itself is empty.
    public func device(_ id: SparkplugDeviceID) -> (name: String, state: EdgeNodeState) {
        (table.devices[id.index].name, table.devices[id.index].state)
    }

    /// How many tags have numbers.
    public var tagCount: Int { table.tags.count }

    /// Which device a tag belongs to, and the levels of its name below that, joined by `/`. The number must be of this session.
    public func tag(_ id: SparkplugTagID) -> (device: SparkplugDeviceID, name: String) {
        let tag = table.tags[id.index]
        return (SparkplugDeviceID(rawValue: tag.device), tag.path)
    }

    /// Why a birth is needed; nil: none is.
    public var wantedBirth: RebirthReason? { rebirth.reason }

    /// Whether a rebirth request is due that has not been sent, and its answer could be heard.
    public var isRebirthDue: Bool { rebirth.isWaiting && link != .lost }

    /// Why what waits cannot be understood as things are: a birth is wanted, or will be unless it is on its way.
    public var missingBirth: RebirthReason? {
        wantedBirth ?? (birth == nil && !window.held.isEmpty ? .dataBeforeBirth : nil)
    }

    /// Whether the caller has no room: nothing is taken that has a new name, and no message waits for another one. What is known
    /// is taken as before.
    public var isClosed: Bool {
        get { table.isClosed }
        set { table.isClosed = newValue }
    }

    /// Bytes that its tables and the messages that wait take, roughly.
    public var footprint: Int { table.footprint + window.footprint }

    // MARK: inputs

    /// A message of this edge node has come, none that the broker had kept.
    ///
    /// - Parameters:
    ///   - device: the device in the topic; empty when the type has none.
    ///   - events: what follows is appended to it.
    public mutating func received(
        _ type: SparkplugMessageType, device: borrowing Span<UInt8>, _ payload: borrowing Span<UInt8>, at now: Int64,
        into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        if let deadline, deadline <= now { advance(to: now, into: &events) }
        guard type != .nodeCommand, type != .deviceCommand, type.hasDevice == !device.isEmpty else { return }
        counters.messages &+= 1
        let reader: SparkplugMetricReader
        do throws(SparkplugError) {
            reader = try SparkplugMetricReader(payload)
        } catch {
            // Its number is missing now, which leads to a rebirth.
            counters.unreadableMessages &+= 1
            events.append(.unreadable(type, error))
            return
        }
        lastHeardAt = now
        switch type {
        case .nodeBirth: nodeBorn(reader, payload, at: now, into: &events)
        case .nodeDeath: nodeDied(reader, payload, at: now, into: &events)
        case .nodeData, .deviceBirth, .deviceDeath, .deviceData:
            sequenced(type, device: device, reader, payload, at: now, into: &events)
        case .nodeCommand, .deviceCommand: break
        }
    }

    private mutating func sequenced(
        _ type: SparkplugMessageType, device: borrowing Span<UInt8>, _ reader: SparkplugMetricReader,
        _ payload: borrowing Span<UInt8>, at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        guard let number = reader.sequence else {
            // A client that does not count has no order to keep.
            guard birth != nil else {
                counters.dataBeforeBirth &+= 1
                wantFirstBirth(at: now)
                if type == .deviceDeath { deviceDied(device, reader, receivedAt: now, into: &events) }
                return
            }
            return take(type, device: device, reader, payload, receivedAt: now, into: &events)
        }
        // A client that goes on counting beyond 255 is understood.
        let sequence = UInt8(truncatingIfNeeded: number)
        let identity = SequenceWindow.identity(reader, payload)
        if let birth, isFromBefore(birth, reader, at: now) {
            counters.late &+= 1
            return
        }
        if birth != nil, link != .connected { judgeContinuity(sequence, at: now) }
        switch window.verdict(sequence, identity) {
        case .inOrder:
            window.take(sequence, identity)
            take(type, device: device, reader, payload, receivedAt: now, into: &events)
            if !window.held.isEmpty {
                takeHeld(into: &events)
                if window.held.isEmpty { counters.healedGaps &+= 1 }
            }
        case .duplicate: counters.duplicates &+= 1
        case .late: counters.late &+= 1
        case .ahead:
            window.hold(
                SequenceWindow.Held(
                    sequence: sequence, identity: identity, type: type, device: device.array(),
                    payload: payload.array(),
                    timestamp: reader.timestamp, receivedAt: now))
            if isClosed || window.held.count > capacities.heldMessages || window.heldBytes > capacities.heldBytes {
                giveUpAll(at: now, into: &events)
            }
        }
    }

    /// Whether a message that was on its way when the birth came was sent before it: the birth has newer values, and its number
    /// may be one that is used again. A clock that has been set back is believed again after a while.
    private func isFromBefore(_ birth: Birth, _ reader: SparkplugMetricReader, at now: Int64) -> Bool {
        guard let sent = reader.timestamp, let born = birth.timestamp else { return false }
        return sent < born && now - birth.receivedAt <= rule.reorderWindow
    }

    /// The first message since the broker is back: whether some are missing before it.
    private mutating func judgeContinuity(_ sequence: UInt8, at now: Int64) {
        link = .connected
        guard sequence != window.next else {
            if devicesAwaitedUntil != nil { devicesAwaitedUntil = now + rule.deviceGrace }
            return
        }
        // Births may be among what is missing; the next one begins anew.
        devicesAwaitedUntil = nil
        window.resume(at: sequence)
        isUnproven = true
        rebirth.want(.missedMessages, isWide: true, at: now)
    }

    // MARK: order

    /// Takes what waits, as far as nothing is missing before it.
    mutating func takeHeld(into events: inout ContiguousArray<EdgeNodeEvent>) {
        while let message = window.pop() {
            window.take(message.sequence, message.identity)
            take(message, into: &events)
        }
    }

    /// Takes all that waits, over what is missing; without a birth, drops it.
    mutating func giveUpAll(at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>) {
        guard birth != nil else {
            if !window.held.isEmpty { wantFirstBirth(at: now) }
            return dropUnreadable(window.removeHeld(), into: &events)
        }
        while !window.held.isEmpty { giveUp(at: now, into: &events) }
    }

    /// Takes the first message that waits, and those that follow it.
    mutating func giveUp(at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>) {
        counters.gaps &+= 1
        isUnproven = true
        rebirth.want(.gap, at: now)
        window.giveUp()
        takeHeld(into: &events)
    }

    /// Drops what no birth explains. Only what a DDEATH says needs no birth.
    mutating func dropUnreadable(
        _ messages: [SequenceWindow.Held], into events: inout ContiguousArray<EdgeNodeEvent>
    ) {
        counters.dataBeforeBirth &+= UInt64(messages.count)
        for (place, message) in messages.enumerated() where message.type == .deviceDeath {
            // What the device has said after it contradicts it.
            guard !messages[(place + 1)...].contains(where: { $0.device == message.device }),
                let reader = try? SparkplugMetricReader(message.payload.span)
            else { continue }
            deviceDied(message.device.span, reader, receivedAt: message.receivedAt, into: &events)
        }
    }

    /// Messages have come before a birth. If there has been none since the start, this host alone lacks it.
    private mutating func wantFirstBirth(at now: Int64) {
        rebirth.want(.dataBeforeBirth, isOwn: endedBirth == nil, at: now)
    }

    /// Takes a message that has waited.
    mutating func take(_ message: SequenceWindow.Held, into events: inout ContiguousArray<EdgeNodeEvent>) {
        // It was read when it came.
        guard let reader = try? SparkplugMetricReader(message.payload.span) else { return }
        take(
            message.type, device: message.device.span, reader, message.payload.span, receivedAt: message.receivedAt,
            into: &events)
    }
}
