import Plant

/// Where alarms are announced (DESIGN.md, "Life of an alarm").
struct AlarmTopics: Sendable {
    private let prefix: String

    init(plant: String) { prefix = "linekeeper/" + plant }

    /// One message a transition: the record after it, `transition` and `at`. Not retained.
    var events: String { prefix + "/alarm-events" }

    /// The current record of one alarm, retained: `linekeeper/<plant>/alarms/<tag path>/<alarm>`.
    func record(of alarm: AlarmPath) -> String { prefix + "/alarms/" + alarm.description }
}
