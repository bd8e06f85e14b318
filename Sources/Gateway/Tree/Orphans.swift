/// What stands in the tree and nothing in this gateway's configuration defines, by name.
struct Orphans {
    /// As many of a kind are named.
    private static let namesTold = 5

    var alarms: [String] = []
    var tags: [String] = []
    var devices: [String] = []

    /// Says it once, with what to do.
    func tell(_ log: OutsiderLog) {
        guard !(alarms.isEmpty && tags.isEmpty && devices.isEmpty) else { return }
        log.warning(
            "the tree has what this configuration does not define any more; linekeeper alarms, tags and devices show it as orphaned, and their forget --orphaned removes it",
            ["alarms": Self.text(alarms), "tags": Self.text(tags), "devices": Self.text(devices)])
    }

    private static func text(_ names: [String]) -> String {
        if names.isEmpty { return "none" }
        let more = names.count > namesTold ? " and \(names.count - namesTold) more" : ""
        return names.prefix(namesTold).joined(separator: ", ") + more
    }
}
