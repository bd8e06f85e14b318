import JSON
import OrderedCollections
import Plant
import PlantClient
import PlantConfiguration

extension GatewayConfiguration {
    /// A configuration that can be used, in a sentence.
    ///
    /// - Parameter file: As the person named it.
    func summary(file: String) -> String {
        let tree =
            switch local.tree.place {
            case .embedded(let embedded): "a tree of its own in \(embedded.data)"
            case .ensemble(let servers): "the tree at \(servers)"
            }
        let state =
            warnings.isEmpty
            ? "all is well" : "it can be used, with \(HumanText.count(warnings.count, "warning"))"
        return """
            \(file): \(state). Plant \(local.plant) (\(local.timeZone)), gateway \(local.gateway), broker \
            \(local.mqtt.brokersInWords), \(tree); \(HumanText.count(plant.routes.count, "route")), \
            \(HumanText.count(plant.alarms.count, "alarm")), \(HumanText.count(plant.commands.count, "command")).
            """
    }
}

extension ConfigurationProblem {
    /// The problem as programs get it.
    var json: JSONValue {
        var members: JSONValue = [
            "severity": .string(severity.name), "file": .string(file),
            "line": line.map { .integer(Int64($0)) } ?? .null,
            "column": column.map { .integer(Int64($0)) } ?? .null, "what": .string(what),
        ]
        if let expected, case .object(var object) = members {
            object["expected"] = .string(expected)
            members = .object(object)
        }
        return members
    }
}
