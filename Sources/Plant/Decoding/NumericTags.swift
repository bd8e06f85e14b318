/// Which tags have numbers, decided once for each tag when its topic is bound.
///
/// On such a tag a number in quotes is a number, and text or a boolean cannot be read: it would leave an alarm blind without
/// anybody being told.
///
/// | the route's payload | numeric |
/// | --- | --- |
/// | `number` | always |
/// | `bool`, `text`, `bytes` | never: the route says what its tags have |
/// | `json`, `cbor`, `lineProtocol`, `sparkplug` | with a deadband greater than zero, a range, or an alarm on the tag |
struct NumericTags: Sendable {
    let rules: TagRules
    /// The tags that alarms watch.
    let alarms: [TopicFilter]

    private func hasDeadband(_ tag: TagPath, of route: RouteDefinition) -> Bool {
        switch route.deadband(of: tag)?.change {
        case nil: false
        case .absolute(let change), .percent(let change): change > 0
        }
    }

    func contain(_ tag: TagPath, of route: RouteDefinition) -> Bool {
        switch route.payload {
        case .number: true
        case .bool, .text, .bytes, .nothing: false
        case .json, .cbor, .lines, .sparkplug:
            hasDeadband(tag, of: route) || rules.traits(of: tag).range != nil
                || alarms.contains { $0.matches(tag) }
        }
    }
}
