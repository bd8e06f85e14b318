/// What the routes of a device say about its silence, and about how often it goes and comes.
public struct DeviceRules: Sendable, Hashable {
    /// After a longer silence it is stale; nil: never by that.
    public var staleAfter: Milliseconds?
    /// After a longer silence it is offline, because it has promised to be heard more often; nil: it has promised nothing.
    public var heartbeat: Milliseconds?
    /// nil: they say nothing, and the usual rule holds.
    public var flapping: FlappingDamping?

    public init(staleAfter: Milliseconds? = nil, heartbeat: Milliseconds? = nil, flapping: FlappingDamping? = nil) {
        self.staleAfter = staleAfter
        self.heartbeat = heartbeat
        self.flapping = flapping
    }

    /// When the device flaps; nil: never.
    var flappingRule: FlappingRule? {
        switch flapping {
        case nil: .standard
        case .off: nil
        case .rule(let rule): rule
        }
    }

    /// Of several routes the strictest says, whichever was heard first.
    func joined(with other: DeviceRules) -> DeviceRules {
        DeviceRules(
            staleAfter: [staleAfter, other.staleAfter].compactMap(\.self).min(),
            heartbeat: [heartbeat, other.heartbeat].compactMap(\.self).min(),
            flapping: .joined(flapping, other.flapping))
    }

    /// The silence beyond which a device does not stay in a state; `.max`: it stays.
    func silenceLimit(in state: DeviceState) -> Milliseconds {
        switch state {
        case .online: min(staleAfter ?? .max, heartbeat ?? .max)
        case .stale: heartbeat ?? .max
        case .offline: .max
        }
    }

    /// What a device is after a silence that is longer than ``silenceLimit(in:)``.
    func state(afterSilence silence: Milliseconds) -> DeviceState {
        if let heartbeat, silence > heartbeat { .offline } else { .stale }
    }
}
