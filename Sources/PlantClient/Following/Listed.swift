package import JSON
package import Plant

/// Something of a plant that is listed: a tag, a device, an alarm.
package protocol Listed: Sendable {
    /// Order and identity among the items of its kind.
    var key: String { get }
    /// The item as programs get it.
    var json: JSONValue { get }
    /// Whether the configuration does not define it any more; false where nothing is known of the configuration.
    var isOrphaned: Bool { get }
    /// What a request about it is about.
    var subject: AlarmOperation.Subject { get }
}

/// The member that marks what nothing defines any more.
enum OrphanMember {
    static let name = "orphaned"
}
