import JSON
package import Plant

extension PlantStatus {
    /// A gateway reports every two seconds. An older report is a complaint: the process may stand still.
    static let oldReport: Milliseconds = 15_000

    /// What is wrong and needs a person, in a sentence each.
    ///
    /// - Parameter now: by this machine's clock, which may differ from the tree's.
    package func complaints(at now: Milliseconds) -> [String] {
        gatewayComplaints + workComplaints
            + gateways.flatMap { Self.reportComplaints($0, at: now) }
    }

    private var gatewayComplaints: [String] {
        var complaints = gateways.filter { $0.member == nil }.map {
            "\($0.name) is not a gateway: its node is not kept by a living one; delete it: linekeeper tree delete /gateways/\($0.name)"
        }
        let members = gateways.compactMap(\.member)
        for gateway in gateways {
            guard let member = gateway.member, let reason = gateway.standsBy else { continue }
            switch (member.isReady, gateway.isProcessor) {
            case (true, true):
                complaints.append(
                    "\(gateway.name) processes alarms, but it has \(reason); give all gateways the same routes")
            case (true, false):
                complaints.append("\(gateway.name) stands by: \(reason); give all gateways the same routes")
            case (false, true): complaints.append("\(gateway.name) processes alarms, but it \(reason)")
            case (false, false): complaints.append("\(gateway.name) cannot take over: it \(reason)")
            }
        }
        if !members.isEmpty, !members.contains(where: \.isReady) {
            complaints.append("no gateway hears the broker; is it running, and may the gateways connect and subscribe?")
        }
        if members.count > 1, members.allSatisfy(\.isDraining) {
            complaints.append(
                "all gateways drain, so they share the work as if none did; bring one back: linekeeper drain \(members[0].name) --undo"
            )
        }
        return complaints + configurationComplaints
    }

    /// Gateways of one version whose alarms, commands or Sparkplug hosts differ, which their digests do not tell apart: after a takeover the plant would behave differently.
    private var configurationComplaints: [String] {
        let told = gateways.filter { $0.member != nil && $0.standsBy == nil }.compactMap { gateway in
            gateway.report?.record.configurationDigest.map {
                (gateway.name, version: gateway.data["version"]?.stringValue ?? "", digest: $0)
            }
        }
        return Dictionary(grouping: told, by: \.version).values.compactMap { group in
            guard let first = group.first, let other = group.first(where: { $0.digest != first.digest }) else {
                return nil
            }
            return
                "\(first.0) and \(other.0) have different configurations (alarms, commands or sparkplug); give all gateways the same"
        }.sorted()
    }

    private var workComplaints: [String] {
        guard !gateways.isEmpty else { return ["no gateway runs: nothing is watched; start one (linekeeper run)"] }
        var complaints: [String] = []
        if let processor {
            if !gateways.contains(where: { $0.name == processor && $0.member != nil }) {
                complaints.append(
                    "alarms are processed by \(processor), which is not registered: they wait until its session ends")
            }
        } else {
            complaints.append("no gateway processes alarms")
        }
        if ownedShards < TreeLayout.shardCount {
            let unowned = TreeLayout.shardCount - ownedShards
            complaints.append(
                "\(HumanText.count(unowned, "shard has", "shards have")) no owner: values there are not written")
        }
        return complaints
    }

    private static func reportComplaints(_ gateway: GatewayStatus, at now: Milliseconds) -> [String] {
        guard let member = gateway.member else { return [] }
        guard let (record, writtenAt) = gateway.report else {
            let age = gateway.data["started"]?.intValue.map { now.subtractingReportingOverflow($0) }
            guard !member.isOlder, let age, !age.overflow, age.partialValue > oldReport else { return [] }
            return ["\(gateway.name) has not reported anything; may it write \(TreeLayout.status(gateway.name))?"]
        }
        let (age, overflow) = now.subtractingReportingOverflow(writtenAt)
        var complaints: [String] = []
        if !overflow, age > oldReport {
            complaints.append(
                "\(gateway.name) has reported nothing for \(HumanText.span(age)) by this machine's clock; does its process stand still?"
            )
        }
        return complaints
            + record.problems.map { "\(gateway.name): \(text(of: $0, at: now))" }
            + record.untried.map { "\(gateway.name): \(text(of: $0, at: now)); not tried again at present" }
    }

    private static func text(of problem: GatewayProblem, at now: Milliseconds) -> String {
        let (age, overflow) = now.subtractingReportingOverflow(problem.since)
        let time = overflow ? "" : ", for \(HumanText.span(max(0, age)))"
        return problem.text + (problem.cause.isEmpty ? "" : " (\(problem.cause))") + time
    }
}
