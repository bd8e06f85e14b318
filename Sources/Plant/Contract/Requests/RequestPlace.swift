/// Where a request lies in the tree: in the mailbox of who asks, or, asked over MQTT, in the mailbox of all gateways.
///
/// - `/requests/<principal>/<id>`: created by that principal.
/// - `/requests/@mqtt/<principal>@<id>`: created by whichever gateway heard it first. All of them hear it; the name makes
///   one node of it. An id has no `@`, so the last one parts the two.
package struct RequestPlace: Sendable, Hashable {
    package enum Door: Sendable, Hashable { case mailbox, mqtt }

    package let door: Door
    /// The name of who asks.
    package let principal: String
    package let id: String

    package init(_ door: Door, principal: String, id: String) {
        self.door = door
        self.principal = principal
        self.id = id
    }

    /// nil for a node that is no request's.
    package init?(path: String) {
        guard path.hasPrefix(TreeLayout.requests + "/") else { return nil }
        let names = path.dropFirst(TreeLayout.requests.count + 1).split(
            separator: "/", omittingEmptySubsequences: false)
        guard names.count == 2 else { return nil }
        if names[0] == TreeLayout.mqttMailbox {
            guard let at = names[1].lastIndex(of: "@"),
                let principal = try? TagPath.level(znodeName: String(names[1][..<at]))
            else { return nil }
            self.init(.mqtt, principal: principal, id: String(names[1][names[1].index(after: at)...]))
        } else {
            guard let principal = try? TagPath.level(znodeName: String(names[0])) else { return nil }
            self.init(.mailbox, principal: principal, id: String(names[1]))
        }
        guard Principal.mistake(inName: principal) == nil, Request.mistake(inID: id) == nil else { return nil }
    }

    /// The node's parent.
    package var mailbox: String {
        switch door {
        case .mailbox: TreeLayout.requests + "/" + TagPath.znodeName(level: principal)
        case .mqtt: TreeLayout.requests + "/" + TreeLayout.mqttMailbox
        }
    }

    package var path: String {
        switch door {
        case .mailbox: mailbox + "/" + id
        case .mqtt: mailbox + "/" + TagPath.znodeName(level: principal) + "@" + id
        }
    }
}
