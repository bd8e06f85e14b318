import Logging
import MQTT
import Plant
import ServiceLifecycle

/// Takes what sensors and devices publish, a batch at a time, into the plant's state, and wakes the services that have to
/// act on it.
struct IngestLoop<Source: MessageSource>: Service {
    let source: Source
    let plant: PlantState
    let hearing: Hearing<Source>
    let gate: AcknowledgementGate
    let wakes: ServiceWakes
    let isTreeConnected: @Sendable () -> Bool
    /// Whether the disk takes what alarms have computed, while the tree cannot; the disk then lets the broker forget it.
    var isKeptOnDisk: @Sendable () -> Bool = { false }
    /// Takes what devices answer to commands.
    let answer: @Sendable (_ topic: [UInt8], _ payload: [UInt8], _ correlation: [UInt8]?) -> Void
    /// How long a standby keeps a transition that a live active processor does not record.
    let pendingHold: Duration
    let isActive: @Sendable () -> Bool
    /// Whether no other gateway could hear what this one does not.
    let isAlone: @Sendable () -> Bool
    let clock: GatewayClock
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
        for await batch in source.batches {
            hearing.delivered(areRetained: batch.entries.allSatisfy(\.retain))
            let effects = plant.take(batch)
            for index in effects.answers {
                let entry = batch.entries[index]
                answer(
                    Array(batch.topic(entry)), Array(batch.payload(entry)), batch.properties(entry)?.correlationData)
            }
            for index in effects.echoes {
                if let proved = hearing.echoReceived(Array(batch.payload(batch.entries[index]))) {
                    follow(plant.heard(through: proved))
                }
            }
            if effects.devicesChanged { wakes.devices.wake() }
            guard isTreeConnected() else {
                // The tree makes nothing durable now. Values stay in memory, and so do transitions that the disk does not
                // take; the stream must not stop.
                gate.passed(.mirror, through: batch.number)
                if !isKeptOnDisk() { gate.passed(.alarms, through: batch.number) }
                continue
            }
            wakes.mirror.wake()
            wakes.alarms.wake()
        }
    }

    private func watchConnection() async {
        for await state in source.connectionUpdates() {
            if case .connected = state { plant.brokerConnected() } else { plant.brokerLost() }
        }
    }

    private func keepTime() async {
        var clockwork = IngestClockwork(now: clock.now())
        while !Task.isCancelled {
            try? await clock.sleep(IngestClockwork.tick)
            let turn = clockwork.turn(at: clock.now(), isAgreed: isActive() || !isTreeConnected(), hold: pendingHold)
            // No device was silent while nobody listened; what the broker kept meanwhile is still to be read.
            if let paused = turn.paused { plant.wasPaused(for: paused) }
            follow(plant.advance(raisesUnheard: isAlone()))
            hearing.turn(isWanted: plant.wantsProof())
            let overflowed = plant.newlyOverflowed()
            if overflowed > 0 {
                logger.error(
                    "alarm transitions lost: too many waited to be recorded; is the tree reachable, does an alarm chatter?",
                    metadata: ["transitions": "\(overflowed)"])
            }
            if turn.dropsPending { plant.dropPending(heldFor: pendingHold) }
            // A lease that is valid again says so to nobody: what waits for one is woken now and then.
            if turn.wakesWaiting { wakes.all() }
        }
    }

    private func follow(_ effects: LivePlant.Effects) {
        if effects.alarmsPending { wakes.alarms.wake() }
        if effects.devicesChanged { wakes.devices.wake() }
        if effects.devicesChanged || effects.tagsChanged { wakes.mirror.wake() }
    }
}
