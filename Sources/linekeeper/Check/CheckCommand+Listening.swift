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
        let heard = try Heard(loaded.plant, maxPayload: loaded.local.limits.maxPayload)
        let isJSON = output.json
        try await untilInterrupted {
            let outcome = try await BrokerListening.listen(
                loaded.local.mqtt, to: filter, for: time, maxPayload: loaded.local.limits.maxPayload, logger: .quiet
            ) { message in
                guard let (trial, steps) = heard.topics.withLock({ $0.take(message) }) else { return }
                if isJSON {
                    Terminal.line("\(trial.json(steps))")
                } else {
                    Terminal.write(trial.text(steps, routes: loaded.plant.routes) + "\n")
                }
            }
            heard.outcome.withLock { $0 = outcome }
        }
        let found = heard.topics.withLock { $0 }
        if isJSON {
            for object in found.json { Terminal.line("\(object)") }
        } else {
            Terminal.write(found.text)
        }
        // nil: the person has ended it.
        if let outcome = heard.outcome.withLock({ $0 }) {
            if !outcome.wasConnected {
                Terminal.complain("the connection to the broker was lost meanwhile: what was published then is missing")
            }
            if outcome.lost > 0 {
                Terminal.complain(
                    "\(HumanText.count(Int(clamping: outcome.lost), "message")) longer than limits.maxPayload, or more than could be taken in, are not among these"
                )
            }
            if found.messages + found.own == 0 {
                Terminal.complain(
                    "nothing arrived on \(filter) within \(HumanText.span(time)); does anything publish, and may this user read it?"
                )
            }
        }
        return found.messages + found.own > 0 && found.isUnderstood
    }
}

private final class Heard: Sendable {
    let topics: Mutex<HeardTopics>
    let outcome = Mutex<BrokerListening.Outcome?>(nil)

    init(_ plant: PlantDefinition, maxPayload: Int) throws(AlarmMistake) {
        topics = Mutex(try HeardTopics(plant: plant, maxPayload: maxPayload))
    }
}
