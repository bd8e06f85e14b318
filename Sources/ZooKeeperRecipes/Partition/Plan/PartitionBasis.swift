import Primitives

/// What a plan was made for, as data: the members whose weight is not 1 or that drain, as text.
///
/// It stands beside the plan, in the data of the node that marks the plan's incarnation, because the version that knows no
/// weights reads a plan only when it holds nothing else. Where that version writes a plan, this stays as it was. So it says
/// by a hash which plan it belongs to; beside another one it does not count, and members that have weights find that the
/// plan was not made for them, and write the one that follows.
///
///     basis 1 5ca1ab1e
///     one
///         weight 3
///         draining true
enum PartitionBasis {
    private static let format = "basis 1"

    /// Empty when all members are as usual.
    static func data(_ plan: PartitionPlan) -> [UInt8] {
        let members = PartitionPlan.sorted(plan.members.values).filter { $0.weight != 1 || $0.isDraining }
        guard !members.isEmpty else { return [] }
        var data = heading(PartitionRecord.data(plan)) + [PartitionRecord.newline]
        for member in members {
            PartitionRecord.append(member.name, to: &data)
            if member.weight != 1 { data += Array("\tweight \(member.weight)\n".utf8) }
            if member.isDraining { data += Array("\tdraining true\n".utf8) }
        }
        return data
    }

    /// The members that data names. Lines that this version does not know are skipped; of data that is no basis, or that
    /// of another plan, nothing is taken.
    static func members(_ data: [UInt8], ofPlan plan: [UInt8]) -> [String: PartitionPlan.Member] {
        if data.isEmpty { return [:] }
        var lines = data.split(separator: PartitionRecord.newline, omittingEmptySubsequences: false).makeIterator()
        guard let first = lines.next(), first.elementsEqual(heading(plan)) else { return [:] }
        var members: [String: PartitionPlan.Member] = [:]
        var current: PartitionPlan.Member?
        while let line = lines.next() {
            if line.first != PartitionRecord.tab {
                current = PartitionRecord.name(line).flatMap { $0.isEmpty ? nil : PartitionPlan.Member($0) }
            } else if let member = current {
                let words = String(decoding: line.dropFirst(), as: UTF8.self).split(separator: " ")
                guard words.count == 2 else { continue }
                switch words[0] {
                case "weight":
                    current = .init(member.name, weight: Int(words[1]) ?? 1, isDraining: member.isDraining)
                case "draining": current?.isDraining = words[1] == "true"
                default: continue
                }
            }
            if let current { members[current.name] = current }
        }
        return members
    }

    private static func heading(_ plan: [UInt8]) -> [UInt8] {
        Array("\(format) \(String(StableHash.fnv1a(plan), radix: 16))".utf8)
    }
}
