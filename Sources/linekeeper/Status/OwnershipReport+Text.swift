import Plant
import PlantClient

extension PlantStatus {
    /// Per gateway the ranges of its shards with the reasons, and who processes the alarms.
    var ownersText: String {
        var table = Table(columns: [
            TableColumn("GATEWAY"), TableColumn("SHARDS"), TableColumn("DEVICES", .right), TableColumn("TAGS", .right),
            TableColumn("WHY"),
        ])
        for group in ownership.grouped(ownership.shards) {
            table.rows.append([
                group.owner.map { TableCell($0, .bold) } ?? TableCell("nobody", .red),
                TableCell(ShardRanges.text(group.shards)), TableCell(Self.count(workload.devices, group.shards)),
                TableCell(Self.count(workload.tags, group.shards)),
                TableCell(ownership.text(group.reason, of: group.owner)),
            ])
        }
        var lines = table.lines()
        if workload.otherTags > 0 {
            lines.append("")
            lines.append("\(HumanText.count(workload.otherTags, "further tag")) below no device that is in the tree")
        }
        lines.append("")
        lines.append(printable("alarms   \(ownership.processorText)"))
        return lines.joined(separator: "\n") + "\n"
    }

    private static func count(_ counts: [Int], _ shards: [Int]) -> String {
        HumanText.count(Int64(shards.reduce(0) { $0 + (counts.indices.contains($1) ? counts[$1] : 0) }))
    }
}

extension OwnershipReport {
    /// Shards of one owner that it has for the same reason.
    struct Group: Hashable {
        let owner: String?
        let reason: Reason
        var shards: [Int]
    }

    /// By owner, in the order of their names and first shards; those without an owner come last.
    func grouped(_ shards: [Shard]) -> [Group] {
        var groups: [Group] = []
        for shard in shards {
            if let index = groups.firstIndex(where: { $0.owner == shard.owner && $0.reason == shard.reason }) {
                groups[index].shards.append(shard.number)
            } else {
                groups.append(Group(owner: shard.owner, reason: shard.reason, shards: [shard.number]))
            }
        }
        return groups.sorted { left, right in
            guard let first = left.owner, let second = right.owner else {
                return left.owner != nil || right.owner == nil && left.shards[0] < right.shards[0]
            }
            return (first, left.shards[0]) < (second, right.shards[0])
        }
    }

    /// Where a device belongs.
    func text(of shard: Shard, device: String) -> String {
        let owner = shard.owner.map { "owned by \($0)" } ?? "without an owner"
        return "\(device) is in shard \(shard.number), \(owner): \(text(shard.reason, of: shard.owner, isOne: true))"
    }

    /// Why its owner has some shards, or one.
    func text(_ reason: Reason, of owner: String?, isOne: Bool = false) -> String {
        switch reason {
        case .part:
            let total = plan.members.filter { plan.group.serving.contains($0.name) }.reduce(0) { $0 + $1.weight }
            guard let owner, let weight = plan.member(owner)?.weight, total > 0 else { return "its part" }
            return "its part (weight \(weight) of \(total))"
        case .inPlace(let gateway, let hindrance): return "in place of \(gateway), which \(hindrance)"
        case .passing(let gateway):
            return "on \(isOne ? "its" : "their") way to \(gateway): what was heard is written first"
        case .waiting(let gateway):
            return isOne
                ? "until \(gateway), to which it falls, queues for it"
                : "until \(gateway), to which they fall, queues for them"
        case .nobodyReady: return "kept: no gateway hears the broker"
        case .unregistered: return "the owner's registration is gone; its place stays until its session ends"
        case .ownerless(let gateway?):
            return isOne
                ? "it falls to \(gateway), which has not taken it yet"
                : "they fall to \(gateway), which has not taken them yet"
        case .ownerless(nil): return "no gateway is registered"
        }
    }

    var processorText: String {
        let name = processor ?? ""
        switch processorReason {
        case .first: return "processed by \(name), which of those that may serve has queued for longest"
        case .passing(let gateway): return "processed by \(name), on their way to \(gateway)"
        case .nobodyElse(let hindrance):
            if plan.group.leaving.isEmpty, hindrance == .draining {
                return "processed by \(name): all gateways drain, and share the work as if none did"
            }
            return "processed by \(name), which \(hindrance); no other gateway can take them"
        case .nobodyReady: return "processed by \(name): no gateway hears the broker"
        case .unregistered: return "processed by \(name), which is not registered: they wait until its session ends"
        case .vacant: return "nobody processes them"
        }
    }
}

/// Numbers of shards as people read them.
enum ShardRanges {
    /// `0-20, 22`
    static func text(_ shards: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for shard in shards.sorted() {
            if let last = ranges.last, last.upperBound == shard - 1 {
                ranges[ranges.count - 1] = last.lowerBound...shard
            } else {
                ranges.append(shard...shard)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ", ")
    }
}

extension OwnershipHoldings {
    /// `11 shards and the alarms`
    var text: String {
        let shards = shards > 0 ? [HumanText.count(shards, "shard")] : []
        return isEmpty ? "nothing" : (shards + (isProcessor ? ["the alarms"] : [])).joined(separator: " and ")
    }
}
