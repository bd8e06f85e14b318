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
        var byAlarm = Dictionary(grouping: journal, by: \.alarm)
        for sensor in scene.sensors.all {
            guard let rule = sensor.script.rule else { continue }
            let alarm = sensor.topic + "/" + rule.name
            let samples = samples(of: sensor, notes)
            let explanation = Explanation(
                alarm, rule: rule, samples: samples, entries: byAlarm.removeValue(forKey: alarm) ?? [],
                mayWait: isUndecided(sensor, samples))
            verdict.occurrences += explanation.occurrences
            verdict.findings += explanation.findings
        }
        for entry in byAlarm.values.joined() {
            verdict.findings.append(Finding(.invented, entry.alarm, "\(entry); nothing was published there"))
        }
        verdict.findings += IdentityVerdict.findings(journal)
    }

    private func isUndecided(_ sensor: Sensor, _ samples: [Sample]) -> Bool {
        sensor.script.hasSourceTime && ClockRule.undecided(samples) != nil
    }

    private func samples(of sensor: Sensor, _ notes: Scene.Notes) -> [Sample] {
        var samples = published(by: sensor, notes)
        guard sensor.script.hasSourceTime else { return samples }
        for index in samples.indices where samples[index].acknowledgedAt - samples[index].time > ClockRule.historyAge {
            samples[index].isCertain = false
        }
        if let first = ClockRule.undecided(samples) {
            for index in samples[first...].indices { samples[index].isCertain = false }
        }
        return samples
    }

    private func published(by sensor: Sensor, _ notes: Scene.Notes) -> [Sample] {
        sensor.published.compactMap { published in
            guard let acknowledgedAt = published.acknowledgedAt else { return nil }
            let isDisturbed =
                notes.struck.map {
                    ($0.wall - Tolerance.margin...(notes.healedAt ?? .max - Tolerance.margin) + Tolerance.margin)
                        .contains(published.time)
                } ?? false
            let tolerance =
                isDisturbed ? Tolerance.fault : Tolerance.quiet + acknowledgedAt - published.time
            return Sample(
                value: published.value, time: published.time, acknowledgedAt: acknowledgedAt,
                tolerance: sensor.script.hasSourceTime ? 0 : tolerance,
                isCertain: !notes.uncertain.contains { $0.contains(acknowledgedAt) })
        }
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
            if isRight, node.q == "good" || node.q == "uncertain" && isUndecided(sensor, samples) { return nil }
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
