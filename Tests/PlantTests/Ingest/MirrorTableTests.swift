import Plant
import Testing

@Suite("Mirror")
struct MirrorTableTests {
    /// A plant of tags `d<i>/t`, each of its own device.
    private struct Fixture {
        var tags = TagTable()
        var mirror = MirrorTable()
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
        ) -> MirrorTable.Outcome {
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
        plant.mirror.markDirty(shard: 1)
        #expect(plant.take(mask).sorted() == expected[1] ?? [])
        #expect(plant.take(0).isEmpty)
    }

    @Test("A random walk against a plain model: at rest the tree has every newest value")
    func randomWalk() throws {
        for seed in 0..<20 {
            var random = SplitMix64(seed: UInt64(seed))
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
                case 7: plant.mirror.markDirty(shard: Int.random(in: 0..<64, using: &random))
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
