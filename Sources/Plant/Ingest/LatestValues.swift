/// The newest value of every tag, and which of them the tree does not have yet: the conflation of "Life of a sample".
///
/// Every gateway records every sample here; the owner of a shard takes the shard's dirty tags and writes them. However
/// slow the tree is, a tag is in the dirty list once, so nothing grows, and what is written is the newest value at the
/// time of encoding.
public struct LatestValues: Sendable {
    /// What `record` did with a sample.
    public enum Outcome: Sendable, Hashable {
        /// It is the tag's value now, and the tree should hear of it.
        case changed
        /// It is the tag's value now; the change is within the deadband and is not written.
        case withinDeadband
        /// The tag has a newer value.
        case older
        /// It is the newest that was heard here, but the tree has a newer value, which stays.
        case behindTree
        /// A message kept by the broker, which cannot replace what was heard live.
        case retainedAfterLive
    }

    /// What the tree has, or will have after the flush that is under way, of a tag.
    public struct Entry: Sendable, Hashable {
        public var value: TagValue?
        public var quality: Quality
        public var sourceTime: Milliseconds
        public var receivedTime: Milliseconds
        public var hasSourceTime: Bool
        /// False when all that is known came from the broker's retained messages.
        public var isLive: Bool
        /// False when it was read from the tree.
        public var isHeard = true
        /// Whether the device calls the value uncertain, which is good for alarms.
        public var isCalledUncertain = false
        /// Whether a birth of Sparkplug B has told it.
        public var isFromBirth = false

        /// The quality as others see it.
        public var shownQuality: Quality { isCalledUncertain && quality == .good ? .uncertain : quality }

        /// Whether the time is the sensor's. Records do not say whose time they have; one that equals the time of
        /// reception is most often that.
        var hasOwnTime: Bool { hasSourceTime && (isHeard || sourceTime != receivedTime) }
    }

    private struct Slot: Sendable {
        var entry: Entry?
        var writtenValue: TagValue?
        var writtenQuality: Quality?
        var writtenTime: Milliseconds = 0
        var shard: UInt8
        var isDirty = false
        /// The tree has a newer value than was heard here: it is in `ahead`.
        var isBehindTree = false
        /// The next live sample is dated by another clock than the entry: it is newer, whatever its time.
        var isOtherClock = false
        /// NaN: every sample is written.
        var deadband: Double
        var refreshAfter: Milliseconds
    }

    /// Dirty tags of one shard in the order in which they became dirty; those before `head` have been taken.
    private struct Queue: Sendable {
        var tags: ContiguousArray<TagID> = []
        var head = 0
        var count: Int { tags.count &- head }
    }

    private var slots: ContiguousArray<Slot> = []
    /// What the tree has of those tags of which this gateway has heard less than their last owner. It stands until
    /// something is heard that is not older. Kept beside the slots, so that what is heard here stays in its own order:
    /// the alarms are evaluated by that.
    private var ahead: [TagID: Entry] = [:]
    private var queues: ContiguousArray<Queue>
    /// One bit a shard that has dirty tags.
    public private(set) var dirtyShards: UInt64 = 0
    /// Where the next `takeDirty` begins, so that no shard waits without end behind busy ones.
    private var nextShard = 0

    public private(set) var recorded: UInt64 = 0
    public private(set) var conflated: UInt64 = 0
    public private(set) var withinDeadband: UInt64 = 0
    public private(set) var older: UInt64 = 0
    public private(set) var retainedAfterLive: UInt64 = 0

    public init() {
        queues = ContiguousArray(repeating: Queue(), count: ShardMap.shardCount)
    }

    /// What is known of a tag, from what was heard or from the tree, whichever is newer; nil before its first sample.
    public func entry(_ tag: TagID) -> Entry? {
        guard tag.index < slots.count else { return nil }
        if slots[tag.index].isBehindTree, let entry = ahead[tag] { return entry }
        return slots[tag.index].entry
    }

    /// Whether what is known of a tag was read from the tree and not heard here.
    public func isFromTree(_ tag: TagID) -> Bool {
        guard tag.index < slots.count else { return false }
        return slots[tag.index].isBehindTree || slots[tag.index].entry?.isHeard == false
    }

    /// Takes a sample in. `tags` is the table that numbered it.
    ///
    /// - Parameters:
    ///   - isOrdered: Whether its own time may be compared. False while its device's clock is in doubt: then the newest by
    ///     reception counts.
    ///   - latestSource: The latest time that the device's clock can show now, where that is known: what is dated later is
    ///     from before a step of that clock, and older.
    @discardableResult
    public mutating func record(
        _ sample: Sample, tags: borrowing TagTable, isOrdered: Bool = true, latestSource: Milliseconds = .max
    ) -> Outcome {
        recorded &+= 1
        let index = sample.tag.index
        if index >= slots.count { grow(tags) }
        guard let entry = slots[index].entry else {
            store(sample, keeping: nil)
            markDirty(sample.tag)
            return .changed
        }
        if isOrdered, let refusal = refusal(sample, entry, latestSource) { return refusal }
        // A message that could not be read tells nothing about the value: the last good one stays, called bad.
        store(sample, keeping: sample.value == nil ? entry : nil)
        if slots[index].isBehindTree, staysBehindTree(sample, isOrdered, latestSource) { return .behindTree }
        if slots[index].isOtherClock, !sample.isRetained { slots[index].isOtherClock = false }
        if slots[index].isDirty {
            conflated &+= 1
            return .changed
        }
        if isWithinDeadband(sample, slots[index]) {
            withinDeadband &+= 1
            return .withinDeadband
        }
        markDirty(sample.tag)
        return .changed
    }

    /// Whether a sample comes too late to matter.
    @inline(__always)
    private mutating func refusal(_ sample: Sample, _ entry: Entry, _ latestSource: Milliseconds) -> Outcome? {
        if sample.isRetained {
            guard sample.hasSourceTime else {
                if entry.isLive {
                    retainedAfterLive &+= 1
                    return .retainedAfterLive
                }
                return nil
            }
            // Kept before we subscribed: it is older than anything that we have heard since, even where that has no
            // time of its own.
            if entry.isLive,
                entry.hasSourceTime ? sample.sourceTime > latestSource : sample.sourceTime <= entry.receivedTime
            {
                retainedAfterLive &+= 1
                return .retainedAfterLive
            }
        }
        // Without a time of its own a live sample counts as newest: our wall clock may have been set back since the
        // last.
        if sample.hasSourceTime, entry.hasSourceTime, sample.sourceTime < entry.sourceTime,
            entry.sourceTime <= latestSource, sample.isRetained || !slots[sample.tag.index].isOtherClock
        {
            older &+= 1
            return .older
        }
        return nil
    }

    /// Whether what the tree has is still newer after this sample was heard.
    @inline(never)
    private mutating func staysBehindTree(
        _ sample: Sample, _ isOrdered: Bool, _ latestSource: Milliseconds
    ) -> Bool {
        guard let entry = ahead[sample.tag] else { return false }
        if sample.value == nil {
            // Of the value it tells nothing: the last good one, which is the tree's, is called bad.
            if !sample.isRetained {
                ahead[sample.tag]?.quality = .bad
                markDirty(sample.tag)
            }
            return true
        }
        // Without a time of its own a live sample counts as newest, here as in `refusal`.
        let isNewer =
            sample.sourceTime >= entry.sourceTime || entry.sourceTime > latestSource || !isOrdered
            || slots[sample.tag.index].isOtherClock
        guard sample.hasSourceTime ? isNewer : !sample.isRetained else { return true }
        catchUp(sample.tag)
        return false
    }

    private mutating func catchUp(_ tag: TagID) {
        ahead[tag] = nil
        slots[tag.index].isBehindTree = false
    }

    @inline(__always)
    private mutating func store(_ sample: Sample, keeping old: Entry?) {
        slots[sample.tag.index].entry = Entry(
            value: old?.value ?? sample.value, quality: sample.quality,
            sourceTime: old?.sourceTime ?? sample.sourceTime,
            receivedTime: sample.receivedTime, hasSourceTime: old?.hasSourceTime ?? sample.hasSourceTime,
            isLive: !sample.isRetained || (old?.isLive ?? false),
            isCalledUncertain: sample.isCalledUncertain, isFromBirth: sample.isFromBirth)
    }

    @inline(__always)
    private func isWithinDeadband(_ sample: Sample, _ slot: Slot) -> Bool {
        guard !slot.deadband.isNaN, slot.writtenQuality == sample.shownQuality, let written = slot.writtenValue,
            let value = sample.value, sample.receivedTime &- slot.writtenTime < slot.refreshAfter
        else { return false }
        if let old = written.doubleValue, let new = value.doubleValue {
            // Two integers beyond 2^53 can be one double; equal then means equal as integers.
            return slot.deadband > 0 ? (new - old).magnitude < slot.deadband : value == written
        }
        return value == written
    }

    private mutating func grow(_ tags: borrowing TagTable) {
        for number in slots.count..<tags.count {
            let tag = tags[TagID(rawValue: UInt32(truncatingIfNeeded: number))]
            slots.append(
                Slot(
                    shard: UInt8(truncatingIfNeeded: tag.shard), deadband: tag.deadband ?? .nan,
                    refreshAfter: tag.refreshAfter ?? .max))
        }
    }
}

extension LatestValues {
    /// Puts a tag back on its shard's list, once: after a flush that failed, or to have it written whatever the
    /// deadband says.
    public mutating func markDirty(_ tag: TagID) {
        guard tag.index < slots.count, slots[tag.index].entry != nil, !slots[tag.index].isDirty else { return }
        slots[tag.index].isDirty = true
        let shard = Int(slots[tag.index].shard)
        queues[shard].tags.append(tag)
        dirtyShards |= 1 << UInt64(truncatingIfNeeded: shard)
    }

    /// Puts tags back whose flush failed. Their newest values will be written.
    public mutating func markDirty(_ tags: some Sequence<TagID>) {
        for tag in tags { markDirty(tag) }
    }

    /// How many tags of these shards wait to be written.
    public func dirtyCount(ownedBy shardMask: UInt64) -> Int {
        var count = 0
        for shard in queues.indices where shardMask & (1 << UInt64(truncatingIfNeeded: shard)) != 0 {
            count += queues[shard].count
        }
        return count
    }

    /// Takes up to `limit` dirty tags of these shards, shard by shard and the longest dirty first, and appends them.
    /// They count as written from now on; when the flush fails, hand them to `markDirty`. Gives how many were taken.
    @discardableResult
    public mutating func takeDirty(ownedBy shardMask: UInt64, limit: Int, into taken: inout [TagID]) -> Int {
        var remaining = limit
        for offset in 0..<ShardMap.shardCount where remaining > 0 && dirtyShards & shardMask != 0 {
            let shard = (nextShard + offset) % ShardMap.shardCount
            guard dirtyShards & shardMask & (1 << UInt64(truncatingIfNeeded: shard)) != 0 else { continue }
            remaining -= takeDirty(shard: shard, limit: remaining, into: &taken)
            if remaining == 0 { nextShard = (shard + 1) % ShardMap.shardCount }
        }
        return limit - remaining
    }

    /// The same for one shard, whose transactions are checked against one ownership node.
    @discardableResult
    public mutating func takeDirty(shard: Int, limit: Int, into taken: inout [TagID]) -> Int {
        guard queues.indices.contains(shard), limit > 0 else { return 0 }
        let count = min(limit, queues[shard].count)
        var takenCount = 0
        for position in 0..<count {
            let tag = queues[shard].tags[queues[shard].head + position]
            let index = tag.index
            // It has moved to another shard, on whose list it is.
            guard Int(slots[index].shard) == shard else { continue }
            takenCount += 1
            slots[index].isDirty = false
            let entry = entry(tag)
            slots[index].writtenValue = entry?.value
            slots[index].writtenQuality = entry?.shownQuality
            slots[index].writtenTime = entry?.receivedTime ?? 0
            taken.append(tag)
        }
        queues[shard].head += count
        if queues[shard].count == 0 {
            queues[shard].tags.removeAll(keepingCapacity: true)
            queues[shard].head = 0
            dirtyShards &= ~(1 << UInt64(truncatingIfNeeded: shard))
        } else if queues[shard].head > 4096, queues[shard].head > queues[shard].tags.count / 2 {
            queues[shard].tags.removeFirst(queues[shard].head)
            queues[shard].head = 0
        }
        return takenCount
    }

    /// A tag belongs to another device now, and its value is written by the owner of that one's shard, which may not know
    /// what the last one wrote.
    public mutating func rehome(_ tag: TagID, tags: borrowing TagTable) {
        guard tag.index < slots.count else { return }
        let description = tags[tag]
        slots[tag.index].shard = UInt8(truncatingIfNeeded: description.shard)
        slots[tag.index].deadband = description.deadband ?? .nan
        slots[tag.index].refreshAfter = description.refreshAfter ?? .max
        slots[tag.index].isDirty = false
        markDirty(tag)
    }

    /// Takes over what the tree has for a tag, before anything is heard. A value that was heard here meanwhile and is
    /// not older wins, and stays dirty.
    ///
    /// - Parameter isTimeBelieved: Whether the record's time may make older samples be refused.
    public mutating func seed(
        _ tag: TagID, _ record: TagRecord, isTimeBelieved: Bool = true, tags: borrowing TagTable
    ) {
        if tag.index >= slots.count { grow(tags) }
        let index = tag.index
        noteWritten(record, index)
        if let entry = slots[index].entry, entry.isLive || entry.sourceTime >= record.sourceTime { return }
        slots[index].entry = Entry(record, isTimeBelieved: isTimeBelieved)
    }

    /// Takes up what the tree has for the tags of these shards, which this gateway has come to own. Nobody else writes
    /// them any more, so this is what the last owner got written: more than was heard here, when this gateway was
    /// stopped for a while or cut off from the broker, or less.
    ///
    /// Where the tree is ahead, it stays as it is until something newer is heard. Of the others those become dirty that
    /// differ, and those without a record.
    ///
    /// - Parameter latestSource: see ``record(_:tags:isOrdered:latestSource:)``.
    public mutating func reconcile(
        ownedBy shardMask: UInt64, with records: [TagID: TagRecord], tags: borrowing TagTable,
        latestSource: (TagID) -> Milliseconds = { _ in .max }
    ) {
        if slots.count < tags.count { grow(tags) }
        var waiting: [TagID] = []
        takeDirty(ownedBy: shardMask, limit: .max, into: &waiting)
        for index in slots.indices where shardMask & (1 << UInt64(slots[index].shard)) != 0 {
            let tag = TagID(rawValue: UInt32(truncatingIfNeeded: index))
            if let record = records[tag] {
                reconcile(tag, with: record, tags: tags, latestSource: latestSource(tag))
            } else {
                markDirty(tag)
            }
        }
    }

    /// The same for one tag of an owned shard.
    public mutating func reconcile(
        _ tag: TagID, with record: TagRecord, tags: borrowing TagTable, latestSource: Milliseconds = .max
    ) {
        if tag.index >= slots.count { grow(tags) }
        noteWritten(record, tag.index)
        guard let entry = slots[tag.index].entry else {
            slots[tag.index].entry = Entry(record)
            return
        }
        if entry.isOlder(than: record, latestSource: latestSource) {
            ahead[tag] = Entry(record)
            slots[tag.index].isBehindTree = true
            // Silent for as long as its device may be.
            guard entry.quality == .stale, record.quality != .stale else { return }
            ahead[tag]?.quality = .stale
        } else {
            catchUp(tag)
            if entry.hasSourceTime, entry.sourceTime == record.sourceTime, entry.value == record.value,
                entry.shownQuality == record.quality, tags[tag].unit == record.unit
            {
                return
            }
        }
        markDirty(tag)
    }

    private mutating func noteWritten(_ record: TagRecord, _ index: Int) {
        slots[index].writtenValue = record.value
        slots[index].writtenQuality = record.quality
        slots[index].writtenTime = record.receivedTime
    }

    /// Calls a tag stale, because its device has been silent for too long or said farewell. True when that is news.
    @discardableResult
    public mutating func markStale(_ tag: TagID) -> Bool {
        guard tag.index < slots.count, let quality = slots[tag.index].entry?.quality, quality != .stale else {
            return false
        }
        slots[tag.index].entry?.quality = .stale
        ahead[tag]?.quality = .stale
        markDirty(tag)
        return true
    }

    /// A tag was removed from the tree, and nothing is known of it any more. Its next sample is its first.
    public mutating func forget(_ tag: TagID) {
        ahead[tag] = nil
        guard tag.index < slots.count else { return }
        let old = slots[tag.index]
        slots[tag.index] = Slot(shard: old.shard, deadband: old.deadband, refreshAfter: old.refreshAfter)
        // It stands in the queue of its shard until it is taken.
        slots[tag.index].isDirty = old.isDirty
    }

    /// The clock of reception has been set: how long ago something was received does not change by that.
    mutating func clockLeapt(by leap: Milliseconds) {
        for index in slots.indices {
            slots[index].entry?.clockLeapt(by: leap)
            slots[index].writtenTime = slots[index].writtenTime &+ leap
        }
        for tag in ahead.keys { ahead[tag]?.clockLeapt(by: leap) }
    }

    /// What comes next is dated by another clock than what is known of the tag.
    public mutating func letGoOfOrder(_ tag: TagID) {
        if tag.index < slots.count, slots[tag.index].entry != nil { slots[tag.index].isOtherClock = true }
    }

    /// Calls a tag's value something else, when it is `old`. True when it was.
    @discardableResult
    public mutating func changeQuality(of tag: TagID, from old: Quality, to new: Quality) -> Bool {
        guard tag.index < slots.count, entry(tag)?.quality == old else { return false }
        if slots[tag.index].entry?.quality == old { slots[tag.index].entry?.quality = new }
        if ahead[tag]?.quality == old { ahead[tag]?.quality = new }
        markDirty(tag)
        return true
    }

    /// Appends the data of a tag's node as it should be now. False when nothing is known of the tag.
    @discardableResult
    public func encode(
        _ tag: TagID, tags: borrowing TagTable, delays: RunningDelay.Table = [:], into bytes: inout [UInt8]
    ) -> Bool {
        guard let entry = entry(tag) else { return false }
        TagRecord(
            value: entry.value, quality: entry.shownQuality, sourceTime: entry.sourceTime,
            receivedTime: entry.receivedTime, unit: tags[tag].unit, delays: delays,
            isCalledUncertain: entry.isCalledUncertain && entry.quality == .good
        ).write(into: &bytes)
        return true
    }
}

extension LatestValues.Entry {
    fileprivate mutating func clockLeapt(by leap: Milliseconds) {
        receivedTime = receivedTime &+ leap
        if !hasSourceTime { sourceTime = sourceTime &+ leap }
    }

    /// What stands in the tree.
    ///
    /// The record does not say whose time it is. It is taken for the sensor's own: that of a sensor without a clock is
    /// never compared, since its next sample has no time either.
    fileprivate init(_ record: TagRecord, isTimeBelieved: Bool = true) {
        self.init(
            value: record.value, quality: record.isCalledUncertain ? .good : record.quality,
            sourceTime: record.sourceTime, receivedTime: record.receivedTime, hasSourceTime: isTimeBelieved,
            isLive: true, isHeard: false, isCalledUncertain: record.isCalledUncertain)
    }

    /// By the sensor's own time. When gateways received something says nothing about which sample was newer: one of them
    /// may have been stopped, or read late. Without a time of its own what was heard here stands. Only where the sensor's
    /// clock has stepped between the two, or is in doubt, nothing but the reception is left.
    fileprivate func isOlder(than record: TagRecord, latestSource: Milliseconds) -> Bool {
        guard hasSourceTime else { return false }
        let isInDoubt = quality == .uncertain || record.quality == .uncertain && !record.isCalledUncertain
        if isInDoubt || record.sourceTime > latestSource {
            return receivedTime < record.receivedTime
        }
        return sourceTime < record.sourceTime
    }
}
