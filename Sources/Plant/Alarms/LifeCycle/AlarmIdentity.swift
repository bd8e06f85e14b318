/// Decides what makes two computations the same occurrence of an alarm; nothing else in Linekeeper does.
///
/// An occurrence is named by its alarm and by the sample that activated it: the first sample of the unbroken run beyond
/// the limit, not the moment at which the on-delay ended. Its `eventId` is a hash of both, so gateways that never talk
/// to each other give the same activation the same id, and a receiver can drop a repetition.
///
/// `eventId` = FNV-1a, 128 bits, over the UTF-8 bytes of `AlarmPath.znodePath`, one line feed (0x0A), and the
/// activating sample's time in decimal ASCII milliseconds; written as 32 lower-case hexadecimal digits, most
/// significant first. The time is the payload's own when it carries one, else the time of reception.
///
/// A clock that is too coarse to tell two activations of one alarm apart (same sample time as the occurrence before it)
/// makes the later one take the time plus one millisecond. Where several values with one time cross a limit, gateways that
/// are at different places among them during a takeover may count those crossings differently; what comes after agrees.
///
/// A device whose clock has been set back may show a time that it has shown before, a day ago or at its last start: an
/// activation whose own time plus the on-delay lies before the last recorded change hashes, after another line feed, the
/// number of the occurrence as well.
///
/// Without a time in the payload, and where the payload's time is in doubt and does not fit into the order
/// (`"timeUnsure":true`), every gateway hashes its own time of reception, and the ids differ. There the recorded id
/// wins: an edge is taken for the recorded one when it has the same condition, is the first such edge not yet matched, and
/// lies within `AlarmBook.Limits.matchWindow` of it; a record of an edge that we did not compute is lined up with the
/// sample of the same value within `echoWindow`. The limits of that: clocks of gateways further apart than the window; a
/// gateway that lags behind another by more than the samples are apart while a takeover reads only the record and not the
/// journal before it; and crossings of which one gateway did not hear all (QoS 0, a reconnection). Messages that the broker
/// kept are dated when they arrive; what becomes of them ``Backlog`` tells.
public enum AlarmIdentity {
    /// The id of the occurrence that a sample of this time activates.
    public static func eventID(of alarm: AlarmPath, activatedBy sampleTime: Milliseconds) -> String {
        var hash = FNV1a()
        hash.combine(alarm.znodePath.utf8)
        hash.combine(CollectionOfOne(0x0A))
        hash.combine(sampleTime.description.utf8)
        return hash.text
    }

    /// The id of a new occurrence after the one that is recorded.
    static func eventID(
        of alarm: AlarmPath, activatedBy sampleTime: Milliseconds, onDelay: Milliseconds, after previous: AlarmRecord?
    ) -> String {
        guard let previous else { return eventID(of: alarm, activatedBy: sampleTime) }
        if sampleTime &+ onDelay < previous.changedAt {
            return eventID(of: alarm, activatedBy: sampleTime, occurrence: previous.occurrence &+ 1)
        }
        let id = eventID(of: alarm, activatedBy: sampleTime)
        return id == previous.eventID ? eventID(of: alarm, activatedBy: sampleTime &+ 1) : id
    }

    private static func eventID(
        of alarm: AlarmPath, activatedBy sampleTime: Milliseconds, occurrence: Int64
    ) -> String {
        var hash = FNV1a()
        hash.combine(alarm.znodePath.utf8)
        hash.combine(CollectionOfOne(0x0A))
        hash.combine(sampleTime.description.utf8)
        hash.combine(CollectionOfOne(0x0A))
        hash.combine(occurrence.description.utf8)
        return hash.text
    }
}

/// FNV-1a with 128 bits (Fowler, Noll, Vo; parameters of draft-eastlake-fnv).
struct FNV1a {
    private var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d

    mutating func combine(_ bytes: some Collection<UInt8>) {
        let prime: UInt128 = 1 << 88 | 0x13b
        for byte in bytes { hash = (hash ^ UInt128(byte)) &* prime }
    }

    /// 32 lower-case hexadecimal digits.
    var text: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}
