import ZooKeeperProtocol

extension ZnodeModel.Change: CustomStringConvertible {
    var description: String {
        switch self {
        case .create(let slot, let value): "create #\(slot)=\(value)"
        case .set(let slot, let value, let version): "set #\(slot)=\(value)" + Self.condition(version)
        case .delete(let slot, let version): "delete #\(slot)" + Self.condition(version)
        case .check(let slot, let version): "check #\(slot)" + Self.condition(version)
        }
    }

    private static func condition(_ version: Int32) -> String { version == -1 ? "" : " if v\(version)" }
}

extension ZnodeModel.Input: CustomStringConvertible {
    var description: String {
        switch self {
        case .get(let slot): "get #\(slot)"
        case .exists(let slot): "exists #\(slot)"
        case .getAll: "get all"
        case .change(let change): "\(change)"
        case .transaction(let changes): "multi(" + changes.map { "\($0)" }.joined(separator: ", ") + ")"
        }
    }
}

extension ZnodeModel.Output: CustomStringConvertible {
    var description: String {
        switch self {
        case .nodes(let seen): Self.list(seen, missing: "no node")
        case .changed(let seen): "done" + (seen.contains { $0 != nil } ? " " + Self.list(seen, missing: "-") : "")
        case .refused(let index, let code): "refused: \(code) at \(index)"
        }
    }

    private static func list(_ seen: [ZnodeModel.Seen?], missing: String) -> String {
        seen.map { seen in
            guard let seen else { return missing }
            let value = seen.value.map { "\($0) " } ?? ""
            let created = String(seen.created, radix: 16)
            return "\(value)v\(seen.version) c\(created) m\(String(seen.modified, radix: 16))"
        }.joined(separator: "; ")
    }
}

extension ZnodeModel.State: CustomStringConvertible {
    var description: String {
        let nodes = nodes.enumerated().map { slot, node in
            guard let node else { return "#\(slot): no node" }
            return "#\(slot): \(node.value) v\(node.version) c\(node.created) m\(node.modified)"
        }
        return nodes.joined(separator: "; ") + "; newest zxid \(String(newest, radix: 16))"
    }
}

extension ZnodeModel.Zxid: CustomStringConvertible {
    var description: String {
        switch self {
        case .known(let zxid): String(zxid, radix: 16)
        case .after(let zxid, _): ">\(String(zxid, radix: 16))"
        }
    }
}
