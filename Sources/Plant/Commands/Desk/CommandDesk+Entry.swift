import HeapModule
import JSON
import SparkplugB

extension CommandDesk {
    /// Where a command stands in the queue of its device. Nodes that were created in one transaction share a czxid.
    struct Place: Sendable, Hashable, Comparable {
        var czxid: Int64
        var id: String

        static func < (left: Place, right: Place) -> Bool {
            left.czxid != right.czxid ? left.czxid < right.czxid : left.id < right.id
        }
    }

    struct Timer: Sendable, Comparable {
        var at: Milliseconds
        var id: String

        static func < (left: Timer, right: Timer) -> Bool {
            left.at != right.at ? left.at < right.at : left.id < right.id
        }
    }

    enum Phase: Sendable, Hashable {
        /// The shard is not ours; answers are kept. To `waiting`, `awaitingFormerAnswer` or `finishing` when it is gained.
        case idle
        /// For its turn, or for the broker. To `judging`, `recordingSent` or `publishing`; at the deadline to `finishing`.
        case waiting
        /// As `waiting`, not before that time.
        case pausing(until: Milliseconds)
        /// The interlock's inputs, or what is known of the metric that is to be written, have been asked for.
        case judging
        /// The transition to `SENT` is on its way; for an at-most-once command before the publication, else after it.
        case recordingSent(CommandRecord)
        /// To `awaitingAnswer` (at most once), `recordingSent` (idempotent) or `finishing`.
        case publishing
        /// To `finishing` by an answer or at the deadline.
        case awaitingAnswer
        /// At most once, and `SENT` by a former owner: never published from here. To `finishing` by an answer or at the deadline.
        case awaitingFormerAnswer
        /// A tag has to show what was wanted. To `finishing` when it does, or in the end. `isFormer`: at most once, and `SENT` by
        /// a former owner, so that nobody can say whether it was published.
        case verifying(isFormer: Bool)
        /// The final transition is on its way; then the command is forgotten.
        case finishing(CommandRecord)
        /// A write was refused or its outcome is not known: what stands in the tree decides. `isAsked`: the reading is under way.
        case rereading(after: Intent, isAsked: Bool)
    }

    /// The write that led to `rereading`.
    enum Intent: Sendable, Hashable {
        case sent(CommandRecord)
        case final(CommandRecord)
    }

    /// A conclusive answer that has to wait: for a write under way, or, heard while the shard is another's, for the shard.
    struct Ending: Sendable, Hashable {
        var state: CommandState
        var reason: CommandReason
        var detail: String?
        var result: JSONValue?
    }

    struct Entry: Sendable {
        var record: CommandRecord
        let shard: Int
        let place: Place
        var version: Int32
        var phase = Phase.idle
        /// Number of the ticket whose outcome is awaited; 0 for none.
        var ticket: UInt64 = 0
        var definition: CommandDefinition?
        /// What is to be written to its metric, as the birth has it that was asked last.
        var metricWrite: SparkplugCommand?
        /// What it waits for although its turn has come.
        var awaited: String?
        /// As it stands in the record and goes to the device.
        var deadline: Milliseconds
        /// When the deadline is reached here: the same, moved along when this gateway's clock is set, so that what is waited
        /// for takes as long as before.
        var ends: Milliseconds
        /// Where answers are listened for, while they are.
        var answerTopic: [UInt8]?
        /// Publications handed out under this lease.
        var publications = 0
        /// The last of them, by this gateway's clock, moved along when that is set.
        var publishedAt: Milliseconds?
        /// When the record was first seen to say `SENT`, before this gateway owned the shard; by this gateway's clock.
        var sentSeenAt: Milliseconds?
        /// Since when samples can show that the command was carried out, by the clock that stamps samples.
        var evidenceSince: Milliseconds?
        /// When the verification ends, and when the tag is looked at next; moved along when the clock is set.
        var verificationEnds: Milliseconds = .max
        var nextLook: Milliseconds = .min
        /// The device's word that it succeeded, while that is being verified.
        var success: Ending?
        /// After `recordingSent`, or when the shard is gained: end like that.
        var ending: Ending?
        /// Its end is that it was refused before anything was done.
        var isRefused = false
        /// The tree has refused to take the record of its being sent.
        var isSentRefused = false
        /// After `recordingSent`: not done yet, publish again.
        var mustSendAgain = false

        var isAtMostOnce: Bool { (definition?.execution ?? record.execution ?? .atMostOnce) == .atMostOnce }

        /// Whether a tag alone tells that it was carried out.
        var isVerifiedOnly: Bool { definition?.answer == nil && definition?.verification != nil }

        /// Whether it may have reached the device, as far as is known.
        var mayHaveLeft: Bool { record.state == .sent || publications > 0 }
    }

    // MARK: Keeping the books

    mutating func nextTicket(_ id: String) -> CommandTicket {
        lastTicket &+= 1
        entries[id]?.ticket = lastTicket
        return CommandTicket(id: id, number: lastTicket)
    }

    mutating func setTimer(_ id: String, at: Milliseconds) { timers.insert(Timer(at: at, id: id)) }

    /// The clock has been set: everything that is waited for ends as long from now as before.
    mutating func moveTimers(by leap: Milliseconds) {
        for id in entries.keys {
            guard let entry = entries[id] else { continue }
            entries[id]?.ends = entry.ends.addingClamped(leap)
            entries[id]?.publishedAt = entry.publishedAt?.addingClamped(leap)
            entries[id]?.evidenceSince = entry.evidenceSince?.addingClamped(leap)
            entries[id]?.sentSeenAt = entry.sentSeenAt?.addingClamped(leap)
            entries[id]?.verificationEnds = entry.verificationEnds.addingClamped(leap)
            entries[id]?.nextLook = entry.nextLook.addingClamped(leap)
            if case .pausing(let until) = entry.phase {
                entries[id]?.phase = .pausing(until: until.addingClamped(leap))
            }
        }
        timers = Heap(timers.unordered.map { Timer(at: $0.at.addingClamped(leap), id: $0.id) })
    }

    /// Timers of commands that are over are dropped when they outnumber the others, not one by one.
    mutating func compactTimers() {
        guard timers.count > 4 * entries.count + 1024 else { return }
        let known = entries
        timers = Heap(timers.unordered.filter { known[$0.id] != nil })
        guard timers.count > 4 * entries.count + 1024 else { return }
        // Mostly repetitions of the same command: each needs its deadline and the end of a pause.
        timers = Heap(
            known.flatMap { id, entry -> [Timer] in
                guard epochs[entry.shard] != nil else { return [] }
                let deadline = Timer(at: entry.ends, id: id)
                switch entry.phase {
                case .pausing(let until): return [deadline, Timer(at: until, id: id)]
                case .rereading(_, isAsked: false): return [deadline, Timer(at: .min, id: id)]
                case .verifying: return [deadline, Timer(at: entry.nextLook, id: id)]
                case .idle, .waiting, .judging, .recordingSent, .publishing, .awaitingAnswer, .awaitingFormerAnswer,
                    .finishing, .rereading:
                    return [deadline]
                }
            })
    }

    mutating func enqueue(_ id: String) {
        guard let entry = entries[id] else { return }
        let index = position(of: entry.place, in: entry.record.device)
        if let queue = queues[entry.record.device], index < queue.count, queue[index] == entry.place { return }
        queues[entry.record.device, default: []].insert(entry.place, at: index)
    }

    mutating func dequeue(_ entry: Entry) {
        let index = position(of: entry.place, in: entry.record.device)
        guard let queue = queues[entry.record.device], index < queue.count, queue[index] == entry.place else { return }
        if queue.count == 1 {
            queues[entry.record.device] = nil
        } else {
            queues[entry.record.device]?.remove(at: index)
        }
    }

    /// Where in the device's queue that place is, or would be.
    private func position(of place: Place, in device: TagPath) -> Int {
        guard let queue = queues[device] else { return 0 }
        var low = 0
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            if queue[middle] < place { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func listen(_ id: String) {
        guard let entry = entries[id], entry.answerTopic == nil, let rule = entry.definition?.answer,
            let topic = entry.definition?.answerTopic(of: entry.record.device).map({ Array($0.utf8) })
        else { return }
        listening[topic, default: [:]][rule.id, default: 0] += 1
        entries[id]?.answerTopic = topic
    }

    mutating func stopListening(_ id: String) {
        guard let entry = entries[id], let topic = entry.answerTopic, let place = entry.definition?.answer?.id else {
            return
        }
        entries[id]?.answerTopic = nil
        guard let count = listening[topic]?[place] else { return }
        listening[topic]?[place] = count > 1 ? count - 1 : nil
        if listening[topic]?.isEmpty == true { listening[topic] = nil }
    }

    /// Lets go of a command, and lets the next one of its device go.
    /// - Parameter isOver: it has come to its end, as opposed to: its node is gone.
    mutating func remove(_ id: String, isOver: Bool, at now: Milliseconds) {
        if isOver { over.insert(id) }
        stopListening(id)
        guard let entry = entries.removeValue(forKey: id) else { return }
        idsByShard[entry.shard]?.remove(id)
        if idsByShard[entry.shard]?.isEmpty == true { idsByShard[entry.shard] = nil }
        dequeue(entry)
        pump(entry.record.device, at: now)
    }

    mutating func release(_ shard: Int) {
        guard epochs.removeValue(forKey: shard) != nil else { return }
        for id in idsByShard[shard, default: []] {
            guard var entry = entries[id] else { continue }
            dequeue(entry)
            switch entry.phase {
            case .finishing(let record), .rereading(.final(let record), _):
                // Whether that is recorded is not known; what the device said stays true.
                if record.reason == .device, record.state == .succeeded || record.state == .failed {
                    entry.ending = Ending(
                        state: record.state, reason: .device, detail: record.detail, result: record.result)
                }
            case .verifying: entry.ending = entry.success
            case .idle, .waiting, .pausing, .judging, .recordingSent, .publishing, .awaitingAnswer,
                .awaitingFormerAnswer, .rereading(.sent, _):
                break
            }
            (entry.publishedAt, entry.evidenceSince, entry.success) = (nil, nil, nil)
            (entry.metricWrite, entry.awaited) = (nil, nil)
            entry.phase = .idle
            entry.ticket = 0
            entry.publications = 0
            entry.mustSendAgain = false
            entry.isRefused = false
            entry.isSentRefused = false
            entries[id] = entry
            listen(id)
        }
    }
}
