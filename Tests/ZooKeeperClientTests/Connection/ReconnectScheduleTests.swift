import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperClient

@Suite("Reconnect schedule")
struct ReconnectScheduleTests {
    private func servers(_ count: Int) -> [ServerAddress] {
        (0..<count).map { ServerAddress(host: "zk\($0)", port: 1) }
    }

    @Test func triesEveryServerBeforeAnyAgain() {
        var random = SeededRandom(seed: 1)
        var schedule = ReconnectSchedule(servers: servers(5), ceiling: .seconds(1), using: &random)
        for _ in 0..<3 {
            var round: Set<ServerAddress> = []
            for _ in 0..<5 {
                round.insert(schedule.nextServer())
                schedule.attemptFailed()
            }
            #expect(round.count == 5)
        }
    }

    @Test func firstRoundIsFreeThenWaitsGrowToTheCeiling() {
        var random = SeededRandom(seed: 2)
        var schedule = ReconnectSchedule(servers: servers(3), ceiling: .milliseconds(500), using: &random)
        #expect(schedule.delay(using: &random) == .zero)
        for _ in 0..<2 { schedule.attemptFailed() }
        #expect(schedule.delay(using: &random) == .zero)
        schedule.attemptFailed()
        let first = schedule.delay(using: &random)
        #expect(first >= .milliseconds(10) && first <= .milliseconds(20))
        for _ in 0..<300 { schedule.attemptFailed() }
        for _ in 0..<100 {
            let delay = schedule.delay(using: &random)
            #expect(delay >= .milliseconds(250) && delay <= .milliseconds(500))
        }
        schedule.sessionGranted()
        #expect(schedule.delay(using: &random) == .zero)
    }

    @Test func returnsToTheServerThatHadGrantedASession() {
        var random = SeededRandom(seed: 3)
        var schedule = ReconnectSchedule(servers: servers(3), ceiling: .seconds(1), using: &random)
        let server = schedule.nextServer()
        schedule.sessionGranted()
        #expect(schedule.nextServer() == server)
    }
}
