import Logging
import MQTT
import Plant
import ServiceLifecycle
import ZooKeeperClient

/// Takes what sensors and devices publish, a batch at a time, into the plant's state, and wakes who has to act on it.
struct IngestLoop: Service {
    /// How often time alone is looked at: on- and off-delays, silence of devices.
    static let tick = Duration.milliseconds(50)
    /// A turn that comes later than this was held up by a stop of the process, or of the machine.
    static let stop = Duration.seconds(1)
    /// After a stop: how long nothing comes when everything has been heard that the broker kept, and how long that is
    /// waited for at most.
    static let lull = Duration.milliseconds(100)
    static let patience = Duration.seconds(2)
    /// How many stops are waited out one after the other.
    static let stopsInARow = 3

    let subscriber: MQTTClient
    let plant: PlantState
    let gate: AcknowledgementGate
    let mirrorTurns: Wake
    let alarmTurns: Wake
    let deviceTurns: Wake
    let client: ZooKeeperClient
    /// Takes what devices answer to commands.
    let answer: @Sendable (_ topic: [UInt8], _ payload: [UInt8]) -> Void
    /// How long a standby keeps a transition that a live active processor does not record.
    let pendingHold: Duration
    let isActive: @Sendable () -> Bool
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.listen() }
                group.addTask { await self.watchConnection() }
                group.addTask { await self.keepTime() }
                await group.waitForAll()
            }
        }
    }

    private func listen() async {
        for await batch in subscriber.batches {
            let effect = plant.take(batch)
            for index in effect.answers {
                let entry = batch.entries[index]
                answer(Array(batch.topic(entry)), Array(batch.payload(entry)))
            }
            if effect.devicesChanged { deviceTurns.wake() }
            guard client.isConnected else {
                // Nothing can be made durable now. Values and transitions stay in memory; the stream must not stop.
                gate.passed(.mirror, through: batch.number)
                gate.passed(.alarms, through: batch.number)
                continue
            }
            mirrorTurns.wake()
            alarmTurns.wake()
        }
    }

    private func watchConnection() async {
        for await state in subscriber.connectionUpdates() {
            if case .connected = state { plant.brokerConnected() }
        }
    }

    /// Sleeps that long. Returns how long the process was stopped meanwhile, if it was.
    private func sleep(_ time: Duration) async -> Duration? {
        let begin = ContinuousClock.now
        try? await Task.sleep(for: time)
        let stopped = ContinuousClock.now - begin
        return stopped > Self.stop && !Task.isCancelled ? stopped : nil
    }

    /// Waits until what the broker kept has come, and nothing more comes at once; but not for long, because plants are
    /// never silent. Returns for how long the process was stopped again while it waited.
    private func hearWhatWasKept() async -> Duration {
        var stoppedAgain = Duration.zero
        var deadline = ContinuousClock.now + Self.patience
        var stops = 0
        let first = plant.newestBatch
        var newest = first
        while ContinuousClock.now < deadline, !Task.isCancelled {
            if let stopped = await sleep(Self.lull) {
                stoppedAgain += stopped
                stops += 1
                // A process that is hardly given any time looks as if it were stopped again and again.
                if stops <= Self.stopsInARow { deadline = .now + Self.patience }
            } else if newest != first, plant.newestBatch == newest, gate.hasReleased(through: newest) {
                // Before anything has come the connection may be dead, without anybody having noticed yet.
                break
            }
            newest = plant.newestBatch
        }
        if stops > Self.stopsInARow {
            logger.warning(
                "this process is hardly given any time: delays of alarms and silence of devices are judged late",
                metadata: ["stops": "\(stops)", "stoodStill": "\(stoppedAgain)"])
        }
        return stoppedAgain
    }

    private func keepTime() async {
        var agreedSince = ContinuousClock.now
        while !Task.isCancelled {
            if let stopped = await sleep(Self.tick) {
                // Nobody listened meanwhile: devices were not silent, conditions may have ended. What the broker kept
                // tells, so that comes first.
                let stoppedAgain = await hearWhatWasKept()
                plant.wasPaused(for: stopped + stoppedAgain)
                agreedSince = .now
            }
            let now = WallClock.now()
            let effect = plant.advance(to: now)
            if effect.alarmsPending { alarmTurns.wake() }
            if effect.devicesChanged {
                deviceTurns.wake()
                mirrorTurns.wake()
            }
            let overflowed = plant.newlyOverflowed()
            if overflowed > 0 {
                logger.error(
                    "alarm transitions lost: too many waited to be recorded; is the tree reachable, does an alarm chatter?",
                    metadata: ["transitions": "\(overflowed)"])
            }
            // Only while the tree can be seen does silence of the active processor mean that it disagrees.
            if isActive() || !client.isConnected {
                agreedSince = .now
            } else if ContinuousClock.now - agreedSince > pendingHold {
                plant.dropPending(olderThan: now &- pendingHold.wholeMilliseconds, at: now)
            }
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded down, within what fits.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? (seconds < 0 ? .min : .max) : scaled &+ attoseconds / 1_000_000_000_000_000
    }
}
