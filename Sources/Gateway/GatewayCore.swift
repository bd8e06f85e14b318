import Logging
import MQTT
import OrderedCollections
import Plant
import PlantClient
import PlantConfiguration
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperRecipes

/// Everything of a gateway between its tree client and its broker connections, wired together.
///
/// It waits for the tree, reads from it what it must know before it may act (latest values, devices, alarm records, what
/// the journal says has been delivered), and only then listens to the broker; until it has subscribed, the broker keeps
/// its messages in the gateway's persistent session.
struct GatewayCore: Service {
    private let local: LocalConfiguration
    private let definition: PlantDefinition
    private let client: ZooKeeperClient
    private let logger: Logger
    private let identity: GatewayIdentity
    private let counters = GatewayCounters()
    private let clock = GatewayClock.system
    private let known = KnownRecords()
    private let announcements: AnnouncementBoard
    private let deliveries: DeliveryBoard
    private let health: FailureBoard
    private let plant: PlantState
    private let publisher: MQTTClient
    private let subscriber: MQTTClient
    /// nil when nothing is observed beside the routes.
    private let observer: MQTTClient?
    private let takeover: FastTakeover
    private let gate: AcknowledgementGate
    private let spool: TransitionSpool

    private let echoTopic: String
    private let wakes: ServiceWakes

    init(
        local: LocalConfiguration, definition: PlantDefinition, client: ZooKeeperClient, logger: Logger
    ) throws {
        self.local = local
        self.definition = definition
        self.client = client
        self.logger = logger
        identity = .ofThisProcess(
            gateway: local.gateway, version: Gateway.version, started: clock.wall())
        let marks = Wake()
        announcements = AnnouncementBoard(marks: marks, clock: clock)
        deliveries = DeliveryBoard(channels: [announcements], marks: marks)
        wakes = ServiceWakes(deliveries: deliveries.wakes)
        takeover = FastTakeover(client: client, gateway: local.gateway, clock: clock, logger: logger)
        let answerFilters = try definition.answerFilters()
        echoTopic = Hearing<MQTTClient>.topic(plant: local.plant, gateway: identity.gateway)
        let observation = Observation(local, definition, answerFilters: answerFilters)
        plant = try PlantState(
            definition, limits: local.limits, answerFilters: answerFilters, echoTopic: echoTopic,
            observation: observation, clock: clock, logger: logger)
        let connections = BrokerConnections(local: local, identity: identity)
        publisher = MQTTClient(
            configuration: try connections.publishing(),
            subscriptions: ControlChannel.subscriptions(plant: local.plant), logger: logger)
        let subscriber = MQTTClient(
            configuration: try connections.listening(),
            subscriptions: BrokerConnections.subscriptions(
                routes: definition.routes, answerFilters: answerFilters, echoTopic: echoTopic),
            logger: logger)
        self.subscriber = subscriber
        observer =
            observation.filters.isEmpty
            ? nil
            : MQTTClient(
                configuration: try connections.observing(), subscriptions: observation.subscriptions, logger: logger)
        health = FailureBoard(
            isTreeAway: { [client] in !client.isConnected },
            isBrokerAway: { !subscriber.connectionState.isConnected }, clock: clock, logger: logger)
        let gate = AcknowledgementGate { subscriber.acknowledge(through: $0) }
        self.gate = gate
        spool = TransitionSpool(
            folder: TransitionSpool.folder(local.stateFolder, plant: local.plant, gateway: local.gateway), plant: plant,
            isTreeAway: { [client] in !client.isConnected }, kept: { gate.passed(.alarms, through: $0) },
            health: health, clock: clock, logger: logger)
    }

    func run() async throws {
        let journal = Journal(
            client: client, known: known, board: deliveries, health: health, clock: clock, logger: logger,
            recorded: { [plant, wakes, own = local.gateway] record, gateway in
                plant.transitionRecorded(record, isOurs: gateway == own, by: gateway)
                wakes.alarms.wake()
            },
            forgotten: { [plant, wakes] forgotten in
                plant.forget(forgotten)
                // What is alive is written again.
                wakes.mirror.wake()
                wakes.devices.wake()
            })
        do {
            try await cancelWhenGracefulShutdown { try await prepare(journal) }
        } catch is CancellationError {
            return
        }
        try await ServiceGroup(
            configuration: .init(
                services: try services(journal).map {
                    .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
                }, logger: logger)
        ).run()
    }

    /// Why there is no connection to the tree, and what to do.
    private var treeFailure: String? {
        client.lastFailure.map { TreeAdvice.text($0, hasTLS: local.tree.access.tls != nil) }
    }

    /// Waits for the tree and takes from it what must be known before anything is done.
    private func prepare(_ journal: Journal) async throws {
        while true {
            do {
                _ = try await client.waitUntilConnected(timeout: .seconds(5))
                try await client.ensureChroot()
                let seed = TreeSeed(client: client, outsiders: OutsiderLog(logger, clock: clock), logger: logger)
                try await seed.makeRoots()
                try await takeover.removeOwnLeftovers(of: identity)
                clock.watch.started(after: try await journal.prime())
                try await seed.read(into: plant)
                await spool.resume()
                return
            } catch let error where !(error is CancellationError) {
                logger.warning(
                    "waiting for the tree",
                    metadata: [
                        "tree": "\(local.tree.connectString)",
                        "error": "\(client.isConnected ? "\(error)" : treeFailure ?? "\(error)")",
                    ])
                try await clock.sleep(.milliseconds(500))
            }
        }
    }

    /// The services in order of start; they stop in the opposite order, so that nothing acts as an owner after it has
    /// given its locks up, and no lock is given up before what it guards has been written.
    private func services(_ journal: Journal) throws -> [any Service] {
        let identity = identity
        let registration = GatewayRecord(
            identity: identity, isReady: false, isSettled: false, routesDigest: RoutesDigest.of(definition.routes),
            weight: local.weight)
        let membership = Membership(
            client: client, path: TreeLayout.gateways, name: identity.gateway, data: registration.serialized(),
            mayReplace: { identity.provesDeath(of: $0) }, logger: logger)
        let shards = ShardOwnership(client: client, gateway: identity.gateway, clock: clock, logger: logger)
        let (termReturns, shardReturns) = (Wake(), Wake())
        let catchUp = ShardCatchUp(
            client: client, plant: plant, shards: shards, health: health, clock: clock,
            followRemovals: { try await journal.catchUp() }, caughtUp: { shardReturns.wake() })
        let election = LeaderElection(
            client: client, path: TreeLayout.alarmProcessor, identity: Array(identity.gateway.utf8), logger: logger)
        election.setStanding(false)
        let hearing = Hearing(
            source: subscriber, publisher: publisher, topic: echoTopic,
            times: .init(hungAfter: local.mqtt.echoTimeout),
            brokers: local.mqtt.brokers.count,
            areApart: { [subscriber, publisher] in
                BrokerConnections.areApart(subscriber: subscriber, publisher: publisher)
            },
            hung: { [subscriber, publisher] in
                BrokerConnections.leave(subscriber: subscriber, publisher: publisher, because: $0, time: $1)
            }, clock: clock)
        let ownership = OwnershipService(
            client: client, record: registration, membership: membership,
            link: BrokerLinkState(
                subscriber: { [subscriber] in subscriber.subscriptionUpdates() },
                publisher: { [publisher] in publisher.connectionUpdates() }, silence: { hearing.silence }),
            hands: .init(
                want: { shards.want($0) }, standForProcessor: { election.setStanding($0) },
                connect: { [subscriber, publisher, observer] mayConnect in
                    for client in [subscriber, publisher, observer].compactMap(\.self) {
                        mayConnect ? client.resume() : client.suspend()
                    }
                },
                membersSeen: { [takeover, plant] in
                    takeover.membersSeen($0)
                    plant.membersSeen($0)
                }), health: health, clock: clock, logger: logger)
        takeover.lookUp { ownership.candidates(ofSession: $0) }
        let eagerness = ElectedLink(
            elected: { election.events() },
            connectNow: { [subscriber, publisher] in
                subscriber.reconnectNow()
                publisher.reconnectNow()
            })
        let outsiders = OutsiderLog(logger, clock: clock)
        let commandAnnouncer = CommandAnnouncer(
            publisher: publisher, topics: CommandTopics(plant: local.plant), health: health, clock: clock)
        let replies = RequestReplies(
            announcer: commandAnnouncer, plant: local.plant,
            allowed: ReplyTopics(
                prefix: local.mqtt.replyPrefix, routes: definition.routes, commands: definition.commands),
            outsiders: outsiders, clock: clock)
        let (requestTurns, drainTurns) = (Wake(), Wake())
        let mailboxes = Mailboxes(
            client: client, gateway: identity.gateway, replies: replies, alarms: wakes.alarms, commands: requestTurns,
            own: drainTurns, health: health, clock: clock, logger: logger)
        let processor = AlarmProcessor(
            client: client, election: election, gateway: identity.gateway, plant: plant,
            definitions: definition.alarms + GatewayFault.alarms, journal: journal, known: known,
            board: announcements, mailboxes: mailboxes, gate: gate, turns: wakes.alarms, counters: counters,
            health: health, clock: clock,
            logger: logger, term: termReturns)
        let topics = AlarmTopics(plant: local.plant)
        let announcer = Announcer(
            board: announcements, publisher: publisher, topics: topics, lease: { processor.announcingLease },
            health: health, clock: clock, logger: logger)
        let marker = DeliveryMarker(
            client: client, board: deliveries, lease: { processor.announcingLease },
            writing: { try await journal.writing($0) }, counters: counters, health: health, clock: clock, logger: logger
        )
        let retained = RetainedRecords(
            client: client, broker: publisher, board: announcements, known: known, topics: topics,
            gateway: identity.gateway, session: { [subscriber] in subscriber.connectionUpdates() },
            turns: wakes.retained,
            term: { processor.lease?.token }, lease: { processor.announcingLease }, health: health, clock: clock,
            logger: logger)
        let devices = DeviceKeeper(
            client: client, gateway: identity.gateway, plant: plant, owned: { shards.owned() }, turns: wakes.devices,
            health: health, clock: clock)
        let mirror = TagMirror(
            client: client, plant: plant, shards: catchUp, gate: gate, turns: wakes.mirror,
            spacing: local.flushSpacing, counters: counters, health: health, clock: clock, logger: logger)
        let commands = CommandService(
            client: client, publisher: publisher,
            configuration: .init(
                plant: local.plant, gateway: identity.gateway, definitions: definition.commands),
            announcer: commandAnnouncer, mailboxes: mailboxes, requestTurns: requestTurns,
            reading: { [plant] tag in
                var reading = plant.interlockReading(of: tag)
                if let received = reading?.receivedAt, received < hearing.heardSince ?? .max {
                    reading?.isHeard = false
                }
                return reading
            }, metric: { [plant] address in plant.metric(at: address) }, health: health, clock: clock, logger: logger)
        // Handed over only once no command is half sent, and what the tree and the broker have of it is written.
        shards.settleFirst { await commands.settle($0, answersWithin: ShardOwnership.drainLimit) }
        shards.beforeRelease { shard in
            await catchUp.waitUntilWritable(shard)
            await mirror.drain(1 << UInt64(shard), atMost: ShardOwnership.drainLimit)
        }
        var requestLimits = RequestQueue.Limits()
        requestLimits.perMinute = local.limits.requestsPerMinute
        let door = RequestDoor(
            client: client, gateway: identity.gateway, mailboxes: mailboxes, replies: replies,
            hands: .init(
                isResponsible: { responsible in
                    switch responsible {
                    case .alarmProcessor: processor.lease != nil
                    case .shardOwner(let shard): commands.owns(shard: shard)
                    case .gateway(let name): name == identity.gateway && ownership.holdsName
                    }
                }, tellAgain: { await commands.tellAgain($0) }),
            limits: requestLimits, clock: clock, outsiders: outsiders)
        let drains = DrainRequests(
            client: client, gateway: identity.gateway, mailboxes: mailboxes,
            hands: .init(
                holdsName: { ownership.holdsName }, isDraining: { ownership.isDraining },
                isStopping: { ownership.isStopping }, leave: { ownership.leave() }, stay: { ownership.stay() },
                transact: { [client] in _ = try await client.transaction($0) }),
            turns: drainTurns, clock: clock, outsiders: outsiders)
        let leave = PlannedLeave(
            leave: { ownership.stop() }, departure: { ownership.departure },
            isTreeConnected: { [client] in client.isConnected }, clock: clock, logger: logger)
        let ingest = IngestLoop(
            source: subscriber, plant: plant, hearing: hearing, gate: gate, wakes: wakes,
            isTreeConnected: { [client] in client.isConnected }, isKeptOnDisk: { [spool] in spool.takesUp() },
            answer: { commands.offer(topic: $0, payload: $1, correlation: $2) },
            pendingHold: local.tree.sessionTimeout * 3 + .seconds(3), isActive: { processor.lease != nil },
            isAlone: { !ownership.isAnotherReady }, clock: clock, logger: logger)
        let rebirths = RebirthRequester(
            plant: plant, publisher: publisher, isActive: { processor.lease != nil }, clock: clock)
        let edgeFilters = Set(
            definition.routes.filter { $0.payload == .sparkplug }.flatMap { $0.subscriptionFilters.map(\.description) })
        let host = definition.sparkplug.flatMap { definition in
            SparkplugHost(
                definition: definition,
                hands: .init(
                    lease: { processor.lease },
                    place: { [subscriber, publisher] in
                        BrokerConnections.place(subscriber: subscriber, publisher: publisher, hearing: edgeFilters)
                    },
                    configuration: { [local, identity] broker, will in
                        try BrokerConnections(local: local, identity: identity).hosting(at: broker, will: will)
                    }),
                timestamps: HostTimestamps(
                    client: client, host: definition, gateway: identity.gateway, outsiders: outsiders),
                health: health, clock: clock, logger: logger)
        }
        let missed = MissedValues(
            source: subscriber, client: client, plant: plant, owned: { shards.owned().mask },
            beganAnew: { ownership.sessionBeganAnew() },
            failures: health.log(
                .missed, began: "values that only others have heard cannot be read",
                ended: "values that only others have heard are read again"),
            clock: clock)
        let returns = Returns(
            wakes: wakes, tree: { [client] in client.stateUpdates() },
            broker: [
                { [subscriber] in subscriber.connectionUpdates() }, { [publisher] in publisher.connectionUpdates() },
            ],
            term: termReturns, shards: shardReturns)
        let control = ControlChannel(
            publisher: publisher, plant: local.plant, identity: identity,
            takeover: takeover,
            request: { door.offer(topicOf: $0, payload: $1, properties: $2) },
            retained: { retained.heard(topic: $0, payload: $1, isRetained: $2) }, logger: logger)
        shards.observe { [plant] change in
            switch change {
            case .gained(let shard, let lease):
                plant.shardGained(shard)
                commands.shardGained(shard, lease: lease)
                catchUp.wake()
                shardReturns.wake()
            case .lost(let shard):
                commands.shardLost(shard)
            }
        }
        let retention = HistoryRetention(local.limits)
        let retentionService = RetentionService(
            trimmer: HistoryTrimmer(
                client: client, retention: retention, channels: deliveries.names, clock: clock, logger: logger),
            client: client,
            capacity: retention.count, counts: { [journal.count, commands.knownCount] }, lease: { processor.lease },
            health: health, clock: clock, logger: logger)
        let watch = HealthWatch(
            sights: .init(
                tree: { [client] in client.state }, treeFailure: { treeFailure },
                listening: { [subscriber] in subscriber.connectionState },
                publishing: { [publisher] in publisher.connectionState },
                subscriptions: { [subscriber] in subscriber.subscriptionStatus },
                observingFailure: { [observer] in
                    observer.flatMap { $0.subscriptionStatus.failure(on: $0.connectionState) }
                },
                retainsMessages: { [publisher] in publisher.brokerRetainsMessages }, isSilent: { hearing.isSilent },
                fullTables: { [plant] in plant.fullTables },
                shed: { [subscriber] in
                    (
                        subscriber.statistics.droppedInboxFull,
                        subscriber.shedTopics.prefix(3).map { "\($0.topic) (\($0.messages))" }
                    )
                }), health: health, clock: clock)
        let hostNumbers = { @Sendable in host?.numbers ?? [] }
        let (digest, observed) = (definition.digest, local.mqtt.observe)
        let status = StatusReporter(
            client: client, gateway: identity.gateway,
            record: { [plant, subscriber, publisher, announcements, health, counters] now in
                let reported = health.reported
                return GatewayStatusRecord(
                    gateway: identity.gateway, life: identity.life, at: now,
                    broker: "\(subscriber.connectionState)", brokerSince: watch.brokerSince,
                    brokerAddresses: BrokerConnections.addresses(subscriber: subscriber, publisher: publisher),
                    configurationDigest: digest, problems: reported.problems,
                    untried: reported.untried, recovered: health.recovered,
                    counters: .init(
                        (plant.numbers + BrokerConnections.numbers(subscriber: subscriber, publisher: publisher)
                            + commands.numbers + mailboxes.numbers + door.numbers + announcements.numbers + counters.all
                            + hostNumbers())
                            .map { ($0.name, $0.value) },
                        uniquingKeysWith: { $1 }),
                    unrouted: UnroutedReport(observed: observed, plant.unrouted))
            }, holdsName: { ownership.holdsName }, health: health, clock: clock)
        let follower = StatusFollower(
            client: client, plant: plant, wakes: wakes, health: health, clock: clock, logger: logger)
        // This runs once the tree has been read, so the gateway is ready; without its broker it is still worth keeping.
        let systemd = SystemdLifecycle(
            notifier: SystemdNotifier(environment: HostProcess.environment, processID: HostProcess.id), clock: clock,
            logger: logger, isHealthy: { [plant] in plant.hasAdvanced(within: .seconds(10)) },
            becomeReady: {})
        // Stops while the lease and the tree are still there: a lone gateway says that the host is offline, and keeps when.
        let hosting: [any Service] = host.map { [$0] } ?? []
        // The reader stops before its connection: without one it would end before it is asked to.
        let observing: [any Service] = observer.map { [$0, TopicObserver(source: $0, plant: plant)] } ?? []
        return [
            publisher, control, journal, membership, election, shards, ownership, eagerness, spool, processor, marker,
            announcer, retained, retentionService, devices, mirror, ingest, hearing, missed, returns, subscriber,
            commands, mailboxes, door, drains, rebirths, watch, status, follower, systemd,
        ] + hosting + observing + [leave]
    }
}
