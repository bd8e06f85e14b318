import SparkplugB

/// A metric of Sparkplug B is written as its birth describes it, and shows the value that was sent. The birth is asked
/// before each sending, once more when the message leaves, and at each look at its echo; after a takeover, that which the new owner
/// has heard.
extension CommandDesk {
    /// What can be done about a command that writes a metric.
    enum MetricChance {
        case possible(SparkplugCommand)
        /// There will be a birth; until then, why it waits.
        case awaited(String)
        case impossible(String)
    }

    /// Whether a metric can be written.
    static func chance(of metric: CommandMessage.Metric, _ sight: MetricSight?, isEchoed: Bool) -> MetricChance {
        let name = "the metric \(metric.address.name)"
        let birth = metric.address.birth
        switch sight?.metric {
        case nil, .unborn?: return .awaited("no birth on \(birth) has been heard here that holds")
        case .dead?: return .impossible("its device is dead: no birth on \(birth) has come since")
        case .unnamed?: return .impossible("the birth on \(birth) names no metric \(metric.address.name)")
        case .untagged?:
            return .impossible("\(name) of the birth on \(birth) has several values, or its name makes no tag")
        case .named(let type, _, let tag)?:
            guard tag != nil || !isEchoed else {
                return .impossible("\(name) has no tag here that could show its value; the gateway's log says why")
            }
            do throws(SparkplugCommandRefusal) {
                return .possible(
                    try SparkplugCommand(metric: metric.address.name, type: type, value: SparkplugScalar(metric.value)))
            } catch {
                return .impossible("\(name): \(error)")
            }
        }
    }

    /// What the metric has to show, and where; or why that cannot be told.
    static func echo(
        of metric: CommandMessage.Metric, _ sight: MetricSight?
    ) -> (verified: CommandMessage.Verified, unknown: String?) {
        var verified = CommandMessage.Verified(tag: "the metric \(metric.address.name)", value: metric.value)
        if case .named(_, _, .some(let tag))? = sight?.metric {
            verified = CommandMessage.Verified(tag: tag.text, value: metric.value)
        }
        switch chance(of: metric, sight, isEchoed: true) {
        case .awaited(let why), .impossible(let why): return (verified, why)
        case .possible(let command):
            guard let value = try? TagValue(command.expected, isNumber: false, IngestLimits()) else {
                return (verified, "no tag can have such a value")
            }
            return (CommandMessage.Verified(tag: verified.tag, value: value), nil)
        }
    }
}
