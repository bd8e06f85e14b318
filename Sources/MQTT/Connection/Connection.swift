import CMosquitto
import Glibc
import Logging
import Synchronization

/// One attempt to connect, and the connection that comes of it: a handle and the loop that drives it.
///
/// Used on the connection's thread only. Phases:
/// - `connecting`: until the broker's answer. To `established`, or the end.
/// - `established`: messages flow. To `draining` when the client is stopped or suspended, or gives the connection up with a
///   goodbye; to the end at once when it gives it up without.
/// - `draining`: no new publishes; those under way are waited for, then goodbye. To the end.
final class Connection {
    private enum Phase: Equatable {
        case connecting(until: ContinuousClock.Instant)
        case established
        case draining(until: ContinuousClock.Instant, reason: MQTTDisconnection)
    }

    /// How much is read before the consumer, publishes and acknowledgements get their turn.
    private static let burstMessages = 512
    private static let burstBytes = 1_024 * 1_024
    private static let miscInterval: Duration = .milliseconds(500)
    /// How many acknowledgements are worth it to be sent as one segment.
    private static let corkFrom = 8
    /// How often a full inbox is looked at: a consumer that takes a batch does not wake the thread.
    private static let pauseCheck: Duration = .milliseconds(5)

    private let core: ClientCore
    private let session: ConnectionSession
    private let broker: MQTTBroker
    private let handle: MosquittoHandle
    private var phase: Phase
    /// When the network's part of connecting must be over.
    private let networkDeadline: ContinuousClock.Instant
    private var inFlight: [Int32: PublishSlot] = [:]
    private var unanswered: [Int32: MQTTSubscription] = [:]
    private var publishLimit: Int
    /// Whether the broker is asked to retain messages.
    private var mayRetain: Bool
    /// Whether the socket's `connect` is still under way.
    private var isTCPConnecting = true
    /// The last burst stopped at its limit: there is more to read, perhaps in the TLS layer where `poll` does not see it.
    private var hasMoreToRead = false
    /// The rounds of one turn were not enough for the publishes that wait.
    private var hasMorePublishes = false
    /// When messages were last handed over.
    private var lastHandOver: ContinuousClock.Instant?
    /// Acknowledgements that lie in the library's queue since the last time it was written.
    private var acknowledgementsQueued = 0
    private var pausedUntil: ContinuousClock.Instant?
    private var nextMisc: ContinuousClock.Instant = .now

    /// When the broker accepted us; nil when it never did.
    private(set) var connectedSince: ContinuousClock.Instant?
    /// Whether the broker that accepted us had kept a session.
    private(set) var sessionPresent = false
    /// Whether somebody answered at the address.
    private(set) var reachedBroker = false

    /// - Parameters:
    ///   - attempt: the broker, and whether it is to forget what it has kept.
    ///   - retains: whether the broker is asked to retain anything; false for one that refuses that.
    init(core: ClientCore, session: ConnectionSession, attempt: BrokerChoice.Attempt, retains: Bool) throws {
        self.core = core
        self.session = session
        broker = attempt.broker
        var configuration = core.configuration
        configuration.broker = attempt.broker
        configuration.cleanStart = configuration.cleanStart || attempt.forgetsSession
        handle = try MosquittoHandle(configuration, retains: retains)
        mayRetain = retains
        let now = ContinuousClock.now
        phase = .connecting(until: now + core.configuration.connectTimeout)
        networkDeadline = now + core.configuration.networkTimeout
        publishLimit = core.configuration.maxInFlightPublishes
    }

    /// Connects and works until the connection ends; says why it did.
    func serve(onlyIPv4: Bool) -> MQTTDisconnection {
        let code = handle.connect(onlyIPv4: onlyIPv4)
        let reason = code > 0 ? handle.disconnection(code) : turns()
        end()
        return reason
    }

    private func turns() -> MQTTDisconnection {
        while true {
            if let reason = turn() { return reason }
        }
    }

    /// One round: requests, writing, reading. The reason when the connection has ended.
    private func turn() -> MQTTDisconnection? {
        var now = ContinuousClock.now
        let requests = core.outbox.takeRequests()
        session.hold.acknowledged(through: requests.acknowledgedThrough)
        changeSubscriptions(requests.subscriptionChanges)
        if requests.stop || requests.isSuspended,
            let reason = beginDraining(requests.stop ? .stopped : .suspended, now: now)
        {
            return reason
        }
        // Meant for the connection that stood when it was asked for: one that is being made is not it.
        if let departure = requests.giveUp, phase == .established {
            guard departure.saysGoodbye else { return .givenUp(departure.why) }
            // The other connection must not follow this one to the broker that it leaves.
            core.configuration.companions?.left(core)
            _ = beginDraining(.givenUp(departure.why), now: now)
        }
        expirePublishes(requests, now: now)

        let decision = session.hold.decision(now: now)
        switch decision {
        case .hold: break
        case .write, .writeOverdue:
            if let reason = write(overdue: decision == .writeOverdue) { return reason }
        }
        if now >= nextMisc {
            let code = handle.misc()
            if code != MOSQ_ERR_SUCCESS.code { return handle.disconnection(code) }
            nextMisc = now + Self.miscInterval
        }
        switch phase {
        case .connecting(let until) where now >= until || (isTCPConnecting && now >= networkDeadline):
            return .timedOut(reachedBroker ? "the broker's answer" : "connecting")
        case .draining(let until, let reason):
            let isDrained = inFlight.isEmpty && !requests.hasPublishes && decision == .write
            if isDrained || now >= until {
                sayGoodbye()
                return reason
            }
        case .connecting, .established: break
        }

        let readiness = waitForWork(decision: decision, requests: requests, now: now)
        now = .now
        if let reason = readiness.failure { return reason }
        guard readiness.canRead else { return nil }
        if let reason = read(now: now) { return reason }
        // The TLS layer keeps silent about a connection that dies during the handshake.
        if readiness.isBroken, case .connecting = phase { return handle.disconnection(MOSQ_ERR_CONN_LOST.code) }
        return nil
    }

    /// The connection is over: whoever waits learns of it.
    private func end() {
        core.configuration.companions?.left(core)
        let waiting = core.outbox.close()
        for slot in waiting { slot.finish(.failure(MQTTError.notConnected)) }
        let lost = inFlight.values
        inFlight = [:]
        for slot in lost { slot.finish(.failure(MQTTError.connectionLost)) }
        let failures = UInt64(waiting.count + lost.count)
        core.statistics.withLock { statistics in
            statistics.publishFailures &+= failures
            statistics.publishesInFlight = 0
        }
        core.subscriptionStatus.set(MQTTSubscriptionStatus())
        // The acknowledgements that were held died with the connection; the broker delivers those messages again.
        session.hold.released()
    }
}

// MARK: - Waiting

extension Connection {
    private func waitForWork(
        decision: AcknowledgementHold.Decision, requests: Outbox.Requests, now: ContinuousClock.Instant
    ) -> (canRead: Bool, isBroken: Bool, failure: MQTTDisconnection?) {
        var wakeAt = nextMisc
        var mayRead = true
        var mayWrite = true
        if case .hold(let until, let read) = decision {
            wakeAt = min(wakeAt, until)
            mayRead = read
            mayWrite = false
        }
        if let until = pausedUntil, until > now {
            if session.pressure.isOutdated(taken: core.inbox.taken) {
                pausedUntil = nil
            } else {
                wakeAt = min(wakeAt, now + Self.pauseCheck)
                mayRead = false
            }
        }
        if let lastHandOver, !hasMoreToRead, lastHandOver + core.configuration.batchInterval > now {
            wakeAt = min(wakeAt, lastHandOver + core.configuration.batchInterval)
            mayRead = false
        }
        switch phase {
        case .connecting(let until): wakeAt = min(wakeAt, isTCPConnecting ? min(until, networkDeadline) : until)
        case .draining(let until, _):
            wakeAt = min(wakeAt, until)
            // Only the answers to our own publishes are still of interest.
            if inFlight.isEmpty { mayRead = false }
        case .established: break
        }
        if let deadline = requests.earliestDeadline { wakeAt = min(wakeAt, deadline + .milliseconds(1)) }

        var events: Int16 = 0
        if isTCPConnecting {
            events = Int16(POLLOUT)
        } else {
            if mayRead { events |= Int16(POLLIN) }
            if mayWrite, handle.wantsToWrite, connectedSince != nil { events |= Int16(POLLOUT) }
        }
        var descriptors = (
            pollfd(fd: core.wake.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: handle.socket, events: events, revents: 0)
        )
        let timeout =
            (hasMoreToRead && mayRead) || (hasMorePublishes && mayWrite) ? Int64(0) : (wakeAt - now).pollNanoseconds
        withUnsafeMutablePointer(to: &descriptors) { pointer in
            pointer.withMemoryRebound(to: pollfd.self, capacity: 2) { _ = cmosquitto_poll($0, 2, timeout) }
        }
        if descriptors.0.revents != 0 { core.wake.drain() }
        let revents = descriptors.1.revents
        let isBroken = revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0

        if isTCPConnecting {
            guard revents != 0 else { return (false, false, nil) }
            // The TLS layer has written already, and may have taken the socket's error with it.
            let pending = handle.pendingSocketError()
            let number = pending == 0 && isBroken ? ECONNREFUSED : pending
            guard number == 0 else {
                return (false, true, .network(code: number, text: String(cString: strerror(number))))
            }
            isTCPConnecting = false
            reachedBroker = true
            // Not before: it would shorten the making of the connection as well.
            handle.noticeDeadLink(within: core.configuration.deadLinkTimeout)
            // Reading drives the TLS handshake; without TLS there is nothing to read yet.
            return (broker.secure, false, nil)
        }
        // A broken connection does not wait for a pause to end: `poll` would return at once each time.
        if isBroken || (mayRead && (revents & Int16(POLLIN) != 0 || hasMoreToRead)) {
            pausedUntil = isBroken ? nil : pausedUntil
            return (true, isBroken, nil)
        }
        return (false, false, nil)
    }
}

// MARK: - Reading

extension Connection {
    /// Reads a burst and hands it over.
    private func read(now: ContinuousClock.Instant) -> MQTTDisconnection? {
        let context = handle.context
        let (waiting, taken) = core.inbox.checkOut()
        var builder = waiting ?? BatchBuilder(reservingMessages: 0, bytes: 0)
        let pausesBefore = session.pressure.pauses
        var shed: UInt64 = 0
        switch session.pressure.next(messages: builder.count, bytes: builder.byteCount, taken: taken, now: now) {
        case .read:
            pausedUntil = nil
        case .pause(let until):
            pausedUntil = until
            core.inbox.checkIn(builder)
            if session.pressure.pauses != pausesBefore { core.statistics.withLock { $0.pauses &+= 1 } }
            return nil
        case .shed:
            pausedUntil = nil
            let lost = builder.shedHalf(byBytes: builder.count < session.pressure.messageLimit)
            core.shedTopics.withLock { $0.add(lost) }
            shed = lost.total
        }

        swap(&context.builder, &builder)
        var packets = 0
        var code = MOSQ_ERR_SUCCESS.code
        hasMoreToRead = true
        let bytesBefore = context.builder.byteCount
        while packets < Self.burstMessages, context.builder.byteCount &- bytesBefore < Self.burstBytes {
            let result = handle.read()
            packets += 1
            code = result.code
            if code != MOSQ_ERR_SUCCESS.code || result.drained || handle.socket < 0 {
                hasMoreToRead = false
                break
            }
        }
        swap(&context.builder, &builder)
        handOver(builder, shed: shed)
        settleAnswers()
        if code != MOSQ_ERR_SUCCESS.code || handle.socket < 0 { return handle.disconnection(code) }
        return nil
    }

    private func handOver(_ batch: consuming BatchBuilder, shed: UInt64) {
        let context = handle.context
        let hasNew = context.hasNewMessages
        if context.hasNewCounts || shed > 0 {
            core.statistics.withLock { statistics in
                context.takeReceived(into: &statistics)
                statistics.droppedInboxFull &+= shed
            }
        }
        let owed = context.takeAcknowledgementsOwed()
        acknowledgementsQueued &+= owed
        if hasNew {
            batch.number = session.nextNumber()
            let now = ContinuousClock.now
            lastHandOver = now
            if owed > 0 {
                session.hold.batchDelivered(batch.number, now: now)
                handle.acknowledgeSegments()
            }
        }
        if !batch.isEmpty { core.inbox.checkIn(batch) }
    }

    /// Deals with what the library said while it read or wrote.
    private func settleAnswers() {
        let context = handle.context
        if case .connecting = phase, let answer = context.connectAnswer, answer.reason == 0 { established(answer) }
        if !context.subscribeAnswers.isEmpty {
            let answers = context.subscribeAnswers
            context.subscribeAnswers = []
            for answer in answers { subscriptionAnswered(answer.mid, answer.codes) }
        }
        guard !context.publishAnswers.isEmpty else { return }
        let answers = context.publishAnswers
        context.publishAnswers = []
        var (succeeded, failed): (UInt64, UInt64) = (0, 0)
        for answer in answers {
            guard let slot = inFlight.removeValue(forKey: answer.mid) else { continue }
            let reason = MQTTReasonCode(rawValue: UInt8(clamping: answer.reason))
            if reason.isError {
                failed &+= 1
                slot.finish(.failure(MQTTError.refused(reason)))
            } else {
                succeeded &+= 1
                slot.finish(.success(MQTTPublishResult(reasonCode: reason)))
            }
        }
        core.statistics.withLock { statistics in
            statistics.published &+= succeeded
            statistics.publishFailures &+= failed
            statistics.publishesInFlight = inFlight.count
        }
    }
}

// MARK: - Connecting and subscribing

extension Connection {
    private func established(_ answer: CallbackContext.Accepted) {
        handle.stopListeningToComplaints()
        phase = .established
        connectedSince = .now
        sessionPresent = answer.sessionPresent
        core.configuration.companions?.connected(core, to: broker)
        // A publish that the broker's limit keeps in the library would leave at a time that nobody checked.
        publishLimit = min(core.configuration.maxInFlightPublishes, max(1, Int(answer.receiveMaximum)))
        mayRetain = mayRetain && answer.retainsMessages
        core.retainsMessages.withLock { $0 = mayRetain }
        core.statistics.withLock { $0.connections &+= 1 }
        // Also when the broker kept the session: subscribing again brings the retained messages, which repair last values.
        for subscription in session.subscriptions { subscribe(subscription) }
        core.outbox.open()
        // A broker that hangs up on everybody must not fill the log.
        let isNews = core.mustSayConnected.withLock { news in
            defer { news = false }
            return news
        }
        core.logger.log(
            level: isNews ? .info : .debug, "connected to the broker",
            metadata: [
                LogKey.broker: "\(broker)", LogKey.clientID: "\(core.configuration.clientID)",
                LogKey.sessionPresent: "\(answer.sessionPresent)",
            ])
        core.state.set(.connected(sessionPresent: answer.sessionPresent))
        // Last: who hears of it may publish.
        core.subscriptionStatus.update { $0.connected = true }
    }

    private func changeSubscriptions(_ changes: [Outbox.SubscriptionChange]) {
        guard !changes.isEmpty else { return }
        session.apply(changes)
        guard phase == .established else { return }
        for change in changes {
            switch change {
            case .add(let subscription): subscribe(subscription)
            case .remove(let filter): _ = handle.unsubscribe(filter)
            }
        }
    }

    private func subscribe(_ subscription: MQTTSubscription) {
        let (code, mid) = handle.subscribe(subscription)
        if code == MOSQ_ERR_SUCCESS.code {
            unanswered[mid] = subscription
            core.subscriptionStatus.update { $0.pending += 1 }
        } else {
            refused(subscription, .topicFilterInvalid)
        }
    }

    private func subscriptionAnswered(_ mid: Int32, _ codes: [Int32]) {
        guard let subscription = unanswered.removeValue(forKey: mid) else { return }
        core.subscriptionStatus.update { $0.pending -= 1 }
        for code in codes {
            let reason = MQTTReasonCode(rawValue: UInt8(clamping: code))
            if reason.isError { refused(subscription, reason) }
        }
    }

    private func refused(_ subscription: MQTTSubscription, _ reason: MQTTReasonCode) {
        core.statistics.withLock { $0.subscriptionsRefused &+= 1 }
        core.subscriptionStatus.update { $0.refused[subscription.filter] = reason }
        core.logger.info(
            "the broker refused a subscription",
            metadata: [LogKey.filter: "\(subscription.filter)", LogKey.reason: "\(reason)"])
    }
}

// MARK: - Writing

extension Connection {
    /// Hands publishes that wait to the library, and gives the network all that is queued.
    private func write(overdue: Bool) -> MQTTDisconnection? {
        if overdue { core.statistics.withLock { $0.acknowledgementsForced &+= 1 } }
        // Many acknowledgements are worth two system calls to make one segment of them.
        let corks = acknowledgementsQueued >= Self.corkFrom
        acknowledgementsQueued = 0
        if let reason = flush(corks: corks) { return reason }
        // QoS 0 is done when it is written, and makes room at once: a few rounds without going back to `poll`.
        hasMorePublishes = true
        for _ in 0..<8 {
            guard submitPublishes() > 0 else {
                hasMorePublishes = false
                break
            }
            if let reason = flush(corks: false) { return reason }
        }
        session.hold.released()
        return nil
    }

    /// Gives the network what is queued, as much of it as it takes.
    private func flush(corks: Bool) -> MQTTDisconnection? {
        guard !isTCPConnecting, handle.wantsToWrite else { return nil }
        if corks { handle.cork(true) }
        let code = handle.write()
        if corks { handle.cork(false) }
        settleAnswers()
        return code == MOSQ_ERR_SUCCESS.code && handle.socket >= 0 ? nil : handle.disconnection(code)
    }

    /// The number of publishes handed to the library.
    private func submitPublishes() -> Int {
        // While the network takes no more, they wait here, where their time is still checked.
        guard connectedSince != nil, inFlight.count < publishLimit, !handle.wantsToWrite else { return 0 }
        let slots = core.outbox.takePublishes(publishLimit - inFlight.count)
        var failures: UInt64 = 0
        for slot in slots where !slot.isFinished {
            if let notAfter = slot.notAfter, ContinuousClock.now > notAfter {
                failures &+= 1
                slot.finish(.failure(MQTTError.deadlinePassed))
                continue
            }
            do {
                inFlight[try handle.publish(slot, mayRetain: mayRetain)] = slot
            } catch {
                failures &+= 1
                slot.finish(.failure(error))
            }
        }
        if !slots.isEmpty {
            core.statistics.withLock { statistics in
                statistics.publishFailures &+= failures
                statistics.publishesInFlight = inFlight.count
            }
        }
        return slots.count
    }

    private func expirePublishes(_ requests: Outbox.Requests, now: ContinuousClock.Instant) {
        guard let earliest = requests.earliestDeadline, earliest < now else { return }
        let expired = core.outbox.takeExpired(now: now)
        for slot in expired { slot.finish(.failure(MQTTError.deadlinePassed)) }
        core.statistics.withLock { $0.publishFailures &+= UInt64(expired.count) }
    }
}

// MARK: - The end

extension Connection {
    /// Stops accepting publishes; the reason to end at once when nothing is under way yet.
    private func beginDraining(_ reason: MQTTDisconnection, now: ContinuousClock.Instant) -> MQTTDisconnection? {
        switch phase {
        case .connecting: return reason
        case .established:
            core.outbox.closeForNew()
            phase = .draining(until: now + core.configuration.drainLimit, reason: reason)
            return nil
        case .draining(let until, _):
            // A client that is stopped while it is being suspended does not come back.
            if reason == .stopped { phase = .draining(until: until, reason: reason) }
            return nil
        }
    }

    /// Tells the broker that we go, so that it does not announce our death.
    private func sayGoodbye() {
        // Acknowledgements leave before the goodbye. When the consumer has not taken its last batch over, and nobody
        // would announce our death, leaving in silence is better: the broker then keeps those messages for us.
        if session.hold.decision(now: .now) != .write, core.configuration.will == nil { return }
        guard handle.disconnect() == MOSQ_ERR_SUCCESS.code else { return }
        let end = ContinuousClock.now + .seconds(1)
        while handle.socket >= 0, handle.wantsToWrite, handle.write() == MOSQ_ERR_SUCCESS.code {
            let left = end - ContinuousClock.now
            if left <= .zero || handle.socket < 0 { break }
            var descriptor = pollfd(fd: handle.socket, events: Int16(POLLOUT), revents: 0)
            _ = poll(&descriptor, 1, left.pollMilliseconds)
        }
    }
}
