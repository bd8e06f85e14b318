import JSON
import OrderedCollections

/// Which channels owe an entry of the journal a delivery, and how far each has come: the member `deliveries`.
///
///     {"mqtt":{"state":"delivered"},"webhook/shift":{"state":"givenUp","reason":"refused"}}
///
/// A channel that is not named owes nothing. Channels and states of later versions, and further members of a delivery, are
/// kept as they stand, and nobody here owes them anything.
public struct Deliveries: Sendable, Hashable {
    private var members: OrderedDictionary<String, JSONValue>

    /// Nothing is owed.
    public init() { members = [:] }

    /// These channels owe a delivery.
    public init(owedBy channels: some Sequence<Channel>) {
        self.init()
        for channel in channels { self[channel] = .owed }
    }

    init(members: OrderedDictionary<String, JSONValue>) { self.members = members }

    /// The member as it is written; nil when no channel is named.
    var json: JSONValue? { members.isEmpty ? nil : .object(members) }

    /// How far the channel has come; nil where it owes nothing, and for a state that we do not know. Nil is never set for a
    /// channel that is named: what was once owed stays in the entry.
    public subscript(channel: Channel) -> Delivery? {
        get {
            guard let delivery = members[channel.rawValue] else { return nil }
            switch delivery[Member.state.rawValue]?.stringValue.flatMap(State.init) {
            case .owed: return .owed
            case .delivered: return .delivered
            case .givenUp:
                return .givenUp(.init(rawValue: delivery[Member.reason.rawValue]?.stringValue ?? ""))
            case nil: return nil
            }
        }
        set {
            guard let newValue else { return }
            var delivery = members[channel.rawValue]?.objectValue ?? [:]
            let (state, reason): (State, Delivery.Reason?)
            switch newValue {
            case .owed: (state, reason) = (.owed, nil)
            case .delivered: (state, reason) = (.delivered, nil)
            case .givenUp(let why): (state, reason) = (.givenUp, why)
            }
            delivery[Member.state.rawValue] = .string(state.rawValue)
            delivery[Member.reason.rawValue] = reason.map { .string($0.rawValue) }
            members[channel.rawValue] = .object(delivery)
        }
    }

    private enum State: String { case owed, delivered, givenUp }
    private enum Member: String { case state, reason }
}
