import Plant

extension PlantStatus {
    /// What is wrong with the gateways and needs a person, in a sentence each.
    var complaints: [String] {
        var complaints = gateways.filter { $0.member == nil }.map {
            "\($0.name) is not a gateway: its node is not kept by a living one; delete it: linekeeper tree delete /gateways/\($0.name)"
        }
        let members = gateways.compactMap(\.member)
        for gateway in gateways {
            guard let member = gateway.member, let reason = gateway.standsBy else { continue }
            if member.isReady {
                complaints.append("\(gateway.name) stands by: \(reason); give all gateways the same routes")
            } else {
                let link = gateway.data["broker"]?.stringValue.map { " (\($0))" } ?? ""
                complaints.append("\(gateway.name) cannot take over: it \(reason)\(link); what it says: its log")
            }
        }
        if !members.isEmpty, !members.contains(where: \.isReady) {
            complaints.append("no gateway hears the broker; is it running, and may the gateways connect and subscribe?")
        }
        return complaints
    }
}
