/// Where alarms are announced (docs/tree-and-topics.md).
package struct AlarmTopics: Sendable {
    private let prefix: String

    package init(plant: String) { prefix = "linekeeper/" + plant }

    /// One message per transition: the record after it, `transition` and `at`. Not retained.
    package var events: String { prefix + "/alarm-events" }

    /// Below it lie the topics of all alarms.
    package var records: String { prefix + "/alarms/" }

    /// The current record of one alarm, retained: `linekeeper/<plant>/alarms/<tag path>/<alarm>`.
    package func record(of alarm: AlarmPath) -> String { records + alarm.description }

    /// Where a gateway hears itself: what it sends there comes back behind everything that the broker had to deliver.
    package func echo(of gateway: String) -> String { prefix + "/gateways/" + gateway + "/retained-echo" }
}
