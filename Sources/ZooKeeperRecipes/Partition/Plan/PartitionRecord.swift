/// A plan as the data of a node: text, which people can read.
///
/// The first line says the format, how many members there are and how many items; then comes a line for each member,
/// and below it, each behind a tab, its items. Control characters and `%` are written as `%` and two digits.
///
///     partition 1 2 3
///     one
///         item a
///         item b
///     two
///         item c
enum PartitionRecord {
    /// The most that is kept in a node: a request with it is below what servers take (1 MiB). About 30,000 items with
    /// names of 30 bytes.
    static let maximumLength = 1_000_000
    private static let format = "partition 1"
    static let newline = UInt8(ascii: "\n")
    static let tab = UInt8(ascii: "\t")
    private static let percent = UInt8(ascii: "%")

    static func data(_ plan: PartitionPlan) -> [UInt8] {
        let members = plan.items.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var data = Array("\(format) \(members.count) \(plan.itemCount)".utf8)
        data.append(newline)
        for member in members {
            append(member, to: &data)
            for item in plan.items[member] ?? [] {
                data.append(tab)
                append(item, to: &data)
            }
        }
        return data
    }

    /// The plan that data stands for; nil when it is not whole, none at all, or more than a plan may be
    /// (``PartitionPlan/isWithinLimits``).
    ///
    /// - Parameter basis: What stands beside it; see ``PartitionBasis``.
    static func plan(_ data: [UInt8], basis: [UInt8] = []) -> PartitionPlan? {
        guard data.last == newline else { return nil }
        var lines = data.dropLast().split(separator: newline, omittingEmptySubsequences: false).makeIterator()
        guard let first = lines.next() else { return nil }
        var items: [String: [String]] = [:]
        var seen: Set<PartitionItemName> = []
        var member: String?
        while let line = lines.next() {
            if line.first == tab {
                guard let member, let item = name(line.dropFirst()), seen.insert(PartitionItemName(item)).inserted
                else { return nil }
                items[member, default: []].append(item)
            } else {
                guard let name = name(line), !name.isEmpty, items.updateValue([], forKey: name) == nil,
                    items.count <= PartitionPlan.maximumMembers
                else { return nil }
                member = name
            }
        }
        guard first.elementsEqual("\(format) \(items.count) \(seen.count)".utf8) else { return nil }
        let plan = PartitionPlan(items: items, members: PartitionBasis.members(basis, ofPlan: data))
        return plan.isWithinLimits ? plan : nil
    }

    static func append(_ name: String, to data: inout [UInt8]) {
        for byte in name.utf8 {
            if byte < 0x20 || byte == 0x7F || byte == percent {
                data += [percent, digit(byte >> 4), digit(byte & 15)]
            } else {
                data.append(byte)
            }
        }
        data.append(newline)
    }

    static func name(_ line: ArraySlice<UInt8>) -> String? {
        guard line.contains(percent) else { return String(validating: line, as: UTF8.self) }
        var bytes: [UInt8] = []
        var rest = line
        while let byte = rest.popFirst() {
            guard byte == percent else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(value), let low = rest.popFirst().flatMap(value) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
