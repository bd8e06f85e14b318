extension EdgeNodeSession {
    /// When ``advance(to:into:)`` is due; nil when nothing waits for time.
    public var deadline: Int64? {
        var earliest = link == .lost ? nil : rebirth.deadline
        func consider(_ time: Int64?) {
            if let time { earliest = min(earliest ?? time, time) }
        }
        if let since = window.waitingSince { consider(since + rule.reorderWindow) }
        if birth != nil, case .regained(let askAt) = link { consider(askAt) }
        if link == .connected { consider(devicesAwaitedUntil) }
        return earliest
    }

    /// Time has passed.
    public mutating func advance(to now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>) {
        while let since = window.waitingSince, since + rule.reorderWindow <= now {
            if birth == nil { giveUpAll(at: now, into: &events) } else { giveUp(at: now, into: &events) }
        }
        // A host that did not hear knows nothing of births that have not come.
        if link == .connected, let until = devicesAwaitedUntil, until <= now {
            devicesAwaitedUntil = nil
            for device in table.devices.indices.dropFirst()
            where table.devices[device].state == .online && !table.devices[device].isBorn {
                changeState(of: UInt32(device), to: .stale, at: now, into: &events)
            }
            events.append(.birthsOver(at: now))
        }
        if birth != nil, case .regained(let askAt) = link, askAt <= now {
            link = .unheard
            rebirth.want(.silence, isWide: true, at: now)
        }
        // Nothing can be sent, and what is not heard now may have been said.
        guard link != .lost, let reason = rebirth.becomeDue(at: now) else { return }
        // It has not answered, so the death was true, and there is nobody left to ask.
        guard state != .offline || rebirth.unanswered < rule.unansweredRequests else { return rebirth.settle() }
        events.append(.rebirthNeeded(reason))
        becomeStale(at: now, into: &events)
    }

    /// The rebirth request that was due has been handed to the broker: from now on the edge node can answer it.
    public mutating func rebirthSent(at now: Int64) {
        guard rebirth.isWaiting else { return }
        rebirth.sent(at: now)
        counters.rebirthRequests &+= 1
    }

    /// The rebirth request that was sent last has not left after all. It is due again.
    public mutating func rebirthFailed(at now: Int64) {
        guard rebirth.failed(at: now) else { return }
        counters.rebirthRequests &-= 1
    }

    /// Nothing has been heard of the edge node while it was asked several times, or nothing that can be read, because its birth
    /// has not been heard: what is known of it from before the start is stale as well.
    private mutating func becomeStale(at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>) {
        guard rebirth.unanswered >= rule.unansweredRequests, let first = rebirth.firstUnansweredAt,
            birth == nil || lastHeardAt ?? .min < first
        else { return }
        for device in table.devices.indices {
            switch table.devices[device].state {
            case .online, .unborn: changeState(of: UInt32(device), to: .stale, at: now, into: &events)
            case .offline, .stale: break
            }
        }
    }

    /// The connection to the broker is gone: what is missing will not come.
    public mutating func connectionLost(at now: Int64, into events: inout ContiguousArray<EdgeNodeEvent>) {
        giveUpAll(at: now, into: &events)
        link = .lost
    }

    /// The connection to the broker is back, in a session without what was published meanwhile.
    public mutating func connectionRegained(at now: Int64) {
        rebirth.connectionRegained(at: now)
        guard link == .lost else { return }
        link = birth == nil ? .connected : .regained(askAt: now + rule.silence)
    }

    /// Whether this gateway is the one that asks first for rebirths; the others ask later for what they lack then.
    public mutating func precedenceChanged(asksFirst: Bool, at now: Int64) {
        rebirth.precedenceChanged(asksFirst: asksFirst, at: now)
    }
}
