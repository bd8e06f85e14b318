import PlantClient
import SparkplugB

/// A message of Sparkplug B as a person gets to see it: what it is, and its metrics with their types.
enum EdgeMessageText {
    /// So many metrics are shown.
    private static let shown = 100

    static func lines(topic: String, payload: [UInt8]) -> [String] {
        guard case .edge(let edge)? = try? SparkplugTopic(Array(topic.utf8).span) else { return [] }
        let message: SparkplugPayload
        do throws(SparkplugError) {
            message = try SparkplugPayload(payload.span)
        } catch {
            return ["message \(edge.type), cannot be read as a whole: \(printable("\(error)"))"]
        }
        let sequence = message.sequence.map { ", number \($0)" } ?? ", without a number"
        var lines = ["message \(edge.type)\(sequence), \(HumanText.count(message.metrics.count, "metric"))"]
        for metric in message.metrics.prefix(shown) {
            let name = metric.name.map { printable($0) }
            let alias = metric.alias.map { "alias \($0)" }
            let words = [name, alias].compactMap(\.self).joined(separator: ", ")
            let past = metric.isHistorical ? ", about the past" : ""
            lines.append("metric  \(words.isEmpty ? "without a name" : words): \(metric.type.name)\(past)")
        }
        if message.metrics.count > shown { lines.append("        and \(message.metrics.count - shown) more") }
        return lines
    }
}
