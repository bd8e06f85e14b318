/// Before a shard is handed over its commands come to rest, so that none is sent twice, or recorded as sent and never sent,
/// because of a planned leave.
extension CommandDesk {
    /// How far commands are that must not be torn apart.
    public enum Settlement: Sendable, Hashable, Comparable {
        /// None is under way; the next owner takes up what is left.
        case settled
        /// What was sent waits for its outcome, or for the record of it. The next owner can do that as well, but it may send an
        /// idempotent command again.
        case awaiting
        /// One is being recorded as sent, or published: no other owner can bring that to its end.
        case sending
    }

    /// Nothing more is sent of that shard until it is lost: it is about to be handed over.
    public mutating func settle(_ shard: Int) { settling.insert(shard) }

    /// How far the commands of a shard are; the farthest from rest counts.
    public func settlement(of shard: Int) -> Settlement {
        guard epochs[shard] != nil else { return .settled }
        return idsByShard[shard, default: []].reduce(.settled) { max($0, settlement(of: $1)) }
    }

    /// How far a command is.
    func settlement(of id: String) -> Settlement {
        guard let entry = entries[id] else { return .settled }
        return switch entry.phase {
        case .recordingSent, .publishing: .sending
        // Whether it stands as sent is open. Where the tree refuses the record that may last, and it does not stand.
        case .rereading(.sent, _): entry.isSentRefused ? .settled : .sending
        case .awaitingAnswer, .verifying(isFormer: false), .finishing: .awaiting
        // What a former owner sent need not be waited for: the next one listens as well.
        case .idle, .waiting, .pausing, .judging, .awaitingFormerAnswer, .verifying(isFormer: true),
            .rereading(.final, _):
            .settled
        }
    }
}
