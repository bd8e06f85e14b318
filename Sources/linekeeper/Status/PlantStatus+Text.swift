import JSON
import Plant
import PlantClient
import Primitives

extension PlantStatus {
    func text(servers: String, now: Milliseconds) -> String {
        // A plant that does not use weights is not to be asked what they are.
        let hasWeights = gateways.contains { ($0.member?.weight ?? 1) != 1 }
        var table = Table(
            columns: [
                TableColumn("GATEWAY"), TableColumn("ROLE"), TableColumn("SHARDS", .right),
            ] + (hasWeights ? [TableColumn("WEIGHT", .right)] : []) + [
                TableColumn("BROKER"), TableColumn("REPORT"), TableColumn("HOST"), TableColumn("PID", .right),
                TableColumn("VERSION"), TableColumn("STARTED"),
            ])
        for gateway in gateways {
            let weight = TableCell(gateway.member.map { "\($0.weight)" } ?? "")
            table.rows.append(
                [
                    TableCell(gateway.name, .bold),
                    gateway.role,
                    TableCell("\(gateway.shards)"),
                ] + (hasWeights ? [weight] : []) + [
                    gateway.brokerCell(now: now),
                    TableCell(gateway.report.map { HumanText.age(of: $0.writtenAt, now: now) } ?? ""),
                    TableCell(gateway.data["host"]?.stringValue ?? ""),
                    TableCell(gateway.data["pid"].map { "\($0)" } ?? ""),
                    TableCell(gateway.data["version"]?.stringValue ?? ""),
                    TableCell(gateway.data["started"]?.intValue.map { HumanText.age(of: $0, now: now) } ?? ""),
                ])
        }
        var lines = gateways.isEmpty ? ["no gateway runs; start one: linekeeper run"] : table.lines()
        lines.append("")
        lines.append(
            "alarms   \(processor.map { "processed by \(printable($0)), epoch \(processorEpoch ?? 0), \(standbys) standing by" } ?? Style.red.applied(to: "nobody processes them"))"
        )
        lines.append("         \(alarmCounts)")
        lines.append("shards   \(printable(shardCounts))")
        for complaint in complaints(at: now) { lines.append("problem  \(Style.red.applied(to: printable(complaint)))") }
        lines.append(
            "plant    \(HumanText.count(tags, "tag")); devices: \(deviceCounts); \(HumanText.count(journalEntries, "journal entry", "journal entries"))"
        )
        let trip = Double(roundTrip.wholeMicroseconds) / 1000
        lines.append(
            "tree     \(Style.green.applied(to: "answers")) at \(servers) in \(HumanText.number((trip * 100).rounded() / 100)) ms"
        )
        return lines.joined(separator: "\n") + "\n"
    }

    private var shardCounts: String {
        (["\(ownedShards) of \(TreeLayout.shardCount) owned"]
            + ownership.onTheirWay.map { "\($0.shards) on their way to \($0.to)" }
            + ownership.waiting.map { "\($0.shards) kept until \($0.for) queues" }).joined(separator: ", ")
    }

    private var alarmCounts: String {
        let shown = AlarmState.allCases.compactMap { state -> String? in
            guard let count = alarms[state], count > 0, state != .normal else { return nil }
            return "\(count) \(state.rawValue)"
        }
        return shown.isEmpty ? "none active" : shown.joined(separator: ", ")
    }

    private var deviceCounts: String {
        let shown = [DeviceState.online, .offline, .stale].compactMap { state in
            devices[state].map { "\($0) \(state.rawValue)" }
        }
        let flapping = flappingDevices > 0 ? " (\(flappingDevices) flapping)" : ""
        return shown.isEmpty ? "none" : shown.joined(separator: ", ") + flapping
    }

}

extension PlantStatus.GatewayStatus {
    /// For how long the gateway has been connected, and to which broker; two when its connections have not met at one.
    fileprivate func brokerCell(now: Milliseconds) -> TableCell {
        guard let record = report?.record else { return TableCell("") }
        guard let since = record.brokerSince else { return TableCell("not connected", .red) }
        let place = record.brokerAddresses.isEmpty ? "" : " to " + record.brokerAddresses.joined(separator: ", ")
        return TableCell("connected " + HumanText.age(of: since, now: now) + place)
    }

    fileprivate var role: TableCell {
        guard let member else { return TableCell("does not count", .red) }
        if member.isDraining, standsBy == nil {
            if isProcessor { return TableCell("alarm processor, draining", .yellow) }
            return TableCell(shards > 0 ? "draining" : "drained", .yellow)
        }
        switch (isProcessor, standsBy) {
        case (true, nil): return TableCell("alarm processor", .green)
        // It has the alarms until another gateway can take them.
        case (true, let reason?): return TableCell("alarm processor: \(reason)", .red)
        case (false, nil): return TableCell("standby")
        case (false, let reason?): return TableCell("stands by: \(reason)", .red)
        }
    }
}
