import Logging
import Plant
import ServiceLifecycle

/// Hands over what this gateway owns before it stops. The first service that is asked to stop, so that all the others still
/// work: each shard goes to the next owner with everything that was heard, and nothing is without an owner in between. One
/// that owns nothing leaves as well, so that no other gateway hands over to a process that ends.
///
/// It takes as long as that takes, ``limit`` at most, and no time where nobody can take over. What is left then goes when the
/// locks are given up, as the last of what the other services do.
struct PlannedLeave: Service {
    /// How long a stop may be held up by the handing over.
    static let limit = Duration.seconds(5)
    /// How often it looks how far it has come.
    static let look = Duration.milliseconds(5)

    /// Says that this gateway leaves for good.
    let leave: @Sendable () -> Void
    let departure: @Sendable () -> OwnershipService.Departure
    /// Without it nothing can be handed over.
    let isTreeConnected: @Sendable () -> Bool
    let clock: GatewayClock
    let logger: Logger

    func run() async throws {
        do { try await gracefulShutdown() } catch { return }
        let first = departure()
        let before = first.holdings
        // Said first, also where nobody can take over now: others may be about to hand over to this one. To nobody in vain.
        if isTreeConnected(), first.obstacle?.others.isEmpty != true { leave() }
        if let reason = reasonToGo(first) {
            return say("stops without handing over", before, ["reason": "\(reason)"])
        }
        let started = clock.now()
        while !Task.isCancelled {
            let departure = departure()
            let time = clock.now() - started
            if departure.isDrained {
                return say("handed everything over before stopping", before, ["after": "\(time)"])
            }
            let reason = time >= Self.limit ? "the other gateways have not taken it in \(Self.limit)" : nil
            if let reason = reason ?? reasonToGo(departure) {
                return say(
                    "could not hand everything over before stopping", departure.holdings, ["reason": "\(reason)"])
            }
            try? await clock.sleep(Self.look)
        }
    }

    /// Why it is no use to wait.
    private func reasonToGo(_ departure: OwnershipService.Departure) -> String? {
        isTreeConnected() ? departure.obstacle.map { "\($0)" } : "the tree cannot be reached"
    }

    private func say(_ message: Logger.Message, _ holdings: OwnershipHoldings, _ metadata: Logger.Metadata) {
        // Of one that owned nothing there is nothing to say.
        guard !holdings.isEmpty else { return }
        let held: Logger.Metadata = ["shards": "\(holdings.shards)", "alarms": "\(holdings.isProcessor)"]
        logger.notice(message, metadata: held.merging(metadata) { $1 })
    }
}
