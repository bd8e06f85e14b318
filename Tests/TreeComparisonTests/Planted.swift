import ZooKeeperProtocol

/// A deliberately wrong rule, to prove that the comparison can fail.
struct Planted: Sendable {
    let name: String
    /// How many requests a script needs at most to show it.
    let calls: Int
    let tamper: @Sendable (Call, inout Answer) -> Void

    static let all = [
        Planted(name: "the second change of a node's data does not count", calls: 6) { call, answer in
            guard case .setData = call else { return }
            change(&answer) { $0[2] = $0[2] == .number(2) ? .number(1) : $0[2] }
        },
        Planted(name: "a child's deletion leaves the parent's pzxid", calls: 6) { call, answer in
            guard case .look(.getChildren2, _, _) = call else { return }
            change(&answer) { fields in
                guard fields.count > 9, fields[4] == .number(2), fields[8] == .number(0) else { return }
                fields[9] = fields[1]
            }
        },
        Planted(name: "no child of an ephemeral node is told as NoNode", calls: 6) { call, answer in
            guard case .create = call, case .reply(let xid, let zxid, -108, let fields) = answer else { return }
            answer = .reply(xid: xid, zxid: zxid, error: ErrorCode.noNode.rawValue, fields)
        },
        Planted(name: "a failed transaction blames its last operation", calls: 6) { call, answer in
            guard case .multi(let calls) = call, calls.count > 1 else { return }
            change(&answer) { fields in
                guard fields.first == .number(-1), fields[3] != .number(0) else { return }
                fields.swapAt(3, 3 + 4 * (calls.count - 1))
            }
        },
    ]

    private static func change(_ answer: inout Answer, _ body: (inout [Field]) -> Void) {
        guard case .reply(let xid, let zxid, 0, var fields) = answer, !fields.isEmpty else { return }
        body(&fields)
        answer = .reply(xid: xid, zxid: zxid, error: 0, fields)
    }
}
