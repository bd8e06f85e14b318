extension TreeLayout {
    /// The tag whose node is at `path`; nil for one of Linekeeper's own nodes.
    package static func tag(ofNode path: String) -> TagPath? { topic(ofNode: path, below: tags) }

    /// The device whose node is at `path`; nil for one of Linekeeper's own nodes.
    package static func device(ofNode path: String) -> TagPath? { topic(ofNode: path, below: devices) }

    private static func topic(ofNode path: String, below root: String) -> TagPath? {
        guard path.hasPrefix(root + "/") else { return nil }
        return try? TagPath(znodePath: String(path.dropFirst(root.count + 1)))
    }

    /// Whether a node below ``alarms`` is an alarm's: `/alarms/<tag path>/@<alarm name>`.
    package static func isAlarm(node path: String) -> Bool { path.split(separator: "/").last?.first == "@" }
}
