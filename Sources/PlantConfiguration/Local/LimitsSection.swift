/// Reads the section `limits`.
enum LimitsSection {
    static func read(_ value: ConfigurationValue) -> GatewayLimits {
        var limits = GatewayLimits()
        guard
            let section = value.section(keys: [
                "maxTopics", "maxTags", "maxPayload", "inboxMessages", "inboxBytes", "maxInFlightPublishes",
                "historyEntries", "historyAge", "requestsPerMinute",
            ])
        else { return limits }
        limits.maxTopics = section["maxTopics"]?.integer(in: 1...10_000_000) ?? limits.maxTopics
        limits.maxTags = section["maxTags"]?.integer(in: 1...10_000_000) ?? limits.maxTags
        limits.maxPayload = section["maxPayload"]?.size(in: 64...(256 << 20)) ?? limits.maxPayload
        limits.inboxMessages = section["inboxMessages"]?.integer(in: 100...10_000_000) ?? limits.inboxMessages
        limits.inboxBytes = section["inboxBytes"]?.size(in: (1 << 16)...(4 << 30)) ?? limits.inboxBytes
        limits.maxInFlightPublishes =
            section["maxInFlightPublishes"]?.integer(in: 1...1000) ?? limits.maxInFlightPublishes
        limits.requestsPerMinute = section["requestsPerMinute"]?.integer(in: 1...1_000_000) ?? limits.requestsPerMinute
        limits.historyEntries = section["historyEntries"]?.integer(in: 100...1_000_000) ?? limits.historyEntries
        limits.historyAge =
            section["historyAge"]?.duration(in: .seconds(60) ... .seconds(366 * 86400)) ?? limits.historyAge
        return limits
    }
}
