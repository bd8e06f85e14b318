/// What may go wrong in a round. The raw value is what `--only` takes and what a round's line says.
package enum FaultKind: String, CaseIterable, Sendable, Hashable {
    case none
    case killActive = "kill-active"
    case killStandby = "kill-standby"
    case killAll = "kill-all"
    case killAtSpike = "kill-at-spike"
    case termOnDelay = "term-on-delay"
    case termOffDelay = "term-off-delay"
    case pausePulse = "pause-pulse"
    case pauseLong = "pause-long"
    case brokerLinkShort = "broker-link-short"
    case brokerLinkLong = "broker-link-long"
    case brokerLinkSilent = "broker-link-silent"
    case listeningOnly = "listening-only"
    case controlOnly = "control-only"
    case treeLink = "tree-link"
    case treeLinkOneWay = "tree-link-one-way"
    case treeBlink = "tree-blink"
    case treeKill = "tree-kill"
    case treePause = "tree-pause"
    case brokerKill = "broker-kill"
    case brokerRestart = "broker-restart"
    case brokerAmnesia = "broker-amnesia"
    case brokerPause = "broker-pause"
    case newerElsewhere = "newer-elsewhere"
    case journalDeleted = "journal-deleted"
    case ghosts
    case wrongBroker = "wrong-broker"
    case forgedWills = "forged-wills"
    case refusedAnnouncements = "refused-announcements"
    case sameName = "same-name"
    case silentThenKill = "silent-then-kill"
    case upgrade
    case clocksSet = "clocks-set"
    case clocksStill = "clocks-still"
    case gatewayClocks = "gateway-clocks"
    case buffered
}

extension FaultKind {
    /// One line for `--list`.
    package var about: String {
        switch self {
        case .none: "nothing goes wrong"
        case .killActive: "kill -9 of the active gateway, started again later"
        case .killStandby: "kill -9 of a standby, started again later"
        case .killAll: "kill -9 of all gateways at once, within milliseconds of samples; started again"
        case .killAtSpike: "kill -9 of a lone gateway 0 to 5 ms after 90 and, 1 ms later, 51 on every tag; three times"
        case .termOnDelay:
            "SIGTERM and restart of all, one by one, while on-delays run; nothing is published afterwards"
        case .termOffDelay:
            "SIGTERM and restart of all, one by one, while off-delays run; nothing is published afterwards"
        case .pausePulse: "SIGSTOP of all gateways for 0.55 to 0.9 s during a pulse of 100 ms, on-delay 500 ms"
        case .pauseLong: "SIGSTOP of the active gateway for longer than its session"
        case .brokerLinkShort: "one gateway's link to the broker is reset and refused for less than 2 s"
        case .brokerLinkLong: "one gateway's link to the broker is reset and refused for 2.5 to 5 s"
        case .brokerLinkSilent: "one gateway's link to the broker swallows everything for 3 to 6 s"
        case .listeningOnly: "only the active gateway's listening connection is reset and refused"
        case .controlOnly: "only the active gateway's control connection is reset and refused"
        case .treeLink: "the active gateway's link to the tree is reset and refused for up to 1.5 s"
        case .treeLinkOneWay: "the active gateway's link to the tree swallows one direction for 3 to 4 s"
        case .treeBlink: "the tree is away for less than 0.5 s, values arrive meanwhile, nothing afterwards (F3)"
        case .treeKill: "the tree is killed and started again"
        case .treePause: "the tree is paused"
        case .brokerKill: "the broker is killed and started again with what its disk had"
        case .brokerRestart: "the broker is stopped and started again with all that it knew"
        case .brokerAmnesia: "the broker is killed and comes back without any memory (F6)"
        case .brokerPause: "the broker is paused"
        case .newerElsewhere: "tree away, tags change once, their owner is killed, returns; nothing afterwards (F5)"
        case .journalDeleted: "somebody deletes /journal (S10)"
        case .ghosts: "six nodes in /gateways that are no gateways (S3)"
        case .wrongBroker: "a further gateway with a wrong broker address (S4)"
        case .forgedWills: "both gateways' deaths are announced falsely every 0.2 s for 6 s (S8)"
        case .refusedAnnouncements: "the broker refuses announcements for some seconds (B11)"
        case .sameName: "a second gateway with the name of the first (B19)"
        case .silentThenKill: "the active gateway is paused, then the other is killed (F4)"
        case .clocksSet: "half of the devices' clocks are set, ahead or back by 3 s to minutes, once or twice (B01)"
        case .clocksStill: "half of the devices' clocks stand still for 3 to 5 s, then show the right time again"
        case .gatewayClocks:
            "the clocks of some or all gateways are set, by 5 s to 10 years, ahead or back, and right again (B15)"
        case .buffered: "half of the devices keep what they measure for 3 to 8 s and send it with its own times (B17)"
        case .upgrade: "rolling upgrade from --upgrade-from, and back"
        }
    }

    package var setting: Setting {
        switch self {
        case .none: Setting()
        case .killActive: Setting(gateways: 2...3, trees: Setting.outside, canJoin: true)
        case .killStandby: Setting(gateways: 2...3, trees: Setting.outside, canJoin: true)
        case .killAll: Setting(gateways: 2...3, trees: Setting.outside)
        case .killAtSpike: Setting(gateways: 1...1)
        case .termOnDelay, .termOffDelay: Setting(isLast: true)
        case .pausePulse: Setting(isLast: true)
        case .pauseLong: Setting(trees: Setting.outside, canJoin: true)
        case .brokerLinkShort: Setting(brokerLinks: true, canJoin: true)
        case .brokerLinkLong, .brokerLinkSilent: Setting(brokerLinks: true, canJoin: true)
        case .listeningOnly, .controlOnly: Setting(brokerLinks: true)
        case .treeLink, .treeLinkOneWay: Setting(trees: Setting.outside, treeLinks: true, canJoin: true)
        case .treeBlink: Setting(trees: Setting.outside, treeLinks: true, isLast: true)
        case .treeKill, .treePause: Setting(trees: Setting.outside, ownTree: true, canJoin: true)
        case .brokerKill, .brokerRestart: Setting(stopsBroker: true, canJoin: true)
        case .brokerAmnesia: Setting(keepsBroker: false)
        case .brokerPause: Setting(stopsBroker: true, canJoin: true)
        case .newerElsewhere: Setting(gateways: 2...2, trees: Setting.outside, treeLinks: true, isLast: true)
        case .journalDeleted: Setting(hasCommands: false)
        case .ghosts: Setting()
        case .wrongBroker: Setting(gateways: 2...2, trees: Setting.outside)
        case .forgedWills: Setting(gateways: 2...2, trees: Setting.outside)
        case .refusedAnnouncements: Setting(refusable: true)
        case .sameName: Setting(trees: Setting.outside, needsRoot: true)
        case .silentThenKill: Setting(gateways: 2...2, trees: Setting.outside)
        case .upgrade: Setting(gateways: 2...2, trees: Setting.outside, needsOther: true)
        case .clocksSet, .clocksStill, .buffered: Setting()
        // Commands are refused for a minute after that.
        case .gatewayClocks: Setting(hasCommands: false, setsClocks: true)
        }
    }
}
