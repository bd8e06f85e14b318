import Plant

/// Reads `mqtt.observe`: topic filters that the gateway listens to only to count what no route takes.
enum ObserveList {
    static let capacity = 16
    /// In bytes. They stand in the gateway's status.
    static let filterCapacity = 256

    static func read(_ value: ConfigurationValue) -> [TopicFilter] {
        // Without quotation marks # begins a comment, and nothing is left.
        let elements = value.list(of: "topic filters in quotation marks, such as [\"#\"]") ?? []
        if elements.count > capacity {
            value.report("\(value.name) lists \(elements.count) filters", expected: "at most \(capacity)")
        }
        return elements.compactMap(readFilter)
    }

    private static func readFilter(_ value: ConfigurationValue) -> TopicFilter? {
        let expected = "a topic filter such as \"#\" or \"zigbee2mqtt/#\""
        guard let text = value.text(expected) else { return nil }
        let objection: String
        do throws(TopicFilter.Mistake) {
            let filter = try TopicFilter(text)
            guard let found = Self.objection(to: text) else { return filter }
            objection = found
        } catch {
            objection = "\(error)"
        }
        value.report("\(value.name) is \"\(ConfigurationValue.label(text))\": \(objection)", expected: expected)
        return nil
    }

    private static func objection(to text: String) -> String? {
        if text.utf8.count > filterCapacity { return "it is longer than \(filterCapacity) bytes" }
        if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "it contains a control character"
        }
        if text.hasPrefix("$share/") { return "gateways do not share what they count" }
        if text.hasPrefix(GatewayFault.prefix) { return "Linekeeper's own topics are not counted" }
        return nil
    }
}
