package import Plant
import Primitives

extension PlantClient {
    /// Who owns which shard and processes the alarms, and why.
    package func ownership() async throws -> OwnershipReport {
        try await PlantFailure.translating { try await OwnershipReader(client: tree).report() }
    }

    /// Asks a gateway to hand over what it owns, or to take its share again; returns its answer, which comes before anything
    /// has moved.
    ///
    /// - Parameters:
    ///   - name: Who asks.
    ///   - now: The moment at which it is asked.
    ///   - patience: How long the answer may take; then the request is withdrawn.
    /// - Throws: ``PlantFailure/unused``, ``PlantFailure/notRegistered(gateway:registered:)``,
    ///   ``PlantFailure/silentGateway(_:waited:)`` or ``PlantFailure/discarded`` when there was no answer.
    package func ask(
        _ order: DrainOrder, by name: String, at now: Milliseconds, patience: Duration = .seconds(5)
    ) async throws -> RequestAnswer {
        try await PlantFailure.translating {
            if let mistake = order.mistake ?? Principal.mistake(inName: name) {
                throw PlantFailure.impossible(mistake)
            }
            let registered = try await OwnershipReader(client: tree).members().map(\.name)
            guard registered.contains(order.gateway) else {
                throw PlantFailure.notRegistered(gateway: order.gateway, registered: registered)
            }
            let request = Request(
                id: RequestClient.newID(), by: name, at: now,
                deadline: now.addingClamped(patience.wholeMilliseconds), .drain(order))
            switch try await requests.ask(request, patience: patience) {
            case .answered(let answer): return answer
            case .removed: throw PlantFailure.discarded
            case .open: throw PlantFailure.silentGateway(order.gateway, waited: patience)
            }
        }
    }

    /// How a drained gateway stands.
    package enum DrainOutcome: Sendable {
        /// It owns nothing. What the others own is in the report.
        case drained(OwnershipReport)
        /// Nobody can take over from it, and it keeps its share.
        case nobody(LeavingObstacle)
        /// It still owns something when the time is over.
        case late(OwnershipReport)
        /// It is not registered any more: it has stopped.
        case gone(OwnershipReport)
    }

    /// How a gateway stands that was asked to take its share again.
    package enum StayOutcome: Sendable, Hashable {
        /// Its registration says that it does not drain.
        case staying
        /// It still says so when the time is over.
        case late
        /// It is not registered any more.
        case gone
    }

    /// Waits until the registration of a gateway that was asked to stay says that it does not drain: others go by that.
    package func waitUntilStaying(_ gateway: String, patience: Duration = .seconds(5)) async throws -> StayOutcome {
        let end = clock.now() + patience
        while true {
            let members = try await PlantFailure.translating { try await OwnershipReader(client: tree).members() }
            guard let member = members.first(where: { $0.name == gateway }) else { return .gone }
            if !member.isDraining { return .staying }
            let left = end - clock.now()
            if left <= .zero { return .late }
            try await clock.sleep(min(left, Self.look))
        }
    }

    /// How often it is looked whether a gateway has handed everything over.
    private static let look = Duration.milliseconds(100)

    /// Waits until a gateway that was asked to drain owns nothing, or until that is no use.
    package func waitUntilDrained(_ gateway: String, patience: Duration) async throws -> DrainOutcome {
        let end = clock.now() + patience
        while true {
            let report = try await ownership()
            guard let member = report.plan.member(gateway) else { return .gone(report) }
            if report.holdings(of: gateway).isEmpty { return .drained(report) }
            // Its registration says so a moment after the answer.
            if member.isDraining, let obstacle = report.plan.obstacle(toLeaving: gateway) {
                return .nobody(obstacle)
            }
            let left = end - clock.now()
            if left <= .zero { return .late(report) }
            try await clock.sleep(min(left, Self.look))
        }
    }
}
