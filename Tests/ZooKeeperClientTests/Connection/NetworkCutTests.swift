import TestFixtures
import Testing

extension EnsembleFaultTests {
    /// Given: each member on a machine of its own, under the same load.
    /// The fault: cables are pulled and ways between machines lose everything, elections included. No connection is closed:
    /// whoever is cut off has to notice by itself, the clients no less than the members.
    /// What must hold: the same, and that nobody relies on a lease while no majority can be reached.
    @Test(.enabled(if: RootRights.areGiven, "makes network namespaces: needs root"), .timeLimit(.minutes(4)))
    func theSameHoldsWhenTheNetworkLosesEverythingSilently() async throws {
        let scratch = try Scratch("network-cuts")
        let network = try await IsolatedNetwork(machines: 3, scratch: scratch)
        do {
            let ensemble = try ApacheEnsemble(
                scratch: scratch, tickMilliseconds: 500, syncLimit: 4, network: network)
            try await EnsembleStory.tell(on: ensemble) { story in
                for cut in Cut.allCases {
                    let leader = try await ensemble.leader()
                    for victim in cut.victims(leader: leader) { try await Self.suffer(cut, victim, network, story) }
                }
            }
        } catch {
            await network.close()
            throw error
        }
        await network.close()
        scratch.remove()
    }

    private enum Cut: CaseIterable {
        /// The member's cable is pulled: neither the others nor clients reach it.
        case followersCable, leadersCable
        /// Clients still reach it, and hear of nothing but what it knew.
        case leaderFromMembers
        /// The member is well; those who come from where the clients are do not reach it.
        case clientsFromMember
        /// Each member reaches clients and no other member.
        case membersFromEachOther

        /// Clients are cut off from each member in turn: so each client is, wherever it has gone meanwhile.
        func victims(leader: Int) -> [Int] {
            switch self {
            case .followersCable: [(leader + 1) % 3]
            case .leadersCable, .leaderFromMembers: [leader]
            case .clientsFromMember: [0, 1, 2]
            case .membersFromEachOther: [0]
            }
        }
    }

    private static func suffer(
        _ cut: Cut, _ victim: Int, _ network: IsolatedNetwork, _ story: EnsembleStory
    ) async throws {
        let what = "\(cut) \(victim + 1)"
        switch cut {
        case .followersCable, .leadersCable: try await network.setCable(victim, isPlugged: false)
        case .leaderFromMembers: try await network.cutFromMachines(victim)
        case .clientsFromMember: try await network.cut(.tests, .machine(victim))
        case .membersFromEachOther: for member in 0..<3 { try await network.cutFromMachines(member) }
        }
        switch cut {
        case .followersCable, .leadersCable, .leaderFromMembers:
            // Longer than the others take to notice, and than the sessions of whoever hangs on it allow.
            try await Task.sleep(for: .seconds(5))
            try await story.goesOn(during: what)
        case .clientsFromMember:
            try await story.goesOn(during: what)
            try await story.watchers.allSeen("during \(what)")
        case .membersFromEachOther:
            try await story.owners.nobodyRelies(during: what)
            let before = story.load.acknowledged
            try await Task.sleep(for: .seconds(3))
            #expect(story.load.acknowledged == before, "acknowledged without a majority")
        }
        try await network.heal()
        try await story.isWhole(after: what)
    }
}
