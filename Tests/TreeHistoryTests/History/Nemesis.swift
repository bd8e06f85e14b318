import Glibc
import Primitives
import TestFixtures

/// Does harm to a server and to the connections to it, at random, and makes everything whole again at the end.
struct Nemesis: Sendable {
    enum Harm: CaseIterable, Sendable {
        case kill
        case killWhileStarting
        case pause
        case cut
        case delay
        case deafen
    }

    let server: TreeServer
    let proxies: [FaultProxy]
    /// The longest pause of the server, and of what a proxy holds back.
    var longestPause = Duration.milliseconds(1_200)
    /// Called when the server is dead, before it is started again.
    var serverDied: @Sendable () -> Void = {}

    /// One kind of harm, and its end.
    func harm(_ harm: Harm, using random: inout SeededRandom) async throws {
        guard let proxy = proxies.randomElement(using: &random) else { return }
        switch harm {
        case .kill: try await kill()
        case .killWhileStarting:
            await server.kill9()
            try server.launch()
            try await Task.sleep(for: .microseconds(Int.random(in: 0...40_000, using: &random)))
            try await kill()
        case .pause:
            server.process?.signal(SIGSTOP)
            try? await Task.sleep(for: pause(using: &random))
            server.process?.signal(SIGCONT)
        case .cut:
            proxy.refuse(Bool.random(using: &random))
            proxy.cut()
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...100, using: &random)))
            proxy.heal()
        case .delay:
            let direction: FaultProxy.Direction = Bool.random(using: &random) ? .toServer : .toClient
            proxy.hold(direction)
            try await Task.sleep(for: pause(using: &random))
            // Half of the time what was held back arrives, late; otherwise it is lost.
            if Bool.random(using: &random) { proxy.cut() }
            proxy.heal()
        case .deafen:
            // Requests arrive, answers do not.
            proxy.discard(.toClient)
            try await Task.sleep(for: .milliseconds(Int.random(in: 5...100, using: &random)))
            proxy.cut()
            proxy.heal()
        }
    }

    private func kill() async throws {
        await server.kill9()
        serverDied()
        try await server.start()
    }

    private func pause(using random: inout SeededRandom) -> Duration {
        // Mostly short.
        let share = Double.random(in: 0...1, using: &random)
        return longestPause * (share * share)
    }
}
