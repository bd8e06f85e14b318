import CampaignOracle
import Foundation
import TestFixtures
import ZooKeeperClient

/// Holds what tree and broker say against what the sensors had acknowledged.
struct Judge {
    let scene: Scene

    /// How far a gateway may date a sample without a time of its own from when it was sent, in quiet times and around a
    /// fault, where it may be heard late.
    private enum Tolerance {
        static let quiet: Int64 = 100
        static let fault: Int64 = 60_000
        static let margin: Int64 = 1_500
        /// While gateways' clocks are set: more than by which they are.
        static let otherClock: Int64 = 20 * 365 * 86_400_000
    }

    private struct Moment: Hashable {
        let topic: String
        let time: Int64
    }

    func examine() async throws -> Verdict {
        try await scene.journal.update()
        let notes = scene.notes
        var verdict = Verdict()
        verdict.complaints = notes.complaints + scene.ears.unreadable.map { "unreadable event: \($0)" }
        let entries = scene.journal.entries
        let journal = entries.compactMap(\.transition)
        judgeAlarms(journal, notes, &verdict)
        verdict.nodes = try await tagComplaints(notes) + recordComplaints(journal)
        verdict.commands = CommandVerdict(try await scene.commands.results(scene.reader))
        if notes.forbidsUnknown, let count = verdict.commands.states["UNKNOWN"] {
            verdict.complaints.append("\(count) commands UNKNOWN, though their gateways lived")
        }
        let retained = try await AlarmEars.retained(port: scene.broker.port, plant: scene.plant)
        let deaf = Set(
            entries.filter { entry in notes.deaf.contains { $0.contains(entry.recordedAt) } }
                .compactMap { $0.transition?.key })
        verdict.announcements =
            AnnouncementVerdict(journal: journal, events: scene.ears.events, retained: retained) {
                deaf.contains($0.key)
            }.complaints
        return verdict
    }

    private func judgeAlarms(_ journal: [SeenTransition], _ notes: Scene.Notes, _ verdict: inout Verdict) {
        var byAlarm = Dictionary(grouping: journal.filter { !$0.isCorrection }, by: \.alarm)
        for sensor in scene.sensors.all {
            guard let rule = sensor.script.rule else { continue }
            let alarm = sensor.topic + "/" + rule.name
            let samples = samples(of: sensor, notes)
            let explanation = Explanation(
                alarm, rule: rule, samples: samples, entries: byAlarm.removeValue(forKey: alarm) ?? [],
                mayWait: isUndecided(sensor, samples, notes))
            verdict.occurrences += explanation.occurrences
            verdict.findings += explanation.findings
        }
        // What gateways say about themselves is no sensor's: only that it is recorded once and announced as recorded.
        for entry in byAlarm.values.joined() where !entry.isOfGateway {
            verdict.findings.append(Finding(.invented, entry.alarm, "\(entry); nothing was published there"))
        }
        let still = Set(
            scene.sensors.all.flatMap { sensor in
                sensor.published.filter { !$0.isClockRunning }.map { Moment(topic: sensor.topic, time: $0.time) }
            })
        verdict.findings += IdentityVerdict.findings(journal) { alarm, time in
            still.contains(Moment(topic: String(alarm[..<(alarm.lastIndex(of: "/") ?? alarm.endIndex)]), time: time))
        }
    }

    private func isUndecided(_ sensor: Sensor, _ samples: [Sample], _ notes: Scene.Notes) -> Bool {
        sensor.script.hasSourceTime && ClockRule.undecided(samples, clockChanges: notes.clocksChange) != nil
    }

    private func samples(of sensor: Sensor, _ notes: Scene.Notes) -> [Sample] {
        var samples = published(by: sensor, notes)
        guard sensor.script.hasSourceTime else { return samples }
        for index in samples.indices where samples[index].acknowledgedAt - samples[index].time > ClockRule.historyAge {
            samples[index].isCertain = false
        }
        if let first = ClockRule.undecided(samples, clockChanges: notes.clocksChange) {
            for index in samples[first...].indices { samples[index].isCertain = false }
        }
        return samples
    }

    /// Whether gateways may have heard what was published then much later than the broker had it.
    private func isDisturbed(_ time: Int64, _ notes: Scene.Notes) -> Bool {
        guard let struck = notes.struck else { return false }
        let healed = notes.healedAt ?? .max - Tolerance.margin
        return (struck.wall - Tolerance.margin...healed + Tolerance.margin).contains(time)
    }

    private func published(by sensor: Sensor, _ notes: Scene.Notes) -> [Sample] {
        let rule = sensor.script.rule
        let isImmediate = rule.map { $0.onDelay == 0 && $0.offDelay == 0 } ?? false
        let uncertain =
            notes.uncertain + (isImmediate ? [] : notes.uncertainWithoutTransition)
            + (sensor.script.hasSourceTime ? [] : notes.uncertainWithoutTime)
        return sensor.published.compactMap { published in
            guard let acknowledgedAt = published.acknowledgedAt else { return nil }
            let tolerance =
                sensor.script.hasSourceTime ? 0 : tolerance(published.time, acknowledgedAt, notes)
            return Sample(
                value: published.value, time: published.time, acknowledgedAt: acknowledgedAt,
                tolerance: tolerance,
                isCertain: published.isClockRunning && !uncertain.contains { $0.contains(acknowledgedAt) })
        }
    }

    /// For a sample without a time of its own.
    private func tolerance(_ time: Int64, _ acknowledgedAt: Int64, _ notes: Scene.Notes) -> Int64 {
        if notes.uncertainWithoutTime.contains(where: { $0.contains(acknowledgedAt) }) { return Tolerance.otherClock }
        return isDisturbed(time, notes) ? Tolerance.fault : Tolerance.quiet + acknowledgedAt - time
    }

    private func tagComplaints(_ notes: Scene.Notes) async throws -> [String] {
        let sensors = scene.sensors.all.filter { !$0.published.isEmpty }
        let nodes = try await scene.reader.tags(sensors.map(\.topic))
        return sensors.compactMap { sensor in
            let samples = samples(of: sensor, notes)
            guard let last = samples.last else { return nil }
            guard let node = nodes[sensor.topic] else { return "tag \(sensor.topic) has no node" }
            // The last one, or one before it when later ones may have been lost.
            let certain = samples.lastIndex(where: \.isCertain) ?? samples.startIndex
            let isRight = samples[certain...].contains { sample in
                node.v?.number == sample.value && (!sensor.script.hasSourceTime || node.t == sample.time)
            }
            // What a gateway heard late and nothing followed leaves its sensor's clock in doubt.
            let mayBeUncertain = isUndecided(sensor, samples, notes) || isDisturbed(last.time, notes)
            if isRight, node.q == "good" || node.q == "uncertain" && mayBeUncertain { return nil }
            return "tag \(sensor.topic) holds \(node.v.map { "\($0)" } ?? "nothing") \(node.q) of \(node.t), "
                + "last published \(last.value) of \(last.time)"
        }
    }

    /// Each alarm's record is the one after its last entry.
    private func recordComplaints(_ journal: [SeenTransition]) async throws -> [String] {
        var complaints: [String] = []
        for (alarm, entry) in Dictionary(journal.map { ($0.alarm, $0) }, uniquingKeysWith: { $1 }) {
            let slash = alarm.lastIndex(of: "/") ?? alarm.startIndex
            let path = "/alarms/" + alarm[..<slash] + "/@" + alarm[alarm.index(after: slash)...]
            guard let data = try await scene.reader.read(path)?.data, let record = AlarmMessage.read(data) else {
                complaints.append("record of \(alarm) is missing")
                continue
            }
            if record.eventID != entry.eventID || record.condition != entry.condition || record.at != entry.at {
                complaints.append("record of \(alarm) is \(record), must be \(entry)")
            }
        }
        return complaints.sorted()
    }
}
