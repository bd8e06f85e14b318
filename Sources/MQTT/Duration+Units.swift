import Primitives

extension Duration {
    /// Whole milliseconds, rounded up, within what `poll` takes.
    var pollMilliseconds: Int32 {
        guard self > .zero else { return 0 }
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return Int32(clamping: seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    /// Nanoseconds, within what `ppoll` takes.
    var pollNanoseconds: Int64 { max(.zero, min(self, .seconds(2_000_000))).wholeNanoseconds }

    /// Whole seconds, rounded up, within what MQTT carries.
    var wholeSeconds: UInt32 {
        guard self > .zero else { return 0 }
        let (seconds, attoseconds) = components
        return UInt32(clamping: attoseconds > 0 ? seconds &+ 1 : seconds)
    }
}
