import Plant
import Yams

/// Reads what one gateway needs for itself, key by key. Asks the machine through ``MachineFacts`` only.
struct LocalReader {
    static let keys = ["plant", "gateway", "weight", "mqtt", "tree", "flushSpacing", "limits", "state", "include"]

    let machine: any MachineFacts

    /// nil when something is missing without which there is no gateway; that has been reported then.
    func read(_ root: ConfigurationSection) -> LocalConfiguration? {
        let place = root.required("plant", "the plant's name, such as bottling").flatMap(readPlant)
        let gateway = Self.identifier(root.required("gateway", "this gateway's name, such as ${HOSTNAME}"))
        let weight = root["weight"].flatMap { $0.integer(in: ShardMap.weights) } ?? 1
        let mqtt = root.required("mqtt", "a mapping with the broker's address").flatMap(readMQTT)
        let tree = readTree(of: root, plant: place?.name)
        let flushSpacing =
            root["flushSpacing"].flatMap { $0.duration(in: .zero ... .seconds(60)) } ?? .milliseconds(5)
        let limits = root["limits"].map(LimitsSection.read) ?? GatewayLimits()
        let stateFolder = readState(of: root)
        guard let place, let gateway, let mqtt, let tree else { return nil }
        return LocalConfiguration(
            file: root.value.document.name, plant: place.name, timeZone: place.timeZone, gateway: gateway,
            weight: weight, mqtt: mqtt, tree: tree, flushSpacing: flushSpacing, limits: limits, stateFolder: stateFolder
        )
    }

    /// The folder for what this gateway keeps for itself: the configured one, else that of the service.
    private func readState(of root: ConfigurationSection) -> String? {
        guard let value = root["state"], let text = value.text("a folder, such as /var/lib/linekeeper/state") else {
            return machine.stateDirectory.map { $0 + "/state" }
        }
        guard !["off", "no", "none", "false", "on", "yes", "true"].contains(text.lowercased()), Int(text) == nil else {
            value.report("state is \"\(text)\"", expected: "a folder, such as /var/lib/linekeeper/state")
            return nil
        }
        let folder = value.path(text)
        if machine.othersMayWrite(into: folder) {
            value.warn(
                "state: everybody on this machine may write into \(folder), and so make up alarms",
                expected: "a folder for its owner alone: chmod o-w \(folder)")
        }
        return folder
    }

    /// The section `tree` alone.
    func readTree(of root: ConfigurationSection, plant: String?) -> TreeSettings? {
        root.required("tree", "a mapping with embedded or ensemble").flatMap { readTree($0, plant: plant) }
    }

    /// The plant's name, alone or with its time zone.
    private func readPlant(_ value: ConfigurationValue) -> (name: String, timeZone: TimeZoneName)? {
        guard case .mapping = value.node else { return Self.identifier(value).map { ($0, machine.timeZone) } }
        guard let section = value.section(keys: ["name", "timeZone"]),
            let name = Self.identifier(section.required("name", "the plant's name, such as bottling"))
        else { return nil }
        guard let zone = section["timeZone"] else { return (name, machine.timeZone) }
        let expected = "a name such as Europe/Berlin or UTC"
        guard let text = zone.text(expected) else { return nil }
        do throws(TimeZoneName.Mistake) {
            return (name, try machine.timeZone(named: text))
        } catch {
            zone.report("\(zone.name) \"\(text)\" \(error)", expected: expected)
            return nil
        }
    }

    /// A name that stands in a path of the tree and in a topic.
    private static func identifier(_ value: ConfigurationValue?) -> String? {
        guard let value, let text = value.string() else { return nil }
        guard let reason = ConfigurationNames.objection(to: text) else { return text }
        value.report(
            "\(value.name) \"\(text)\" \(reason)",
            expected: "a name that can stand in a path of the tree and in a topic: no / + # % or control characters")
        return nil
    }
}
