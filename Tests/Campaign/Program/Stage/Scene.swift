import CampaignOracle
import Foundation
import Synchronization
import TestFixtures

/// Everything that stands in one round, for faults to be done to.
final class Scene: Sendable {
    /// What faults tell the judge.
    struct Notes: Sendable {
        /// The first moment of the fault, on both clocks.
        var struck: (wall: Int64, clock: ContinuousClock.Instant)?
        var healedAt: Int64?
        /// Samples acknowledged in these spans may be lost; why is said in README's guarantees.
        var uncertain: [ClosedRange<Int64>] = []
        /// The same of samples that make no transition at once: no alarm watches them, or one with delays.
        var uncertainWithoutTransition: [ClosedRange<Int64>] = []
        /// The same of samples without a time of their own.
        var uncertainWithoutTime: [ClosedRange<Int64>] = []
        /// Entries recorded in these spans may not have been heard by the campaign's own subscriber.
        var deaf: [ClosedRange<Int64>] = []
        /// What a kind of fault itself found wrong.
        var complaints: [String] = []
        /// How long everything may take to be right again.
        var patience = Duration.seconds(15)
        /// Commands must not end in doubt: their owner lived, and their device answered.
        var forbidsUnknown = false
        /// Whether sensors' clocks are changed, and not only their messages late.
        var clocksChange = false
    }

    let plan: RoundPlan
    let plant: String
    let scratch: Scratch
    let program: LinekeeperProgram
    let other: LinekeeperProgram?
    let broker: Mosquitto
    let tree: TreeHost?
    let seats: [Seat]
    let reader: TreeReader
    let journal: JournalCopy
    let ears: AlarmEars
    let sensors: Sensors
    let commands: CommandBench
    private let state = Mutex(Notes())
    private let cleanups = Mutex<[@Sendable () async -> Void]>([])

    init(
        plan: RoundPlan, plant: String, scratch: Scratch, program: LinekeeperProgram, other: LinekeeperProgram?,
        broker: Mosquitto, tree: TreeHost?, seats: [Seat], reader: TreeReader, ears: AlarmEars, sensors: Sensors,
        commands: CommandBench
    ) {
        self.plan = plan
        self.plant = plant
        self.scratch = scratch
        self.program = program
        self.other = other
        self.broker = broker
        self.tree = tree
        self.seats = seats
        self.reader = reader
        journal = JournalCopy(reader)
        self.ears = ears
        self.sensors = sensors
        self.commands = commands
    }

    var notes: Notes { state.withLock { $0 } }
    func note(_ change: (inout Notes) -> Void) { state.withLock { change(&$0) } }
    func onEnd(_ cleanup: @escaping @Sendable () async -> Void) { cleanups.withLock { $0.append(cleanup) } }
    func clear() async { for cleanup in cleanups.withLock({ $0 }).reversed() { await cleanup() } }

    /// The fault begins now: what was visible before does not count as recovery.
    func struck() {
        state.withLock { if $0.struck == nil { $0.struck = (WallTime.now(), .now) } }
        sensors.faultBegins()
    }

    func healed() { state.withLock { $0.healedAt = WallTime.now() } }

    // MARK: Who does what

    func seat(_ id: String) -> Seat? { seats.first { $0.id == id } }

    /// The active gateway; the first one when none can be told.
    func active() async -> Seat {
        let active = try? await reader.activeProcessor()
        return active.flatMap { seat($0.gateway) } ?? seats[0]
    }

    func standby() async -> Seat {
        let active = await active()
        return seats.first { $0.id != active.id } ?? active
    }

    /// All gateways are members and candidates, and every shard has an owner.
    func standing(_ seats: [Seat]? = nil, within deadline: Duration = .seconds(30)) async throws {
        let ids = (seats ?? self.seats).map(\.id)
        try await eventually(
            "gateways \(ids) stand", within: deadline, every: .milliseconds(30),
            seen: {
                let candidates = (try? await reader.candidates().map(\.gateway)) ?? []
                return "candidates \(candidates), members \((try? await reader.gateways()) ?? [])"
            }
        ) {
            // A tree that is not there yet, or no more, is not an answer.
            guard let candidates = try? await reader.candidates().map(\.gateway),
                let members = try? await reader.gateways(), Set(candidates).isSuperset(of: ids),
                Set(members).isSuperset(of: ids), let owners = try? await reader.shardOwners()
            else { return false }
            return owners.count == 64
        }
    }
}
