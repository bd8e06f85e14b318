import JSON
import OrderedCollections

/// The members `announced` and `announcement`, in which gateways of earlier versions keep the delivery by MQTT.
///
/// They are written beside ``JournalEntry/deliveries`` for one release, so that an older gateway beside this one takes over
/// from it, and read for as long as entries without `deliveries` may stand in a journal. An older gateway keeps the members
/// that it does not know and changes these alone: so an entry may say two things, and ``resolved(_:announced:)`` says which
/// is true.
extension JournalEntry {
    /// As an older gateway reads it: `announced` is false while it is owed, true once it is out, and missing where there is
    /// nothing to publish, which is so when `announcement` says why it was given up.
    struct Announced: Sendable, Hashable {
        var announced: Bool?
        var announcement: String?

        init(announced: Bool?, announcement: String?) {
            self.announced = announced
            self.announcement = announcement
        }

        /// What an older gateway has to find for this delivery.
        init(_ delivery: Delivery?) {
            switch delivery {
            case nil: self.init(announced: nil, announcement: nil)
            case .owed: self.init(announced: false, announcement: nil)
            case .delivered: self.init(announced: true, announcement: nil)
            case .givenUp(let reason): self.init(announced: nil, announcement: reason.rawValue)
            }
        }

        var delivery: Delivery? {
            switch announced {
            case true: .delivered
            case false: .owed
            case nil: announcement.map { .givenUp(.init(rawValue: $0)) }
            }
        }
    }

    /// The deliveries of an entry that says both.
    ///
    /// A gateway that has seen to a delivery has said so in one of them at least, so what is settled in either is settled. Where the
    /// older members say nothing, nobody has changed them: their time is over.
    static func resolved(_ deliveries: Deliveries, announced: Announced) -> Deliveries {
        guard let there = announced.delivery else { return deliveries }
        if let here = deliveries[.mqtt], !there.outdoes(here) { return deliveries }
        var resolved = deliveries
        resolved[.mqtt] = there
        return resolved
    }
}
