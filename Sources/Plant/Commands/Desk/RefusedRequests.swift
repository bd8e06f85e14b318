import JSON
import OrderedCollections

/// Counts refused requests, so that the journal says of them what matters and no more: one entry per requester and minute.
///
/// Anybody who may ask may be refused, as often as it likes. An entry for each refusal would drive out of the journal what
/// it is kept for.
public struct RefusedRequests: Sendable {
    /// What is counted into one entry.
    public static let span: Milliseconds = 60_000
    /// Requesters with an entry of their own at a time: names are the requesters' own, and can be made up. Further ones are
    /// counted together.
    public static let requesterLimit = 20
    /// Longest sentence that an entry quotes, in bytes.
    static let detailLimit = 200

    private struct Count: Sendable {
        /// By the monotonic clock.
        var began: Milliseconds
        /// By the wall clock.
        var since: Milliseconds
        var count: Int64 = 0
        var reasons = OrderedDictionary<String, Int64>()
        var detail: String?
    }

    private let gateway: String
    private var counts = OrderedDictionary<String, Count>()

    public init(gateway: String) { self.gateway = gateway }

    public var isEmpty: Bool { counts.isEmpty }

    /// One more was refused.
    /// - Parameters:
    ///   - by: who asked; nil when that could not be read.
    ///   - now: by the monotonic clock.
    public mutating func refused(
        by: String?, reason: String, detail: String?, at now: Milliseconds, wall: Milliseconds
    ) {
        var name = by.map { String($0.prefix(CommandRecord.nameLengthLimit)) } ?? ""
        if counts[name] == nil, counts.count >= Self.requesterLimit { name = Self.others }
        var count = counts[name] ?? Count(began: now, since: wall)
        count.count += 1
        count.reasons[reason, default: 0] += 1
        count.detail = detail.map { String(decoding: $0.utf8.prefix(Self.detailLimit), as: UTF8.self) }
        counts[name] = count
    }

    /// Under ``JournalEntry/by``: requesters beyond the limit.
    static let others = "(others)"

    /// The journal entries whose minute is over, or all: `{"kind":"command","transition":"REFUSED","by",…,"count","since",
    /// "reasons":{reason: count},"detail": of the last one}`.
    public mutating func takeDue(at now: Milliseconds, wall: Milliseconds, all: Bool = false) -> [JournalEntry] {
        let due = counts.filter { all || now.subtractingClamped($0.value.began) >= Self.span }
        for name in due.keys { counts[name] = nil }
        return due.map { name, count in
            var details: OrderedDictionary<String, JSONValue> = [
                "count": .integer(count.count), "since": .integer(count.since),
                "reasons": .object(.init(uniqueKeysWithValues: count.reasons.map { ($0.key, .integer($0.value)) })),
            ]
            details["detail"] = count.detail.map(JSONValue.string)
            return JournalEntry(
                kind: .command, at: wall, gateway: gateway, by: name.isEmpty ? nil : Principal(claimed: name),
                transition: "REFUSED",
                details: details)
        }
    }
}
