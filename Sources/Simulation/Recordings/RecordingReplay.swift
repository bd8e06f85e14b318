package import MQTT
package import Plant

/// A recording that is published as its schedule says.
package struct RecordingReplay: Sendable {
    /// With `max`, times of rows run ahead of the clock when there are more than a thousand rows a second; at this lead
    /// the replay waits, because a gateway does not believe times that lie far ahead.
    private static let longestLead: Milliseconds = 20_000
    /// Rows published beside each other.
    private static let rowsPerRound = 256

    private let recording: Recording
    private let topics: [String]
    private let speed: ReplaySchedule.Speed
    private let now: @Sendable () -> Milliseconds

    /// - Parameters:
    ///   - topics: of each column of the recording.
    ///   - now: the wall clock.
    package init(
        _ recording: Recording, topics: [String], speed: ReplaySchedule.Speed,
        now: @escaping @Sendable () -> Milliseconds
    ) {
        self.recording = recording
        self.topics = topics
        self.speed = speed
        self.now = now
    }

    /// How far it has come.
    package struct Summary: Sendable {
        package var rows = 0
        package var sent = 0
        package var failed = 0
        package var error: MQTTError?
        package var duration = Duration.zero
        package var isComplete = false
    }

    /// Publishes all rows, or until it is cancelled.
    ///
    /// - Parameter progress: Called every other second.
    package func run(by client: MQTTClient, progress: (Summary) -> Void) async -> Summary {
        var summary = Summary()
        let started = ContinuousClock.now
        var lastReport = started
        let first = recording.rows.first?.time ?? 0
        let schedule = ReplaySchedule(speed: speed, start: now(), first: first)
        // By the first sensor of a row: rows of different sensors may be of one moment.
        var schedules = [ReplaySchedule](repeating: schedule, count: topics.count)
        var next = recording.rows.startIndex
        while next < recording.rows.endIndex, !Task.isCancelled {
            let now = self.now()
            var messages: [SimulatedMessage] = []
            var rows = 0
            var wait: Milliseconds = 0
            while next < recording.rows.endIndex, rows < Self.rowsPerRound {
                let row = recording.rows[next]
                let due = schedule.due(row.time)
                guard due <= now else {
                    wait = due &- now
                    break
                }
                let stamp = schedules[row.first].stamp(row.time, now: now)
                for (topic, value) in zip(topics[row.first...], row.values) {
                    guard let value else { continue }
                    messages.append(
                        SimulatedMessage(topic: topic, payload: Array("{\"v\":\(value),\"ts\":\(stamp)}".utf8)))
                }
                next += 1
                rows += 1
                if stamp &- now > Self.longestLead {
                    wait = 1000
                    break
                }
            }
            let result = await PublishRound.send(messages, qos: .atLeastOnce, client)
            summary.rows += rows
            summary.sent += result.sent
            summary.failed += result.failed
            summary.error = summary.error ?? result.error
            if case .notConnected? = result.error {
                // The connection comes back by itself; what was lost meanwhile is counted.
                try? await client.waitForBroker(timeout: .seconds(10))
                if !client.connectionState.isConnected { break }
            }
            if ContinuousClock.now - lastReport > .seconds(2) {
                lastReport = .now
                progress(summary)
            }
            if wait > 0 { try? await Task.sleep(for: .milliseconds(min(wait, 1000))) }
        }
        summary.isComplete = next == recording.rows.endIndex
        summary.duration = ContinuousClock.now - started
        return summary
    }
}
