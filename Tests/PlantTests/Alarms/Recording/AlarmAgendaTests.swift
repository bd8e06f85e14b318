import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("The agenda of what is to be recorded")
struct AlarmAgendaTests {
    private static func paths(_ count: Int) throws -> [AlarmPath] {
        try (0..<count).map { AlarmPath(tag: try TagPath("a/\(count - $0)"), alarm: "high") }
    }

    @Test(
        "However alarms come and go, the next ones are those with the earliest dates",
        arguments: 1...20 as ClosedRange<UInt64>)
    func walk(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let paths = try Self.paths(30)
        var agenda = AlarmAgenda()
        var plain: [Int: Milliseconds] = [:]
        for _ in 0..<500 {
            let alarm = Int.random(in: 0..<30, using: &random)
            let time: Milliseconds? =
                .random(in: 0..<4, using: &random) == 0 ? nil : .random(in: 0..<20, using: &random)
            plain[alarm] = time
            agenda.set(alarm, paths[alarm], to: time)
            #expect(Set(agenda.alarms) == Set(plain.keys))
            let limit = Int.random(in: 1...5, using: &random)
            var next: [Int] = []
            agenda.inOrder { item in
                next.append(item.alarm)
                return next.count < limit
            }
            let expected = plain.sorted { left, right in
                left.value == right.value ? paths[left.key] < paths[right.key] : left.value < right.value
            }.prefix(limit)
            #expect(next == expected.map(\.key))
        }
    }

    @Test("What waits costs the next ones nothing: of 60,000 alarms five are looked at")
    func cost() throws {
        let paths = try Self.paths(60_000)
        var agenda = AlarmAgenda()
        for (alarm, path) in paths.enumerated() { agenda.set(alarm, path, to: Milliseconds(alarm)) }
        var looks = 0
        agenda.inOrder { _ in
            looks += 1
            return looks < 5
        }
        #expect(looks == 5)
    }
}
