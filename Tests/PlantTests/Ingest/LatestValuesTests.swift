import Plant
import Primitives
import TestFixtures
import Testing

@Suite("Mirror")
struct LatestValuesTests {
    /// A plant of tags `d<i>/t`, each of its own device.
    private struct Fixture {
        var tags = TagTable()
        var mirror = LatestValues()
        var now: Milliseconds = 1_700_000_000_000

        mutating func tag(_ name: String, deadband: Double? = nil, refreshAfter: Milliseconds? = nil) throws -> TagID {
            let path = try TagPath(name)
            let tag = tags.intern(
                path, device: DeviceID(rawValue: UInt32(tags.count)), shard: ShardMap.shard(of: path), unit: "bar",
                deadband: deadband, refreshAfter: refreshAfter)
            return try #require(tag)
        }

        @discardableResult
        mutating func record(
            _ tag: TagID, _ value: TagValue?, quality: Quality = .good, time: Milliseconds? = nil,
            retained: Bool = false
        ) -> LatestValues.Outcome {
            now += 1
            return mirror.record(
                Sample(
                    tag: tag, value: value, quality: quality, sourceTime: time, receivedTime: now, isRetained: retained),
                tags: tags)
        }

        mutating func take(_ mask: UInt64 = .max, limit: Int = .max) -> [TagID] {
            var taken: [TagID] = []
            mirror.takeDirty(ownedBy: mask, limit: limit, into: &taken)
            return taken
        }

        mutating func markStale(_ tag: TagID) -> Bool { mirror.markStale(tag) }

        func encoded(_ tag: TagID) -> String {
            var bytes: [UInt8] = []
            mirror.encode(tag, tags: tags, into: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test("Values are conflated: one write, the newest value")
    func conflation() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t")
        for value in 1...100 { plant.record(tag, .integer(Int64(value)), time: 1_600_000_000_000 + Int64(value)) }
        #expect(plant.mirror.dirtyCount(ownedBy: .max) == 1 && plant.mirror.conflated == 99)
        #expect(plant.take() == [tag])
        #expect(plant.take().isEmpty && plant.mirror.dirtyShards == 0)
        #expect(plant.encoded(tag) == #"{"v":100,"q":"good","t":1600000000100,"r":1700000000100,"u":"bar"}"#)
        plant.record(tag, .integer(101))
        #expect(plant.take() == [tag])
    }

    @Test("A flush that failed is written again, with what is newest by then")
    func failedFlush() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t", deadband: 5)
        plant.record(tag, .integer(1))
        let taken = plant.take()
        #expect(plant.record(tag, .integer(2)) == .withinDeadband)
        plant.mirror.markDirty(taken)
        plant.mirror.markDirty(taken)
        #expect(plant.take() == [tag])
        #expect(plant.encoded(tag).hasPrefix(#"{"v":2,"#))
    }

    @Test("An older source time is ignored, an equal one accepted, none at all is newest")
    func order() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t")
        #expect(plant.record(tag, 1, time: 1000) == .changed)
        #expect(plant.record(tag, 2, time: 999) == .older)
        #expect(plant.record(tag, 3, time: 1000) == .changed)
        #expect(plant.mirror.entry(tag)?.value == 3)
        #expect(plant.record(tag, 4) == .changed)
        #expect(plant.record(tag, 5, time: 1) == .changed, "there is nothing to compare it with")
        #expect(plant.mirror.older == 1)
        plant.now -= 1_000_000
        #expect(plant.record(tag, 6) == .changed, "our clock was set back")
        #expect(plant.mirror.entry(tag)?.value == 6)
    }

    @Test("What the broker kept never replaces what was heard live")
    func retained() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t")
        #expect(plant.record(tag, 1, quality: .uncertain, retained: true) == .changed)
        #expect(plant.record(tag, 2, quality: .uncertain, retained: true) == .changed)
        #expect(plant.record(tag, 3) == .changed)
        #expect(plant.record(tag, 2, quality: .uncertain, retained: true) == .retainedAfterLive)
        #expect(plant.record(tag, 2, time: plant.now - 10, retained: true) == .retainedAfterLive)
        #expect(plant.mirror.entry(tag)?.value == 3 && plant.mirror.entry(tag)?.isLive == true)
        #expect(plant.record(tag, nil, quality: .bad, retained: true) == .retainedAfterLive)
    }

    @Test("The deadband counts from the value that was written, so that a slow drift is seen")
    func deadband() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t", deadband: 0.5, refreshAfter: 1000)
        plant.record(tag, 20.0)
        #expect(plant.take() == [tag])
        #expect(plant.record(tag, 20.2) == .withinDeadband)
        #expect(plant.record(tag, 20.4) == .withinDeadband)
        #expect(plant.mirror.entry(tag)?.value == 20.4)
        #expect(plant.record(tag, 20.5) == .changed)
        #expect(plant.take() == [tag])
        #expect(plant.record(tag, 20.5, quality: .uncertain) == .changed)
        #expect(plant.take() == [tag])
        #expect(plant.record(tag, 20.6, quality: .uncertain) == .withinDeadband)
        #expect(plant.record(tag, "off", quality: .uncertain) == .changed)
        #expect(plant.take() == [tag])
        #expect(plant.record(tag, "off", quality: .uncertain) == .withinDeadband)
        plant.now += 1000
        #expect(plant.record(tag, "off", quality: .uncertain) == .changed, "the tree shows that the sensor lives")
        let exact = try plant.tag("b/t", deadband: 0)
        plant.record(exact, .integer(9_007_199_254_740_993))
        #expect(plant.take().contains(exact))
        #expect(plant.record(exact, .integer(9_007_199_254_740_993)) == .withinDeadband)
        #expect(plant.record(exact, .integer(9_007_199_254_740_992)) == .changed)
    }

    @Test("A message that could not be read leaves the value and calls it bad")
    func bad() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t")
        plant.record(tag, nil, quality: .bad)
        #expect(plant.encoded(tag) == #"{"v":null,"q":"bad","t":1700000000001,"r":1700000000001,"u":"bar"}"#)
        plant.record(tag, 5, time: 1_600_000_000_000)
        plant.record(tag, nil, quality: .bad)
        #expect(plant.encoded(tag) == #"{"v":5,"q":"bad","t":1600000000000,"r":1700000000003,"u":"bar"}"#)
        plant.record(tag, 6, time: 1_600_000_000_001)
        #expect(plant.mirror.entry(tag)?.quality == .good)
    }

    @Test("Stale is written once and ends with the next value, deadband or not")
    func stale() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t", deadband: 1)
        #expect(plant.markStale(tag) == false)
        plant.record(tag, 5)
        _ = plant.take()
        #expect(plant.markStale(tag) == true)
        #expect(plant.markStale(tag) == false)
        #expect(plant.take() == [tag] && plant.encoded(tag).contains(#""q":"stale""#))
        #expect(plant.record(tag, 5) == .changed)
        #expect(plant.mirror.entry(tag)?.quality == .good)
    }

    @Test("What the tree has is taken over unless something was heard meanwhile")
    func seeding() throws {
        var plant = Fixture()
        let quiet = try plant.tag("a/t")
        let heard = try plant.tag("b/t")
        plant.record(heard, 9)
        let record = TagRecord(value: 5, quality: .good, sourceTime: 1_600_000_000_000, receivedTime: 1_600_000_000_100)
        plant.mirror.seed(quiet, record, tags: plant.tags)
        plant.mirror.seed(heard, record, tags: plant.tags)
        #expect(plant.mirror.entry(quiet)?.value == 5 && plant.mirror.entry(heard)?.value == 9)
        #expect(plant.take() == [heard])
        #expect(plant.record(quiet, 4, time: 1_500_000_000_000) == .older)
        #expect(plant.record(quiet, 4, quality: .uncertain, retained: true) == .retainedAfterLive)
        #expect(plant.record(quiet, 6, time: 1_600_000_000_001) == .changed)
    }

    @Test("Only the shards that are owned are taken, within the limit, and none is forgotten")
    func shards() throws {
        var plant = Fixture()
        var expected: [Int: [TagID]] = [:]
        for number in 0..<1000 {
            let tag = try plant.tag("device\(number)/t")
            plant.record(tag, .integer(Int64(number)))
            expected[plant.tags[tag].shard, default: []].append(tag)
        }
        let mask: UInt64 = 0b1011
        var taken: [TagID] = []
        while plant.mirror.dirtyCount(ownedBy: mask) > 0 {
            let batch = plant.take(mask, limit: 7)
            #expect(!batch.isEmpty && batch.count <= 7)
            taken += batch
        }
        let owned = [0, 1, 3].flatMap { expected[$0] ?? [] }
        #expect(taken.sorted() == owned.sorted())
        #expect(plant.mirror.dirtyShards & mask == 0)
        #expect(plant.mirror.dirtyCount(ownedBy: .max) == 1000 - owned.count)
        plant.mirror.reconcile(ownedBy: 0b10, with: [:], tags: plant.tags)
        #expect(plant.take(mask).sorted() == expected[1] ?? [], "no node, no record: all of them")
        #expect(plant.take(0).isEmpty)
    }

    @Test("A random walk against a plain model: at rest the tree has every newest value")
    func randomWalk() throws {
        for seed in 0..<20 {
            var random = SeededRandom(seed: UInt64(seed))
            var plant = Fixture()
            var tags: [TagID] = []
            for number in 0..<30 { tags.append(try plant.tag("d\(number)/t")) }
            var newest: [TagID: TagValue] = [:]
            var tree: [TagID: TagValue] = [:]
            for step in 0..<3000 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<7:
                    guard let tag = tags.randomElement(using: &random) else { continue }
                    let value = TagValue.integer(Int64(step))
                    plant.record(tag, value)
                    newest[tag] = value
                case 7:
                    let records = tree.mapValues {
                        TagRecord(value: $0, quality: .good, sourceTime: 1, receivedTime: 1)
                    }
                    plant.mirror.reconcile(
                        ownedBy: UInt64.random(in: 0...UInt64.max, using: &random), with: records, tags: plant.tags)
                default:
                    let taken = plant.take(
                        UInt64.random(in: 0...UInt64.max, using: &random), limit: Int.random(in: 1...10, using: &random)
                    )
                    #expect(Set(taken).count == taken.count, "seed \(seed) step \(step)")
                    if Bool.random(using: &random) {
                        for tag in taken { tree[tag] = plant.mirror.entry(tag)?.value }
                    } else {
                        plant.mirror.markDirty(taken)
                    }
                }
            }
            for tag in plant.take() { tree[tag] = plant.mirror.entry(tag)?.value }
            #expect(tree == newest, "seed \(seed)")
        }
    }

    @Test("A record whose two times are equal by chance refuses older samples like any other")
    func seedingWithEqualTimes() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t")
        let record = TagRecord(value: 5, quality: .good, sourceTime: 1_600_000_000_000, receivedTime: 1_600_000_000_000)
        plant.mirror.seed(tag, record, tags: plant.tags)
        #expect(plant.record(tag, 4, time: 1_599_999_999_999) == .older, "the broker delivered it again")
        #expect(plant.record(tag, 6) == .changed)
        let ahead = try plant.tag("b/t")
        plant.mirror.seed(ahead, record, isTimeBelieved: false, tags: plant.tags)
        #expect(plant.record(ahead, 4, time: 1_500_000_000_000) == .changed, "a clock that was ahead makes no tag deaf")
    }

    /// Takes up what the tree has as the new owner of all shards.
    private func takeOver(_ plant: inout Fixture, _ records: [TagID: TagRecord]) -> [TagID] {
        plant.mirror.reconcile(ownedBy: .max, with: records, tags: plant.tags)
        return plant.take()
    }

    @Test("A new owner that has heard less than the tree has leaves the tag until it hears something newer")
    func behindTree() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t", deadband: 0.5)
        plant.record(tag, 1.0, time: 1000)
        let record = TagRecord(value: 7.0, quality: .good, sourceTime: 3000, receivedTime: 3001)
        #expect(takeOver(&plant, [tag: record]).isEmpty)
        #expect(plant.mirror.entry(tag)?.value == 7.0 && plant.mirror.entry(tag)?.sourceTime == 3000)
        // What is heard late is heard in its own order: alarms are evaluated by it.
        #expect(plant.record(tag, 2.0, time: 2000) == .behindTree)
        #expect(plant.record(tag, 1.5, time: 1500) == .older)
        #expect(plant.record(tag, 2.5, time: 2999, retained: true) == .behindTree)
        #expect(plant.take().isEmpty)
        // A write that failed under an earlier lease brings nothing back.
        plant.mirror.markDirty([tag])
        #expect(plant.take() == [tag] && plant.encoded(tag) == #"{"v":7.0,"q":"good","t":3000,"r":3001,"u":"bar"}"#)
        // The sample that the tree has, heard here as well: nothing to write; then the next.
        #expect(plant.record(tag, 7.0, time: 3000) == .withinDeadband)
        #expect(plant.record(tag, 8.0, time: 3100) == .changed)
        #expect(plant.take() == [tag] && plant.mirror.entry(tag)?.value == 8.0)
    }

    @Test("A new owner writes what it has heard and the tree has not, and nothing that is there already")
    func aheadOfTree() throws {
        var plant = Fixture()
        let newer = try plant.tag("a/t")
        let same = try plant.tag("b/t")
        let unwritten = try plant.tag("c/t")
        let unheard = try plant.tag("d/t")
        plant.record(newer, 2, time: 2000)
        plant.record(same, 3, time: 3000)
        plant.record(unwritten, 4, time: 4000)
        let records = [
            newer: TagRecord(value: 1, quality: .good, sourceTime: 1000, receivedTime: 1001),
            same: TagRecord(value: 3, quality: .good, sourceTime: 3000, receivedTime: 3001, unit: "bar"),
            unheard: TagRecord(value: 5, quality: .good, sourceTime: 5000, receivedTime: 5001, unit: "bar"),
        ]
        #expect(takeOver(&plant, records).sorted() == [newer, unwritten])
        #expect(plant.mirror.entry(unheard)?.value == 5)
        #expect(takeOver(&plant, records).sorted() == [newer, unwritten], "as often as it is asked")
    }

    @Test("Without a time of its own what a new owner has heard stands, whenever others received what the tree has")
    func takingOverWithoutTimes() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t")
        plant.record(tag, 1)
        // The last owner read late what was sent earlier, or its clock is ahead.
        let late = plant.now + 500
        let record = TagRecord(value: 2, quality: .good, sourceTime: late, receivedTime: late)
        #expect(takeOver(&plant, [tag: record]) == [tag])
        #expect(plant.mirror.entry(tag)?.value == 1)
        #expect(plant.record(tag, 3) == .changed)
    }

    @Test("A unit that the configuration has changed reaches the tree")
    func changedUnit() throws {
        var plant = Fixture()
        let tag = try plant.tag("a/t")
        plant.record(tag, 1, time: 1000)
        var record = TagRecord(value: 1, quality: .good, sourceTime: 1000, receivedTime: 1001, unit: "bar")
        #expect(takeOver(&plant, [tag: record]).isEmpty)
        record.unit = "mbar"
        #expect(takeOver(&plant, [tag: record]) == [tag])
    }

    @Test("A tag that the tree is ahead of goes stale or bad with the tree's value")
    func behindTreeAndSilent() throws {
        var plant = Fixture()
        let silent = try plant.tag("a/t")
        let garbled = try plant.tag("b/t")
        let wasSilent = try plant.tag("c/t")
        let record = TagRecord(value: 7, quality: .good, sourceTime: 3000, receivedTime: 3001)
        for tag in [silent, garbled, wasSilent] { plant.record(tag, 1, time: 1000) }
        #expect(plant.markStale(wasSilent) == true)
        #expect(takeOver(&plant, [silent: record, garbled: record, wasSilent: record]) == [wasSilent])
        #expect(plant.encoded(wasSilent).hasPrefix(#"{"v":7,"q":"stale","t":3000"#))
        #expect(plant.markStale(silent) == true)
        #expect(plant.take() == [silent])
        #expect(plant.encoded(silent).hasPrefix(#"{"v":7,"q":"stale","t":3000"#))
        #expect(plant.record(garbled, nil, quality: .bad) == .behindTree)
        #expect(plant.take() == [garbled])
        #expect(plant.encoded(garbled).hasPrefix(#"{"v":7,"q":"bad","t":3000"#))
        #expect(plant.record(garbled, 8, time: 4000) == .changed)
        #expect(plant.mirror.entry(garbled)?.quality == .good)
    }

    @Test(
        "Gateways that hear late and take over from each other never take a tag back, and in the end it has its newest")
    func takeoversAtRandom() throws {
        for seed in 0..<50 {
            var random = SeededRandom(seed: UInt64(seed))
            var gateways = [Fixture(), Fixture(), Fixture()]
            var tags: [TagID] = []
            for gateway in gateways.indices {
                tags = try (0..<8).map { try gateways[gateway].tag("d\($0)/t", deadband: $0 < 4 ? 2 : nil) }
            }
            var published: [(tag: TagID, value: TagValue, time: Milliseconds)] = []
            var heard = [0, 0, 0]
            var tree: [TagID: TagRecord] = [:]
            var owner = 0
            func write(_ taken: [TagID], _ step: Int) throws {
                for tag in taken {
                    var bytes: [UInt8] = []
                    gateways[owner].mirror.encode(tag, tags: gateways[owner].tags, into: &bytes)
                    let record = try #require(TagRecord(parsing: bytes))
                    #expect(record.sourceTime >= tree[tag]?.sourceTime ?? .min, "seed \(seed) step \(step)")
                    tree[tag] = record
                }
            }
            func hear(_ gateway: Int, _ count: Int) {
                for sample in published[heard[gateway]...].prefix(count) {
                    gateways[gateway].record(sample.tag, sample.value, time: sample.time)
                }
                heard[gateway] = min(heard[gateway] + count, published.count)
            }
            for step in 0..<2000 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<3:
                    guard let tag = tags.randomElement(using: &random) else { continue }
                    let value = Double.random(in: 0..<10, using: &random)
                    published.append((tag, .number(value), Milliseconds(1_600_000_000_000 + step)))
                case 3..<6: hear(Int.random(in: 0..<3, using: &random), Int.random(in: 1...20, using: &random))
                case 6..<9:
                    let taken = gateways[owner].take(limit: Int.random(in: 1...4, using: &random))
                    // Some writes are refused, or their answer is lost: they are repeated.
                    let outcome = Int.random(in: 0..<6, using: &random)
                    if outcome != 0 { try write(taken, step) }
                    if outcome < 2 { gateways[owner].mirror.markDirty(taken) }
                default:
                    owner = Int.random(in: 0..<3, using: &random)
                    gateways[owner].mirror.reconcile(ownedBy: .max, with: tree, tags: gateways[owner].tags)
                }
            }
            hear(owner, published.count)
            try write(gateways[owner].take(), -1)
            for tag in tags {
                guard let last = published.last(where: { $0.tag == tag }), let entry = gateways[owner].mirror.entry(tag)
                else { continue }
                #expect(entry.value == last.value, "seed \(seed)")
                guard gateways[owner].tags[tag].deadband == nil else { continue }
                #expect(tree[tag]?.value == last.value && tree[tag]?.sourceTime == last.time, "seed \(seed)")
            }
        }
    }

    @Test("Tag records read back what was written and refuse what is not one")
    func records() {
        let record = TagRecord(value: .text("é\""), quality: .stale, sourceTime: 1, receivedTime: 2, unit: "°C")
        #expect(TagRecord(parsing: record.serialized()) == record)
        let empty = TagRecord(value: nil, quality: .bad, sourceTime: 1, receivedTime: 2)
        #expect(TagRecord(parsing: empty.serialized()) == empty)
        for text in [
            "", "{}", #"{"v":[],"q":"good","t":1,"r":1}"#, #"{"v":1,"q":"fine","t":1,"r":1}"#,
            #"{"v":1,"q":"good","t":"1","r":1}"#,
        ] {
            #expect(TagRecord(parsing: Array(text.utf8)) == nil, "\(text)")
        }
    }
}
