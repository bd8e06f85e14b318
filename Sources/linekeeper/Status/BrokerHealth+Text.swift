import PlantClient

extension BrokerHealth {
    var line: String {
        "broker   "
            + (problem.map { Style.red.applied(to: printable("\(broker): \($0)")) }
                ?? "\(Style.green.applied(to: "answers")) at \(broker)")
    }
}
