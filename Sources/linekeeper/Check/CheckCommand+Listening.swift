import ArgumentParser
import Plant
import PlantClient
import PlantConfiguration
import Synchronization

extension CheckCommand {
    /// What is to be heard.
    func heardFilter() throws -> TopicFilter {
        do { return try TopicFilter(topic ?? "#") } catch {
            throw ValidationError("--topic is \"\(topic ?? "")\", which is no filter: \(error)")
        }
    }

    /// Listens, and prints what arrives and what it becomes; ends earlier with Ctrl-C.
    ///
    /// - Returns: Whether something arrived, and everything that was read could be.
    func explainArrivals(_ loaded: GatewayConfiguration, for time: Duration) async throws -> Bool {
        let filter = try heardFilter()
        let heard = Heard(loaded.plant)
        let isJSON = output.json
        try await untilInterrupted {
            try await BrokerListening.listen(loaded.local.mqtt, to: filter, for: time, logger: .quiet) { message in
                guard let (trial, steps) = heard.topics.withLock({ $0.take(message) }) else { return }
                if isJSON {
                    Terminal.line("\(trial.json(steps))")
                } else {
                    Terminal.write(trial.text(steps, routes: loaded.plant.routes) + "\n")
                }
            }
        }
        let found = heard.topics.withLock { $0 }
        if isJSON {
            for object in found.json { Terminal.line("\(object)") }
        } else {
            Terminal.write(found.text)
        }
        if found.messages == 0 {
            Terminal.complain(
                "nothing arrived on \(filter) within \(HumanText.span(time)); does anything publish, and may this user read it?"
            )
        }
        return found.messages > 0 && found.isUnderstood
    }
}

private final class Heard: Sendable {
    let topics: Mutex<HeardTopics>

    init(_ plant: PlantDefinition) { topics = Mutex(HeardTopics(plant: plant)) }
}
