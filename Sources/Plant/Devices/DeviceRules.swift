/// What the routes of a device say about its silence.
public struct DeviceRules: Sendable, Hashable {
    /// After a longer silence it is stale; nil: never by that.
    public var staleAfter: Milliseconds?
    /// After a longer silence it is offline, because it has promised to be heard more often; nil: it has promised nothing.
    public var heartbeat: Milliseconds?

    public init(staleAfter: Milliseconds? = nil, heartbeat: Milliseconds? = nil) {
        self.staleAfter = staleAfter
        self.heartbeat = heartbeat
    }

    /// Of several routes the strictest says, whichever was heard first.
    func joined(with other: DeviceRules) -> DeviceRules {
        DeviceRules(
            staleAfter: [staleAfter, other.staleAfter].compactMap(\.self).min(),
            heartbeat: [heartbeat, other.heartbeat].compactMap(\.self).min())
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
