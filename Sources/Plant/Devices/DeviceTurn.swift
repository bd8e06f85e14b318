/// What a message, or the passing of time, makes of a device.
public enum DeviceTurn: Sendable, Hashable {
    /// What it counts as, or whether it flaps, has changed: its node is to be written.
    case counts(as: DeviceState)
    /// It flaps, came back and was lost again. It counts as away all the time, but its tags fall silent.
    case lostAgain
}
