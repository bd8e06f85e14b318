import Foundation
import Synchronization

/// A network of machines on this one: a network namespace for each, joined by a switch in another, to which the tests' own
/// namespace is joined as well. For real cuts: packets are lost on the way, connections stay open, and nobody is told.
///
/// Each namespace lasts as long as a process that does nothing but live in it; so nothing is left behind, not even by a test
/// process that dies.
///
/// Needs the right to make namespaces: fails, saying so, where that is missing.
public final class IsolatedNetwork: Sendable {
    /// Who can be cut off from whom.
    public enum Party: Hashable, Sendable {
        case machine(Int)
        /// Where the tests run.
        case tests
    }

    /// How one party reaches another.
    private struct Way: Hashable {
        var from: Party
        var to: Party
    }

    /// The interface to the switch, in every machine.
    private static let interface = "eth0"
    /// Nobody has this address: what is sent there is lost.
    private static let nobody = "02:00:00:00:00:01"
    private static let counter = Mutex(0)

    public let machines: Int
    private let log: String
    /// Those that keep the namespaces: the switch's first, then the machines'.
    private let keepers: [ChildProcess]
    /// The interface in the tests' own namespace.
    private let gateway: String
    /// The first address of the network, as a number.
    private let base: UInt32
    private let blind = Mutex<Set<Way>>([])

    /// Makes `machines` machines, at most five.
    public init(machines: Int, scratch: Scratch) async throws {
        self.machines = machines
        log = try scratch.write("", to: "network/log")
        let number = Self.counter.withLock { counter in
            counter += 1
            return counter
        }
        gateway = "lk\(getpid())-\(number)"
        // A small part of the range that is set aside for tests of networks (RFC 2544), another in each process.
        base = UInt32(198 << 24 | 18 << 16) + UInt32((Int(getpid()) * 4 + number) % 16_384 * 8)
        var keepers: [ChildProcess] = []
        do {
            for index in 0...machines {
                let name = index == 0 ? "switch" : "machine \(index)"
                keepers.append(try await Self.startKeeper(name, log: scratch.file("network/\(index)")))
            }
            self.keepers = keepers
            try await connect()
        } catch {
            for keeper in keepers { await keeper.kill9() }
            throw error
        }
    }

    /// Ends all that keeps it alive. Programs on its machines have to be ended first.
    public func close() async {
        for keeper in keepers.reversed() { await keeper.kill9() }
    }

    /// Where a machine can be reached.
    public func address(_ machine: Int) -> String { text(.machine(machine)) }

    /// What starts a program on a machine. Its process id is the program's own.
    public func command(
        on machine: Int, _ executable: String, _ arguments: [String]
    ) throws -> (executable: String, arguments: [String]) {
        let enter = try Self.program("nsenter")
        return (enter, ["--net=/proc/\(keepers[machine + 1].pid)/ns/net", executable] + arguments)
    }

    // MARK: Faults

    /// Pulls a machine's cable, or puts it back: it reaches nobody, and nobody reaches it.
    public func setCable(_ machine: Int, isPlugged: Bool) async throws {
        try await ip("link", "set", Self.socket(machine), isPlugged ? "up" : "down", in: keepers[0])
    }

    /// Loses everything between two parties, both ways. To others each stays connected.
    public func cut(_ a: Party, _ b: Party) async throws {
        try await setBlind(Way(from: a, to: b), true)
        try await setBlind(Way(from: b, to: a), true)
    }

    /// Loses everything between a machine and the other machines.
    public func cutFromMachines(_ machine: Int) async throws {
        for other in 0..<machines where other != machine { try await cut(.machine(machine), .machine(other)) }
    }

    /// Ends every cut, and plugs every cable in.
    public func heal() async throws {
        for way in blind.withLock({ $0 }) { try await setBlind(way, false) }
        for machine in 0..<machines { try await setCable(machine, isPlugged: true) }
    }

    /// Whether what `way.from` sends to `way.to` goes to an address that nobody has.
    private func setBlind(_ way: Way, _ isBlind: Bool) async throws {
        let interface = way.from == .tests ? gateway : Self.interface
        let before = blind.withLock { blind in isBlind ? blind.insert(way).inserted : blind.remove(way) != nil }
        guard before else { return }
        if isBlind {
            try await ip(
                "neigh", "replace", text(way.to), "lladdr", Self.nobody, "dev", interface, "nud", "permanent",
                in: keeper(way.from))
        } else {
            try await ip("neigh", "del", text(way.to), "dev", interface, in: keeper(way.from))
        }
    }

    // MARK: Building it

    private static func startKeeper(_ name: String, log: String) async throws -> ChildProcess {
        let keeper = try ChildProcess(
            name: name, executable: program("unshare"), arguments: ["--net", program("sleep"), "infinity"],
            output: log)
        func namespace(_ process: String) -> String? {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
        }
        let own = namespace("self")
        let end = ContinuousClock.now + .seconds(10)
        while keeper.isRunning, ContinuousClock.now < end {
            if let its = namespace("\(keeper.pid)"), its != own { return keeper }
            try await Task.sleep(for: .milliseconds(2))
        }
        await keeper.kill9()
        throw FixtureError("no network namespace could be made; these tests must run as root\n" + keeper.report())
    }

    private func connect() async throws {
        let hub = keepers[0]
        try await ip("link", "add", "switch0", "type", "bridge", in: hub)
        try await ip("link", "set", "switch0", "up", in: hub)
        try await join(gateway, .tests, socket: "tests")
        for machine in 0..<machines {
            try await join(Self.interface, .machine(machine), socket: Self.socket(machine))
            try await ip("link", "set", "lo", "up", in: keeper(.machine(machine)))
        }
    }

    /// Lays a cable from a party to the switch.
    private func join(_ interface: String, _ party: Party, socket: String) async throws {
        let (hub, home) = (keepers[0], keeper(party))
        try await ip("link", "add", interface, "type", "veth", "peer", "name", socket, "netns", "\(hub.pid)", in: home)
        try await ip("link", "set", socket, "master", "switch0", "up", in: hub)
        try await ip("address", "add", text(party) + "/29", "dev", interface, in: home)
        try await ip("link", "set", interface, "up", in: home)
    }

    /// The end of a machine's cable in the switch.
    private static func socket(_ machine: Int) -> String { "machine\(machine + 1)" }

    private func keeper(_ party: Party) -> ChildProcess? {
        switch party {
        case .machine(let index): keepers[index + 1]
        case .tests: nil
        }
    }

    private func text(_ party: Party) -> String {
        let address =
            switch party {
            case .tests: base + 1
            case .machine(let index): base + 2 + UInt32(index)
            }
        return [24, 16, 8, 0].map { String(address >> $0 & 255) }.joined(separator: ".")
    }

    /// Runs `ip` in the namespace that a process keeps; in the tests' own, when nil.
    private func ip(_ arguments: String..., in keeper: ChildProcess?) async throws {
        let ip = try Self.program("ip")
        let command =
            try keeper.map { (try Self.program("nsenter"), ["--net=/proc/\($0.pid)/ns/net", ip] + arguments) }
            ?? (ip, arguments)
        let process = try ChildProcess(name: "ip", executable: command.0, arguments: command.1, output: log)
        // To its end, cancelled or not: half a cut would be left.
        let exit = await Task { await process.waitForExit(within: .seconds(20)) }.value
        guard exit == .exited(0) else {
            throw FixtureError("ip \(arguments.joined(separator: " ")): \(process.report(lines: 5))")
        }
    }

    private static func program(_ name: String) throws -> String {
        for folder in ["/usr/sbin", "/sbin", "/usr/bin", "/bin"] {
            let path = "\(folder)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw FixtureError("\(name) is not installed; install it with: apt-get install iproute2 util-linux")
    }
}
