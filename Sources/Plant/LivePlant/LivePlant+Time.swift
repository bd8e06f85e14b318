// Time passes: delays of alarms end, devices fall silent.
extension LivePlant {
    /// The broker has taken this gateway back.
    public mutating func brokerConnected(at now: Milliseconds) { backlogUntil = now &+ Self.backlogPeriod }

    /// The process did not run for a while, in which it could not have heard any device.
    public mutating func wasPaused(for time: Milliseconds, at now: Milliseconds) {
        ingest.forgiveSilence(time, at: now)
    }

    /// Lets time pass: ends alarm delays, finds silent devices.
    public mutating func advance(to now: Milliseconds) -> Effects {
        var effects = Effects()
        effects.alarmsPending = alarms.advance(to: now)
        if now &- lastExpiry >= Self.expiryInterval || now < lastExpiry {
            lastExpiry = now
            var expired: [DeviceID] = []
            ingest.expireDevices(at: now, into: &expired)
            for device in expired { deviceChanged(device, to: .stale, at: now) }
            effects.devicesChanged = !expired.isEmpty
        }
        return effects
    }
}
