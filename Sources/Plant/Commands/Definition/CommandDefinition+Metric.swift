import JSON
import SparkplugB

// What a command that writes a metric of Sparkplug B must be, and no other may be.
extension CommandDefinition {
    /// The metric that it writes; nil when it publishes something else.
    package var metric: CommandMetric? {
        if case .metric(let metric) = payload { metric } else { nil }
    }

    /// Finds out whether topic and payload go together.
    func checkMetric() throws(Mistake) {
        let levels = topic.filter(devices: devices).split(separator: "/", omittingEmptySubsequences: false)
        let isCommand =
            levels.count > 2 && levels[0] == SparkplugTopic.namespace
            && [SparkplugMessageType.nodeCommand.name, SparkplugMessageType.deviceCommand.name].contains(
                String(levels[2]))
        guard let metric else {
            if isCommand { throw .metricNeeded(topic.text) }
            return
        }
        guard isCommand else { throw .metricTopic(topic.text, why: "it is neither an NCMD nor a DCMD") }
        guard !levels.contains("#") else {
            throw .metricTopic(topic.text, why: "something in it can stand for several levels")
        }
        // What fills a placeholder is one level, whatever it is.
        let example = Array(levels.map { $0 == "+" ? "x" : $0 }.joined(separator: "/").utf8)
        do throws(SparkplugTopic.Refusal) { _ = try SparkplugTopic(example.span) } catch {
            throw .metricTopic(topic.text, why: "\(error)")
        }
        guard qos == .atMostOnce else { throw .metricQoS }
        guard answer == nil else { throw .metricAnswer }
        let parameterNames = parameters.map(\.name)
        let placeholders = metric.name.placeholders + (metric.name.hasDevice ? ["device"] : [])
        try check(placeholders, .metric, known: devices.names + parameterNames)
        for name in metric.name.placeholders { try checkLevels(of: name) }
        if metric.name.placeholders.isEmpty, let why = CommandMetric.mistake(in: metric.name.text) {
            throw .metricName(metric.name.text, why: why)
        }
        if case .parameter(let name) = metric.value { try check([name], .metricValue, known: parameterNames) }
    }

    /// Whether what is sent is a number, whatever the operator gives.
    func isNumber(_ value: CommandVerification.Wanted, asWord: Bool) -> Bool {
        switch value {
        case .constant(let value): return value.doubleValue != nil
        case .parameter(let name):
            guard let parameter = parameters.first(where: { $0.name == name }) else { return false }
            guard asWord, let words = parameter.words else { return [.number, .integer].contains(parameter.kind) }
            return words.allSatisfy { $0.word.doubleValue != nil }
        }
    }

    /// Where it is published for one of its devices; nil when parameters decide that, too.
    package func exampleTopic(for device: TagPath) -> String? {
        let levels = devices.levels(of: device)
        return topic.filled(device: device) { levels[$0] }
    }
}
