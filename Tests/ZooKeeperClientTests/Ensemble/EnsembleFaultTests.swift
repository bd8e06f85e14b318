import TestFixtures
import Testing

/// One ensemble and one load for all faults of a kind, because servers take seconds to start; one ensemble at a time.
@Suite("An ensemble of three whose members are killed, paused and cut off under load", .serialized)
struct EnsembleFaultTests {
    @Test(.timeLimit(.minutes(4)))
    func noAcknowledgedWriteIsLostNothingHangsWatchesComeBackAndOwnersStayAlone() async throws {
        let scratch = try Scratch("ensemble-faults")
        // A member that is cut off is noticed after two seconds.
        let ensemble = try ApacheEnsemble(scratch: scratch, tickMilliseconds: 500, syncLimit: 4)
        try await EnsembleStory.tell(on: ensemble) { story in
            for fault in Fault.allCases { try await Self.suffer(fault, story) }
        }
        scratch.remove()
    }

    private enum Fault: CaseIterable {
        case killFollower, killLeader, pauseLeader, isolateFollower, isolateLeader

        var hitsLeader: Bool { self == .killLeader || self == .pauseLeader || self == .isolateLeader }
        var isKill: Bool { self == .killFollower || self == .killLeader }
    }

    private static func suffer(_ fault: Fault, _ story: EnsembleStory) async throws {
        let ensemble = story.ensemble
        let leader = try await ensemble.leader()
        let victim = fault.hitsLeader ? leader : (leader + 1) % 3
        switch fault {
        case .killFollower, .killLeader: await ensemble.kill9(victim)
        case .pauseLeader: ensemble.pause(victim)
        case .isolateFollower, .isolateLeader: ensemble.isolate(victim)
        }
        if fault == .isolateLeader {
            // It goes on answering reads and pings of its own clients, until it is stopped: otherwise the others
            // would go on electing it, for elections do not take the way that is cut.
            try await Task.sleep(for: .milliseconds(1500))
            ensemble.pause(victim)
        }
        if !fault.isKill {
            // Longer than the others take to notice, and than the sessions of whoever hangs on it allow.
            try await Task.sleep(for: .seconds(5))
        }
        try await story.goesOn(during: "\(fault)")
        switch fault {
        case .killFollower, .killLeader: try ensemble.start(victim)
        case .pauseLeader: ensemble.resume(victim)
        case .isolateFollower: ensemble.heal()
        case .isolateLeader:
            ensemble.resume(victim)
            ensemble.heal()
        }
        try await story.isWhole(after: "\(fault)")
    }
}
