import CampaignOracle
import Primitives
import TestFixtures

extension FaultKind {
    /// Does the fault to `scene` and heals it; returns when nothing is broken any more, except by a fault that stays.
    func strike(_ scene: Scene, _ random: inout SeededRandom) async throws {
        switch self {
        case .none: scene.struck()
        case .killActive: try await KillFaults.one(scene, active: true, &random)
        case .killStandby: try await KillFaults.one(scene, active: false, &random)
        case .killAll: try await KillFaults.all(scene, &random)
        case .killAtSpike: try await KillFaults.atSpike(scene, &random)
        case .silentThenKill: try await KillFaults.silentThenOther(scene, &random)
        case .termOnDelay: try await DelayFaults.restart(scene, returning: false, &random)
        case .termOffDelay: try await DelayFaults.restart(scene, returning: true, &random)
        case .pausePulse: try await DelayFaults.pausePulse(scene, &random)
        case .pauseLong: try await DelayFaults.pauseLong(scene, &random)
        case .brokerLinkShort: try await LinkFaults.broker(scene, for: random.milliseconds(200...1800))
        case .brokerLinkLong: try await LinkFaults.broker(scene, for: random.milliseconds(2500...5000))
        case .brokerLinkSilent: try await LinkFaults.brokerSilent(scene, for: random.milliseconds(3000...6000))
        case .listeningOnly: try await LinkFaults.oneConnection(scene, control: false, &random)
        case .controlOnly: try await LinkFaults.oneConnection(scene, control: true, &random)
        case .treeLink: try await LinkFaults.tree(scene, for: random.milliseconds(0...1500))
        case .treeLinkOneWay: try await LinkFaults.treeOneWay(scene, &random)
        case .treeBlink: try await TreeFaults.blink(scene, &random)
        case .treeKill: try await TreeFaults.kill(scene, &random)
        case .treePause: try await TreeFaults.pause(scene, &random)
        case .newerElsewhere: try await TreeFaults.newerElsewhere(scene, &random)
        case .journalDeleted: try await OutsiderFaults.deleteJournal(scene)
        case .ghosts: try await OutsiderFaults.ghosts(scene, &random)
        case .brokerKill: try await BrokerFaults.kill(scene, &random)
        case .brokerAmnesia: try await BrokerFaults.kill(scene, &random)
        case .brokerRestart: try await BrokerFaults.restart(scene, &random)
        case .brokerPause: try await BrokerFaults.pause(scene, &random)
        case .refusedAnnouncements: try await BrokerFaults.refuseAnnouncements(scene, &random)
        case .forgedWills: try await OutsiderFaults.forgedWills(scene)
        case .wrongBroker: try await OutsiderFaults.wrongBroker(scene)
        case .sameName: try await OutsiderFaults.sameName(scene)
        case .clocksSet: try await ClockFaults.set(scene, &random)
        case .clocksStill: try await ClockFaults.standStill(scene, &random)
        case .gatewayClocks: try await ClockFaults.setGateways(scene, &random)
        case .buffered: try await ClockFaults.buffer(scene, &random)
        case .upgrade: try await UpgradeFault.roll(scene, &random)
        }
    }
}
