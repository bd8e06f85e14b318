import JSON
import OrderedCollections

/// The entries of gateways that were asked to hand their work over.
extension JournalEntry {
    /// Under ``transition``, of the kind `operator`: the gateway that writes the entry was asked to hand over what it owns.
    public static let drained = "DRAIN"
    /// It was asked to take its share again.
    public static let undrained = "UNDRAIN"

    package init(_ order: DrainOrder, at: Milliseconds, by: Principal, gateway: String) {
        self.init(
            kind: .operator, at: at, gateway: gateway, by: by,
            transition: order.undo ? Self.undrained : Self.drained)
        details["comment"] = order.comment.map { .string($0) }
    }
}
