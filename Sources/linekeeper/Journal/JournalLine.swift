import JSON
import OrderedCollections
import Plant
import PlantClient

/// One entry of the journal as a line.
enum JournalLine {
    static func text(_ entry: JournalEntry) -> String {
        let time = Style.dim.applied(to: ClockText.text(entry.at))
        let remark = comment(entry).map { ": \($0)" } ?? ""
        let who = entry.by.map { " by \($0)\(remark)" } ?? remark
        return
            "\(time)  \(kind(entry))  \(printable(what(entry)))\(printable(who))  \(Style.dim.applied(to: printable(entry.gateway)))"
    }

    private static func kind(_ entry: JournalEntry) -> String {
        let word = entry.kind.rawValue.padded(to: 9)
        switch entry.kind {
        case .alarm: return Style.red.applied(to: word)
        case .command: return Style.blue.applied(to: word)
        case .operator: return Style.cyan.applied(to: word)
        default: return Style.dim.applied(to: word)
        }
    }

    /// `factory/line1/conveyor1 setSpeed rpm=1200  c-42`, and why when it did not work.
    private static func command(_ details: OrderedDictionary<String, JSONValue>) -> String? {
        guard let id = details["id"]?.stringValue, let device = details["device"]?.stringValue,
            let name = details["command"]?.stringValue
        else { return nil }
        let parameters = HumanText.pairs(details["parameters"]?.objectValue ?? [:])
        let verdict = details["verification"]?.stringValue.map { "  \($0)" } ?? ""
        let detail = details["detail"]?.stringValue.map { "  \($0)" } ?? ""
        return "\(device) \(name)\(parameters.isEmpty ? "" : " ")\(parameters)  \(id)\(verdict)\(detail)"
    }

    /// What somebody said about it. A record keeps the comment of its acknowledgement through later transitions.
    private static func comment(_ entry: JournalEntry) -> String? {
        if entry.transition == AlarmTransition.acknowledged.rawValue { return (try? entry.alarmRecord())?.comment }
        return entry.details["comment"]?.stringValue
    }

    /// Members of an entry as `name=value`, but for those that stand elsewhere in the line.
    private static func members(_ details: OrderedDictionary<String, JSONValue>) -> String {
        HumanText.pairs(
            details.filter { !["gateway", "epoch", "comment"].contains($0.key) }.map { key, value in
                guard key == "since", let time = value.intValue else { return (key: key, value: value) }
                return (key: key, value: .string(ClockText.text(time)))
            })
    }

    private static func what(_ entry: JournalEntry) -> String {
        let transition = (entry.transition ?? "").padded(to: 10)
        if let alarm = try? entry.alarmRecord() {
            let value = alarm.value.map(HumanText.number) ?? "–"
            return "\(transition) \(alarm.path)  \(alarm.condition) at \(value)  → \(alarm.state)"
        }
        if case .alarm(let alarm)? = try? entry.forgotten() {
            let was = entry.details["was"]?.stringValue.map { "  was \($0)" } ?? ""
            return "\(transition) \(alarm.path)\(was)"
        }
        if entry.kind == .command, let command = command(entry.details) { return "\(transition) \(command)" }
        return "\(transition) \(members(entry.details))"
    }
}

extension String {
    /// Filled up with spaces on the right.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
