import Plant

/// `sparkplug`: as which host application the gateways appear to edge nodes.
enum SparkplugSection {
    static let keys = ["hostId", "oldState"]

    static func read(_ value: ConfigurationValue) -> SparkplugHostDefinition? {
        guard let section = value.section(keys: keys) else { return nil }
        let expected = "one level of a topic, such as scada, of at most \(SparkplugHostDefinition.longestID) bytes"
        let oldState = section["oldState"].map { $0.boolean() } ?? false
        guard let hostID = section.required("hostId", expected), let text = hostID.text(expected), let oldState else {
            return nil
        }
        if let host = SparkplugHostDefinition(hostID: text, publishesOldState: oldState) { return host }
        hostID.report(
            "\(hostID.name) is \"\(ConfigurationValue.label(text))\": it is too long, or contains /, +, # or a control character",
            expected: expected)
        return nil
    }
}
