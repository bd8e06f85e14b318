import DequeModule

/// What the leader of an ensemble must have heard of us, and by when; pure bookkeeping.
///
/// A follower tells the leader at least once a tick which sessions it has heard from. So when the leader takes part in a
/// request, the newest packet that it is sure to have been told of is the newest that the follower had received a tick
/// before that request was sent. That a packet had been *received* is known from its answer alone: after a stall of the
/// network or of this process, many packets may reach the follower at once, just ahead of the request, and none of them
/// be told before the link is cut. How often we have sent, or how long we were silent, therefore proves nothing.
///
/// Keeps a few contacts a tick, however many packets are answered.
struct ContactHistory: Sendable {
    private struct Contact {
        var sentAt: Moment
        var answeredAt: Moment
    }

    /// By time; the first is the one to go by until the second is a tick old.
    private var contacts: Deque<Contact> = []
    private var tick = Duration.zero

    /// A session was granted on a new connection: the leader itself has judged the request, and counts from there.
    ///
    /// - Parameter tick: How long a follower may keep to itself that it has heard from us.
    mutating func begin(sentAt: Moment, tick: Duration) {
        self.tick = tick
        contacts.removeAll(keepingCapacity: true)
        contacts.append(Contact(sentAt: sentAt, answeredAt: sentAt))
    }

    /// A packet was answered.
    mutating func answered(sentAt: Moment, at now: Moment) {
        guard let last = contacts.last, last.sentAt < sentAt else { return }
        // The newest one stands for those just before it, which makes their proof a little later and never earlier.
        if contacts.count > 1, now - contacts[contacts.count - 2].answeredAt < tick / 8 { contacts.removeLast() }
        contacts.append(Contact(sentAt: sentAt, answeredAt: now))
    }

    /// When the newest packet was sent of which the leader has been told before it sees one that is sent now.
    ///
    /// - Returns: Nil before the first session.
    mutating func reported(at now: Moment) -> Moment? {
        while contacts.count > 1, now - contacts[1].answeredAt >= tick { contacts.removeFirst() }
        return contacts.first?.sentAt
    }
}
