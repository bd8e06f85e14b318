package import JSON
package import OrderedCollections

/// What somebody asks of the gateways: the data of `/requests/<principal>/<id>`.
///
///     {"id","kind","by","at","deadline","body":{…}}                  as it is created
///     {…,"answer":{"result","reason","at","gateway",…}}              as it is answered, in place
///
/// Created once, under an id that is not used again; the gateway that is responsible (``responsible``) writes the answer in
/// the transaction that does what was asked for. A request that came over MQTT lies in the gateways' mailbox and says for
/// whom they ask: `onBehalfOf`, and how that name was established; `replyTo` and `correlation` say where its answer goes.
package struct Request: Sendable, Hashable {
    /// What is asked for.
    package enum Body: Sendable, Hashable {
        case alarm(AlarmOperation)
        case command(CommandOrder)
        /// To withdraw a command that has not been sent yet.
        case cancel(command: String, device: TagPath)
        case drain(DrainOrder)
        /// Nothing that this version can do, and why; a later one may, so its members are kept.
        case impossible(kind: String, members: OrderedDictionary<String, JSONValue>, mistake: String)
    }

    /// Where the answer to a request over MQTT is wanted.
    package struct Reply: Sendable, Hashable {
        package var topic: String
        package var correlation: [UInt8]?

        package init(topic: String, correlation: [UInt8]? = nil) {
            self.topic = topic
            self.correlation = correlation
        }

        /// Longest correlation data that is kept, in bytes.
        package static let correlationLimit = 256
    }

    package var id: String
    package var by: String
    /// When it was asked for, by the requester's clock.
    package var at: Milliseconds
    /// After this nobody may act on it, by the same clock.
    package var deadline: Milliseconds?
    package var body: Body
    /// Over MQTT: who asks.
    package var onBehalfOf: Principal?
    package var reply: Reply?
    package var answer: RequestAnswer?

    package init(
        id: String, by: String, at: Milliseconds, deadline: Milliseconds? = nil, _ body: Body,
        onBehalfOf: Principal? = nil, reply: Reply? = nil
    ) {
        self.id = id
        self.by = by
        self.at = at
        self.deadline = deadline
        self.body = body
        self.onBehalfOf = onBehalfOf
        self.reply = reply
    }

    /// For how long a request without a deadline stands: nobody must act on it when the person has long gone.
    static let defaultTime: Milliseconds = 60_000
    /// Longest request, in bytes.
    package static let sizeLimit = 64 * 1024

    /// Why a text cannot be the id of a request; nil when it can. The rule is that of commands, whose requests have the
    /// command's id.
    package static func mistake(inID id: String) -> String? { CommandRecord.mistake(inID: id) }

    /// Whose duty the answer is.
    package enum Responsible: Sendable, Hashable {
        case alarmProcessor
        case shardOwner(Int)
        /// The gateway of that name, whatever it owns.
        case gateway(String)
    }

    package var responsible: Responsible {
        switch body {
        case .alarm, .impossible: .alarmProcessor
        case .command(let order): .shardOwner(ShardMap.shard(of: order.device))
        case .cancel(_, let device): .shardOwner(ShardMap.shard(of: device))
        case .drain(let order): .gateway(order.gateway)
        }
    }

    /// Whether it came on the topic of earlier versions, `linekeeper/<plant>/commands/request`, whose answers have a form of
    /// their own; to go with the next release.
    package var isOfEarlierForm: Bool { onBehalfOf?.established == .claimed }

    /// Whether this asks again for what `earlier` asked for: a repetition, not another request under the same id.
    package func repeats(_ earlier: Request) -> Bool { id == earlier.id && body == earlier.body }

    /// The id of the command that it asks for; nil for other requests. Over MQTT that of the request.
    package var commandID: String? {
        guard case .command(let order) = body else { return nil }
        return order.id ?? id
    }

    /// For how long it may be acted on, in milliseconds. The answering gateway counts from when it has seen the request, so
    /// that a requester whose clock is wrong has as much time as others.
    package var time: Milliseconds { deadline.map { max(0, $0.subtractingClamped(at)) } ?? Self.defaultTime }

    /// The command that it asks for; nil for other requests.
    package func commandRecord(by principal: Principal) -> CommandRecord? {
        guard case .command(let order) = body else { return nil }
        return CommandRecord(
            id: order.id ?? id, device: order.device, command: order.command, parameters: order.parameters,
            by: principal,
            requestedAt: at, deadline: deadline, timeout: order.timeout)
    }
}
