import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("SilenceTable: which tags have fallen silent")
struct SilenceTableTests {
    private static let limit: Milliseconds = 5_000

    /// One topic with as many tags as `size`.
    private struct Fixture {
        var table = SilenceTable()
        let tags: [TagID]

        init(size: Int, isPeriodic: Bool, limit: Milliseconds? = SilenceTableTests.limit) {
            tags = (0..<UInt32(size)).map { TagID(rawValue: $0) }
            table.bind(tags, limit: limit, isPeriodic: isPeriodic, at: 0)
        }

        private func samples(_ members: [Int], at now: Milliseconds) -> ContiguousArray<Sample> {
            ContiguousArray(
                members.map {
                    Sample(tag: tags[$0], value: .integer(1), quality: .good, receivedTime: now, isRetained: false)
                })
        }

        mutating func hear(_ members: [Int], at now: Milliseconds) {
            table.heard(0, samples(members, at: now), at: now)
        }

        mutating func hearKept(_ members: [Int], at now: Milliseconds) {
            table.keptMessageCame(0, samples(members, at: now), at: now)
        }

        mutating func expired(at now: Milliseconds) -> [Int] {
            var silent: [SilenceTable.Silent] = []
            table.expire(at: now, into: &silent)
            return silent.map(\.tag.index)
        }
    }

    @Test(
        "the table of the rule: which of two tags are silent at 5.001 s, 6 s and 6.001 s, both heard at 0, the first at 1 s",
        arguments: [
            (true, 5_000, [1], [], [0]), (false, 5_000, [], [], [1]), (true, nil, [], [], []), (false, nil, [], [], []),
        ] as [(Bool, Milliseconds?, [Int], [Int], [Int])])
    func rule(isPeriodic: Bool, limit: Milliseconds?, first: [Int], second: [Int], third: [Int]) {
        var fixture = Fixture(size: 2, isPeriodic: isPeriodic, limit: limit)
        fixture.hear([0, 1], at: 0)
        fixture.hear([0], at: 1_000)
        #expect(fixture.expired(at: 5_000) == [])
        #expect(fixture.expired(at: 5_001) == first)
        #expect(fixture.expired(at: 6_000) == second)
        #expect(fixture.expired(at: 6_001) == third)
        #expect(fixture.expired(at: .max) == [], "each once")
    }

    @Test(
        "a topic that gets further tags: they count as heard then, and the others keep their time",
        arguments: [true, false])
    func growing(isPeriodic: Bool) {
        var fixture = Fixture(size: 0, isPeriodic: isPeriodic)
        let tags = (0..<40).map { TagID(rawValue: $0) }
        func hear(_ members: [Int], at now: Milliseconds) {
            fixture.table.heard(
                0,
                ContiguousArray(
                    members.map {
                        Sample(tag: tags[$0], value: 1, quality: .good, receivedTime: now, isRetained: false)
                    }),
                at: now)
        }
        #expect(fixture.expired(at: 100_000) == [], "it has nothing that could be silent")
        for count in [2, 3, 9, 10, 40] {
            let now = 100_000 + Milliseconds(count) * 1_000
            fixture.table.grow(0, to: tags.prefix(count), limit: Self.limit, at: now)
            hear(Array(0..<count), at: now)
            #expect(fixture.expired(at: now) == [])
        }
        // All of them are heard, then all but the last.
        hear(Array(0..<40), at: 150_000)
        hear(Array(0..<39), at: 152_000)
        #expect(fixture.expired(at: 155_000) == [])
        #expect(fixture.expired(at: 157_001) == (isPeriodic ? Array(0..<39) + [39] : [39]).sorted())
        hear(Array(0..<40), at: 160_000)
        #expect(fixture.expired(at: 165_000) == [])
    }

    @Test("a topic with one tag: silent when periodic, never otherwise", arguments: [true, false])
    func single(isPeriodic: Bool) {
        var fixture = Fixture(size: 1, isPeriodic: isPeriodic)
        fixture.hear([0], at: 1_000)
        #expect(fixture.expired(at: 6_000) == [])
        #expect(fixture.expired(at: 6_001) == (isPeriodic ? [0] : []))
        fixture.hear([0], at: 20_000)
        #expect(fixture.expired(at: 25_000) == [])
        #expect(fixture.expired(at: 25_001) == (isPeriodic ? [0] : []))
    }

    @Test("what a message that was kept calls good has its time once more, and only that")
    func kept() {
        var topic = Fixture(size: 1, isPeriodic: true)
        topic.hearKept([0], at: 4_000)
        #expect(topic.expired(at: 5_001) == [0], "it is no sign of life")
        topic.hearKept([0], at: 10_000)
        #expect(topic.expired(at: 15_000) == [])
        #expect(topic.expired(at: 15_001) == [0])

        var member = Fixture(size: 3, isPeriodic: false)
        member.hear([0], at: 1_000)
        #expect(member.expired(at: 6_001) == [1, 2])
        member.hearKept([0, 2], at: 10_000)
        #expect(member.expired(at: 15_000) == [])
        #expect(member.expired(at: 15_001) == [2])
    }

    @Test("a time in which nothing could be heard is no silence")
    func forgiven() {
        var topic = Fixture(size: 1, isPeriodic: true)
        topic.table.forgive(60_000, at: 61_000)
        #expect(topic.expired(at: 65_000) == [])
        #expect(topic.expired(at: 65_001) == [0])

        var member = Fixture(size: 2, isPeriodic: false)
        member.hear([0], at: 1_000)
        member.table.forgive(60_000, at: 61_000)
        #expect(member.expired(at: 66_000) == [])
        #expect(member.expired(at: 66_001) == [1])
    }

    @Test("times that no clock shows trap nothing")
    func extremes() {
        for isPeriodic in [true, false] {
            for limit in [1, .max] as [Milliseconds] {
                var fixture = Fixture(size: 2, isPeriodic: isPeriodic, limit: limit)
                for now in [0, .max, .min, -1, .max, 1] as [Milliseconds] {
                    fixture.hear([0, 1], at: now)
                    fixture.hear([1], at: now)
                    fixture.hearKept([0], at: now)
                    fixture.table.forgive(.max, at: now)
                    fixture.table.forgive(.min, at: now)
                    _ = fixture.expired(at: now)
                }
            }
        }
    }

    @Test("a clock that goes back a little makes nothing good for longer")
    func clockBack() {
        var fixture = Fixture(size: 1, isPeriodic: true)
        fixture.hear([0], at: 1_000_000)
        fixture.hear([0], at: 1_000)
        #expect(fixture.expired(at: 6_001) == [0])
    }

    @Test("against the plain definition, at random", arguments: 0..<40)
    func walk(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let isPeriodic = seed % 2 == 0
        let size = Int.random(in: 1...4, using: &random)
        var fixture = Fixture(size: size, isPeriodic: isPeriodic)
        var now: Milliseconds = 0
        // The plain definition: when silence began to count, by tag; nil while it does not.
        var since = [Milliseconds?](repeating: isPeriodic ? 0 : nil, count: size)
        var named: Set<Int> = []
        for step in 0..<400 {
            now += Milliseconds.random(in: 0...(seed % 3 == 0 ? 9_000 : 2_500), using: &random)
            if Bool.random(using: &random) {
                let members = (0..<size).filter { _ in Int.random(in: 0..<4, using: &random) > 0 }
                guard !members.isEmpty else { continue }
                fixture.hear(members, at: now)
                for member in 0..<size {
                    if members.contains(member) {
                        since[member] = isPeriodic ? now : nil
                        named.remove(member)
                    } else if since[member] == nil {
                        since[member] = now
                    }
                }
            } else {
                let expected = (0..<size).filter { member in
                    since[member].map { now - $0 > Self.limit } == true && !named.contains(member)
                }
                let found = fixture.expired(at: now)
                #expect(found.sorted() == expected, "seed \(seed), step \(step), at \(now)")
                named.formUnion(expected)
            }
        }
    }
}
