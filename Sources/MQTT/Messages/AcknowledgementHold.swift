/// Decides when acknowledgements may leave, that is, when `mosquitto_loop_write` may be called.
///
/// libmosquitto queues an acknowledgement when it hands a message over; the queue goes out in one piece. So all that was
/// read must have been taken over by the consumer before it is written, and while the consumer is at work, reading stops
/// for a moment before the limit is reached: otherwise, under a steady stream, there would always be one more batch.
///
/// - *open*: nothing unacknowledged. Write at will.
/// - *held*: batches are with the consumer. Do not write.
/// - *held, late*: the same, and do not read either, so that the consumer catches up.
/// - *overdue*: the limit has passed. Write, whatever the consumer has done: the connection must live.
struct AcknowledgementHold {
    enum Decision: Equatable {
        case write
        /// Look again at `until`, if the consumer does not answer before.
        case hold(until: ContinuousClock.Instant, read: Bool)
        case writeOverdue
    }

    let limit: Duration
    /// When reading stops.
    private let lateAfter: Duration
    /// The last batch with messages that need an acknowledgement.
    private var delivered: UInt64 = 0
    private var acknowledged: UInt64 = 0
    private var heldSince: ContinuousClock.Instant?

    init(limit: Duration) {
        self.limit = limit
        lateAfter = limit * 3 / 5
    }

    mutating func batchDelivered(_ number: UInt64, now: ContinuousClock.Instant) {
        delivered = max(delivered, number)
        if heldSince == nil { heldSince = now }
    }

    mutating func acknowledged(through number: UInt64) { acknowledged = max(acknowledged, number) }

    func decision(now: ContinuousClock.Instant) -> Decision {
        guard acknowledged < delivered, let heldSince else { return .write }
        if now >= heldSince + limit { return .writeOverdue }
        if now >= heldSince + lateAfter { return .hold(until: heldSince + limit, read: false) }
        return .hold(until: heldSince + lateAfter, read: true)
    }

    /// Everything queued has been given to the network, or died with the connection.
    mutating func released() {
        acknowledged = max(acknowledged, delivered)
        heldSince = nil
    }
}
