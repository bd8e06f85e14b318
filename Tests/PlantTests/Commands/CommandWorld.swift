import OrderedCollections
import Plant
import Primitives
import SparkplugB
import TestFixtures

/// The world around two desks: what the tree holds, what the devices got.
struct CommandWorld {
    struct Node {
        var record: CommandRecord
        var version: Int32
        let czxid: Int64
    }

    enum Outcome {
        case recorded(CommandTicket, Int32)
        case recordFailed(CommandTicket, CommandWriteFailure)
        case published(CommandTicket, CommandPublishOutcome)
        case seen(String)
        case answer([UInt8], [UInt8])
    }

    struct GatewayState {
        var desk: CommandDesk
        /// Actions not yet performed, and outcomes not yet told.
        var todo: [CommandAction] = []
        var outcomes: [Outcome] = []
        /// The epoch that it believes to have.
        var epoch: Int64?
    }

    var dice: SeededRandom
    let isCalm: Bool
    /// Commands whose end the tree did not take: past their deadline nothing waits for them.
    private var endsRefused: Set<String> = []
    var now: Milliseconds = 0
    var zxid: Int64 = 10
    var nodes: [String: Node] = [:]
    var gateways: [GatewayState]
    /// Who owns the one shard, by the tree's word.
    var owner = 0
    var epoch: Int64 = 5
    var isBrokerUp = true
    var received: [String: Int] = [:]
    /// What each device's tag shows. Every command wants another value, so that it shows whose it is.
    private var shown: [String: Interlock.Reading] = [:]
    /// Commands that their device called successful, and that their device's tag has shown.
    private var praised: Set<String> = []
    private var showed: Set<String> = []
    static let atMostOnce: Set = ["start", "kick", "shownOnce", "bothOnce", "toggle", "writtenOnce"]
    /// Whose end is that they were published.
    static let unanswered: Set = ["tell", "kick", "toggle"]
    var lastFirstReception: [TagPath: Int64] = [:]
    var violations: [String] = []
    var takeovers = 0
    var publishedTwiceIdempotent = 0
    private var created = 0

    init(seed: UInt64, isCalm: Bool = false) {
        dice = SeededRandom(seed: seed)
        self.isCalm = isCalm
        gateways = ["g1", "g2"].map { .init(desk: CommandDesk(gateway: $0, catalogue: DeskFixture.catalogue)) }
        for index in gateways.indices { gateways[index].todo += gateways[index].desk.brokerAvailable(true, at: 0) }
        gateways[0].todo += gateways[0].desk.shardGained(0, epoch: epoch, at: 0)
        gateways[0].epoch = epoch
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &dice) < percent }

    // MARK: Steps

    mutating func step() {
        now += Milliseconds(Int.random(in: 0..<20, using: &dice))
        switch Int.random(in: 0..<100, using: &dice) {
        case 0..<12: createOne()
        case 12..<14 where !isCalm: cancelOne()
        case 14..<16 where !isCalm: takeOver(informOld: chance(50), losesOutcomes: chance(50))
        case 16..<18 where !isCalm: flipBroker()
        case 18..<20 where !isCalm: now += Milliseconds(Int.random(in: 0..<600, using: &dice))
        case 20..<22: repeatTag()
        default: progress()
        }
    }

    /// Performs one action, or tells one outcome, of some gateway.
    mutating func progress() {
        let index = Int.random(in: 0..<2, using: &dice)
        for index in [index, 1 - index] {
            feed(index) { [now] in $0.advance(to: now) }
            if !gateways[index].outcomes.isEmpty, chance(60) || gateways[index].todo.isEmpty {
                // Outcomes of different actions come in any order, what devices and nodes say in theirs.
                tell(gateways[index].outcomes.removeFirst(), to: index)
                return
            }
            if !gateways[index].todo.isEmpty {
                let position = Int.random(in: 0..<gateways[index].todo.count, using: &dice)
                perform(gateways[index].todo.remove(at: position), by: index)
                return
            }
        }
        now += 10
    }

    /// No more faults, and all the time that it takes.
    mutating func settle() {
        if !isBrokerUp { flipBroker() }
        for _ in 0..<80 {
            for _ in 0..<200 { progress() }
            now += 1000
            if nodes.values.allSatisfy({ $0.record.state.isFinal }) { break }
        }
        for (id, node) in nodes where !node.record.state.isFinal {
            violations.append("\(id) never came to an end: \(node.record.json)")
        }
        for (id, node) in nodes { checkClaims(id, node.record) }
    }

    private mutating func createOne() {
        guard nodes.values.filter({ !$0.record.state.isFinal }).count < 12 else { return }
        created += 1
        let command =
            [
                "setSpeed", "start", "slow", "tell", "kick", "shown", "shownOnce", "both", "bothOnce", "toggle",
                "written",
                "writtenOnce",
            ].randomElement(using: &dice) ?? "start"
        create("c\(created)", command)
    }

    mutating func create(_ id: String, _ command: String) {
        zxid += 1
        let device = chance(50) ? DeskFixture.press1 : DeskFixture.press2
        let timeout: Milliseconds = isCalm ? 100_000 : Milliseconds(Int.random(in: 100...3000, using: &dice))
        nodes[id] = Node(
            record: DeskFixture.request(
                id, command, device: device, at: now, timeout: timeout, rpm: Int64(nodes.count + 1)), version: 0,
            czxid: zxid)
        for index in gateways.indices { gateways[index].outcomes.append(.seen(id)) }
    }

    /// A device says again what its tag shows.
    private mutating func repeatTag() {
        guard let tag = shown.keys.sorted().randomElement(using: &dice) else { return }
        shown[tag]?.receivedAt = now
    }

    private mutating func cancelOne() {
        guard let id = nodes.filter({ $0.value.record.state == .requested }).keys.sorted().randomElement(using: &dice)
        else { return }
        nodes[id]?.record.cancelRequestedBy = Principal(claimed: "bob")
        nodes[id]?.version += 1
        for index in gateways.indices { gateways[index].outcomes.append(.seen(id)) }
    }

    private mutating func flipBroker() {
        isBrokerUp.toggle()
        for index in gateways.indices { feed(index) { [isBrokerUp, now] in $0.brokerAvailable(isBrokerUp, at: now) } }
    }

    /// The other gateway gets the shard. The old one may not know for a while; it then goes on as if nothing had happened.
    mutating func takeOver(informOld: Bool, losesOutcomes: Bool) {
        takeovers += 1
        let old = owner
        owner = 1 - owner
        zxid += 1
        epoch = zxid
        if informOld { feed(old) { $0.shardLost(0) } }
        if losesOutcomes {
            gateways[old].todo = []
            gateways[old].outcomes = []
        }
        // The new owner, which may not have noticed yet that it had lost the shard, reads everything afresh before it begins.
        feed(owner) { $0.shardLost(0) }
        let sorted = nodes.sorted { $0.value.czxid < $1.value.czxid }
        for (_, node) in sorted {
            feed(owner) { [now] in $0.seen(node.record, shard: 0, czxid: node.czxid, version: node.version, at: now) }
        }
        gateways[owner].outcomes.removeAll { if case .seen = $0 { true } else { false } }
        gateways[owner].epoch = epoch
        feed(owner) { [epoch, now] in $0.shardGained(0, epoch: epoch, at: now) }
        if losesOutcomes { feed(old) { $0.shardLost(0) } }
    }

    // MARK: Doing what the desks ask

    private mutating func feed(_ index: Int, _ input: (inout CommandDesk) -> [CommandAction]) {
        gateways[index].todo += input(&gateways[index].desk)
    }

    private mutating func tell(_ outcome: Outcome, to index: Int) {
        switch outcome {
        case .recorded(let ticket, let version): feed(index) { [now] in $0.recorded(ticket, version: version, at: now) }
        case .recordFailed(let ticket, let failure): feed(index) { [now] in $0.recordFailed(ticket, failure, at: now) }
        case .published(let ticket, let result): feed(index) { [now] in $0.published(ticket, result, at: now) }
        case .answer(let topic, let payload):
            feed(index) { [now] in $0.answerReceived(topic: topic, payload: payload, at: now) }
        case .seen(let id):
            guard let node = nodes[id] else { return }
            feed(index) { [now] in $0.seen(node.record, shard: 0, czxid: node.czxid, version: node.version, at: now) }
        }
    }

    private mutating func perform(_ action: CommandAction, by index: Int) {
        switch action {
        case .resync: break
        case .judge(let ticket, let tags, let address):
            let isHeard = isCalm || chance(80)
            let metric = address.map { address in
                MetricSight(isHeard ? .named(.double, tag: Self.tag(of: address)) : .unborn) { shown[$0.text] }
            }
            feed(index) { [now, shown] in
                $0.judged(ticket, readings: tags.map { shown[$0] }, metric: metric, at: now)
            }
        case .read(let id): gateways[index].outcomes.append(.seen(id))
        case .record(let write): record(write, by: index)
        case .publish(let publication): publish(publication, by: index)
        }
    }

    /// The tag of the metric that a command writes: the one that shows all commands.
    private static func tag(of address: MetricAddress) -> TagPath? {
        let levels = address.topic.split(separator: "/")
        return try? TagPath("\(levels[1])/\(levels[3])/\(levels[4])/rpm")
    }

    private mutating func record(_ write: CommandWrite, by index: Int) {
        let id = write.ticket.id
        guard let node = nodes[id] else { return gateways[index].outcomes.append(.recordFailed(write.ticket, .gone)) }
        let isLost = !isCalm && chance(10)
        guard write.epoch == epoch, index == owner else {
            return gateways[index].outcomes.append(.recordFailed(write.ticket, .unclear))
        }
        if isLost, chance(50) { return gateways[index].outcomes.append(.recordFailed(write.ticket, .unclear)) }
        guard node.version == write.expectedVersion else {
            return gateways[index].outcomes.append(.recordFailed(write.ticket, .outdated))
        }
        if !isCalm, chance(1) {
            if write.record.state.isFinal { endsRefused.insert(id) }
            return gateways[index].outcomes.append(.recordFailed(write.ticket, .refused))
        }
        if node.record.state.isFinal { violations.append("\(id) was written after its end: \(write.record.json)") }
        nodes[id]?.record = write.record
        nodes[id]?.version += 1
        gateways[1 - index].outcomes.append(.seen(id))
        if isLost {
            gateways[index].outcomes.append(.recordFailed(write.ticket, .unclear))
        } else {
            gateways[index].outcomes.append(.recorded(write.ticket, node.version + 1))
        }
    }

    private mutating func publish(_ publication: CommandPublication, by index: Int) {
        // The shell's lease no longer lets it out, or time is up.
        guard publication.epoch == epoch, index == owner, now < publication.deadline else {
            return gateways[index].outcomes.append(.published(publication.ticket, .notSent("too late")))
        }
        guard isBrokerUp else {
            return gateways[index].outcomes.append(.published(publication.ticket, .notSent("no connection")))
        }
        if !isCalm, chance(15) {
            if chance(50) { deliver(publication) }
            return gateways[index].outcomes.append(.published(publication.ticket, .unclear("reset")))
        }
        if !isCalm, chance(5) {
            return gateways[index].outcomes.append(.published(publication.ticket, .noSubscribers))
        }
        deliver(publication)
        gateways[index].outcomes.append(.published(publication.ticket, .acknowledged))
    }

    private mutating func deliver(_ publication: CommandPublication) {
        let id = publication.ticket.id
        guard let node = nodes[id] else { return }
        let count = received[id, default: 0] + 1
        received[id] = count
        if Self.atMostOnce.contains(node.record.command) {
            if count > 1 { violations.append("\(id) (at most once) reached its device \(count) times") }
            if node.record.state != .sent { violations.append("\(id) (at most once) left before SENT was recorded") }
        } else if count > 1 {
            publishedTwiceIdempotent += 1
        }
        let waitsFor = nodes.first { other in
            other.value.record.device == node.record.device && other.value.czxid < node.czxid
                && other.value.record.state == .sent
                && ["start", "shownOnce", "bothOnce", "writtenOnce"].contains(other.value.record.command)
                && !(endsRefused.contains(other.key) && now >= other.value.record.deadline ?? .max)
        }
        if let waitsFor { violations.append("\(id) left while \(waitsFor.key) was in flight") }
        if count == 1 {
            let device = node.record.device
            if let last = lastFirstReception[device], last > node.czxid {
                violations.append("\(id) overtook an older command")
            }
            lastFirstReception[device] = node.czxid
        }
        if isCalm || chance(80), let value = node.record.parameters["rpm"].flatMap(TagValue.init(json:)) {
            shown["\(node.record.device)/rpm"] = .init(value: value, quality: .good, receivedAt: now)
            showed.insert(id)
        }
        guard publication.message.answerTopic != nil, isCalm || chance(85) else { return }
        let isPraise = isCalm || chance(80)
        if isPraise { praised.insert(id) }
        let answer = DeskFixture.answer(id, isPraise ? "ok" : "error")
        let topic = DeskFixture.ackTopic(node.record.device)
        for index in gateways.indices {
            // An answer may come before the acknowledgement, or twice.
            gateways[index].outcomes.insert(.answer(topic, answer), at: chance(50) ? 0 : gateways[index].outcomes.count)
            if chance(10) { gateways[index].outcomes.append(.answer(topic, answer)) }
        }
    }

    /// A record must not say what is not so.
    private mutating func checkClaims(_ id: String, _ record: CommandRecord) {
        let count = received[id, default: 0]
        let isOnce = Self.atMostOnce.contains(record.command)
        if record.verification == .verified, !showed.contains(id) {
            violations.append("\(id) is VERIFIED, and its tag never showed it: \(record.json)")
        }
        let wasNot: Bool
        switch record.state {
        case .rejected, .cancelled, .expired: wasNot = isOnce || record.detail?.contains("former owner") != true
        case .failed: wasNot = record.reason != .device && (isOnce || record.detail?.contains("former owner") != true)
        case .succeeded:
            wasNot = false
            if count == 0 { violations.append("\(id) SUCCEEDED without having reached its device") }
            let hasWord = record.reason == .device && praised.contains(id)
            if !hasWord, record.reason != .verified || record.verification != .verified {
                violations.append("\(id) SUCCEEDED, and neither device nor tag said so: \(record.json)")
            }
        case .published:
            wasNot = false
            if !Self.unanswered.contains(record.command) || count == 0 {
                violations.append("\(id) is PUBLISHED: \(record.json)")
            }
        case .requested, .sent, .timedOut, .unknown: wasNot = false
        }
        if wasNot, count > 0 { violations.append("\(id) reached its device, and its record denies it: \(record.json)") }
    }
}
