/// Which tags have fallen silent although their device still speaks.
///
/// A route says with `reporting` how its topics speak (``RouteDefinition/Reporting``), and with `staleAfter` how long they may
/// be silent. Only live messages count as heard:
///
/// | `staleAfter` | `reporting` | the topic's newest live message | a tag of the topic is stale |
/// | --- | --- | --- | --- |
/// | none | any | any | never by itself |
/// | given | `periodic` | has the tag | once the topic has been silent for longer |
/// | given | `periodic` | leaves it out | once the tag has not been heard for longer |
/// | given | `onChange`, or nothing said | has the tag | never by itself: a contact speaks when it changes |
/// | given | `onChange`, or nothing said | leaves it out | once messages have left it out for longer, from the first that did |
///
/// Beside that, tags go stale with their device (``DeviceState``). Whatever made a tag stale, its next sample ends that.
///
/// **What does not count as silence.** Time in which this process could not hear is forgiven. What the broker had kept shows
/// nothing of the sensor; but it may call a tag good that was silent, and then the tag has its time once more. What is known
/// from the tree when a gateway starts has its whole time as well, counted from the start. Every gateway hears every topic,
/// so that a standby comes to the same by itself.
///
/// Times are of the gateway's clock without leaps. A message costs a store and a few comparisons; the table is searched
/// only when something in it can have been silent for too long.
struct SilenceTable: Sendable {
    /// A tag that is silent on a topic.
    struct Silent: Hashable, Sendable {
        let tag: TagID
        let topic: Int
    }

    private struct Topic: Sendable {
        var heardAt: Milliseconds
        /// `.max` for a topic whose silence means nothing: it has no members here.
        var limit: Milliseconds
        let isPeriodic: Bool
        /// Whether its members have moved to a place with room for a power of two of them.
        var hasRoom = false
        /// Whether its tags have been named as silent since it was last heard.
        var isSilent = false
        /// Members that the newest live message left out.
        var leftOutCount: Int32 = 0
        var firstMember: Int32
        var memberCount: Int32
    }

    private var topics: ContiguousArray<Topic> = []
    /// The tags of the topics, in the order of a message's samples.
    private var members: ContiguousArray<TagID> = []
    /// Of each member that the newest live message left out: since when it is silent; ``named`` once it has been named as
    /// silent. ``notLeftOut`` for the others.
    private var silentSince: ContiguousArray<Milliseconds> = []
    /// Until then nothing has been silent for too long.
    private var nextDeadline: Milliseconds = .max

    private static let notLeftOut: Milliseconds = .max
    private static let named: Milliseconds = .min

    /// Takes in the next topic; it counts as heard now.
    ///
    /// - Parameters:
    ///   - tags: in the order of a message's samples.
    ///   - limit: how long the topic may be silent; nil: without limit.
    mutating func bind(
        _ tags: some Collection<TagID>, limit: Milliseconds?, isPeriodic: Bool, at now: Milliseconds
    ) {
        let isWatched = limit != nil && !tags.isEmpty
        topics.append(
            Topic(
                heardAt: now, limit: isWatched ? limit ?? .max : .max, isPeriodic: isPeriodic,
                firstMember: Int32(clamping: members.count), memberCount: isWatched ? Int32(clamping: tags.count) : 0))
        guard let limit, isWatched else { return }
        members.append(contentsOf: tags)
        silentSince.append(contentsOf: repeatElement(Self.notLeftOut, count: tags.count))
        if isPeriodic { noteDeadline(now.addingClamped(limit)) }
    }

    /// A topic has got further tags; they count as heard now.
    ///
    /// - Parameter tags: those that it had, in the same order, and after them the new ones.
    mutating func grow(_ topic: Int, to tags: some Collection<TagID>, limit: Milliseconds?, at now: Milliseconds) {
        guard let limit, tags.count > Int(topics[topic].memberCount) else { return }
        if topics[topic].memberCount == 0 {
            topics[topic].limit = limit
            topics[topic].heardAt = now
            if topics[topic].isPeriodic { noteDeadline(now.addingClamped(limit)) }
        }
        let old = range(of: topic)
        let room = topics[topic].hasRoom ? Self.powerOfTwo(atLeast: old.count) : old.count
        if tags.count > room {
            topics[topic].firstMember = Int32(clamping: members.count)
            topics[topic].hasRoom = true
            let capacity = Self.powerOfTwo(atLeast: tags.count)
            for member in old {
                members.append(members[member])
                silentSince.append(silentSince[member])
            }
            members.append(contentsOf: repeatElement(TagID(rawValue: 0), count: capacity - old.count))
            silentSince.append(contentsOf: repeatElement(Self.notLeftOut, count: capacity - old.count))
        }
        for (position, tag) in tags.enumerated().dropFirst(old.count) {
            members[Int(topics[topic].firstMember) + position] = tag
        }
        topics[topic].memberCount = Int32(clamping: tags.count)
    }

    private static func powerOfTwo(atLeast count: Int) -> Int {
        var power = 8
        while power < count { power *= 2 }
        return power
    }

    /// Whether the silence of a topic, or of one of its tags, means something.
    func isWatched(_ topic: Int) -> Bool { topics[topic].memberCount > 0 }

    /// A live message came on a topic; `samples` are what it says, in the order of the topic's tags.
    @inline(__always)
    mutating func heard(_ topic: Int, _ samples: borrowing ContiguousArray<Sample>, at now: Milliseconds) {
        let before = topics[topic].heardAt
        topics[topic].heardAt = now
        let isOrdinary =
            samples.count >= Int(topics[topic].memberCount) && topics[topic].leftOutCount == 0
            && !topics[topic].isSilent && now >= before
        if !isOrdinary { noteMembers(topic, samples, before: before, at: now) }
    }

    /// A message that the broker had kept came on a topic. Should it have made a tag good that was named as silent, it is not
    /// to stay so.
    mutating func keptMessageCame(_ topic: Int, _ samples: borrowing ContiguousArray<Sample>, at now: Milliseconds) {
        if topics[topic].isSilent {
            topics[topic].isSilent = false
            topics[topic].heardAt = now
            noteDeadline(now.addingClamped(topics[topic].limit))
        }
        guard topics[topic].leftOutCount > 0 else { return }
        var position = 0
        for member in range(of: topic) {
            guard position < samples.count else { return }
            guard samples[position].tag == members[member] else { continue }
            position += 1
            guard silentSince[member] == Self.named else { continue }
            silentSince[member] = now
            noteDeadline(now.addingClamped(topics[topic].limit))
        }
    }

    /// This process could not hear anything for `time`, until now.
    mutating func forgive(_ time: Milliseconds, at now: Milliseconds) {
        // Never into the future; nor back, should the clock have been set back.
        func later(_ moment: Milliseconds) -> Milliseconds {
            max(moment, min(moment.addingClamped(max(time, 0)), now))
        }
        for index in topics.indices { topics[index].heardAt = later(topics[index].heardAt) }
        for index in silentSince.indices
        where silentSince[index] != Self.notLeftOut && silentSince[index] != Self.named {
            silentSince[index] = later(silentSince[index])
        }
    }

    /// Appends the tags that have become silent; each once until it is heard.
    mutating func expire(at now: Milliseconds, into silent: inout [Silent]) {
        guard now > nextDeadline else { return }
        nextDeadline = .max
        for topic in topics.indices where topics[topic].limit != .max {
            let limit = topics[topic].limit
            if topics[topic].isPeriodic, !topics[topic].isSilent {
                let deadline = topics[topic].heardAt.addingClamped(limit)
                if now > deadline {
                    topics[topic].isSilent = true
                    // The others have been silent for longer.
                    for member in range(of: topic) where silentSince[member] == Self.notLeftOut {
                        silent.append(Silent(tag: members[member], topic: topic))
                    }
                } else {
                    noteDeadline(deadline)
                }
            }
            guard topics[topic].leftOutCount > 0 else { continue }
            for member in range(of: topic)
            where silentSince[member] != Self.notLeftOut && silentSince[member] != Self.named {
                let deadline = silentSince[member].addingClamped(limit)
                if now > deadline {
                    silentSince[member] = Self.named
                    silent.append(Silent(tag: members[member], topic: topic))
                } else {
                    noteDeadline(deadline)
                }
            }
        }
    }

    /// Whether a tag that was named is silent on its topic still.
    func isStill(_ silent: Silent) -> Bool {
        topics[silent.topic].isSilent
            || range(of: silent.topic).contains { members[$0] == silent.tag && silentSince[$0] == Self.named }
    }

    private func range(of topic: Int) -> Range<Int> {
        let first = Int(topics[topic].firstMember)
        return first..<first + Int(topics[topic].memberCount)
    }

    private mutating func noteDeadline(_ deadline: Milliseconds) { nextDeadline = min(nextDeadline, deadline) }

    /// Which members a message has and which it leaves out.
    @inline(never)
    private mutating func noteMembers(
        _ topic: Int, _ samples: borrowing ContiguousArray<Sample>, before: Milliseconds, at now: Milliseconds
    ) {
        let limit = topics[topic].limit
        let wasSilent = topics[topic].isSilent
        topics[topic].isSilent = false
        if topics[topic].isPeriodic { noteDeadline(now.addingClamped(limit)) }
        var position = 0
        for member in range(of: topic) {
            if position < samples.count, samples[position].tag == members[member] {
                position += 1
                if silentSince[member] != Self.notLeftOut {
                    silentSince[member] = Self.notLeftOut
                    topics[topic].leftOutCount -= 1
                }
            } else if silentSince[member] == Self.notLeftOut {
                topics[topic].leftOutCount += 1
                guard !wasSilent else {
                    silentSince[member] = Self.named
                    continue
                }
                silentSince[member] = topics[topic].isPeriodic ? min(before, now) : now
                noteDeadline(silentSince[member].addingClamped(limit))
            }
        }
    }
}
