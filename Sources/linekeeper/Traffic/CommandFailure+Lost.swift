import MQTT
import PlantClient

extension CommandFailure {
    /// Messages that were to be published did not get through.
    ///
    /// - Parameter error: why the first of them did not.
    static func lost(_ messages: Int, _ error: MQTTError?) -> CommandFailure {
        CommandFailure(
            .unreachable,
            "\(HumanText.count(messages, "message")) did not reach the broker: \(error.map { "\($0)" } ?? "unknown")")
    }
}
