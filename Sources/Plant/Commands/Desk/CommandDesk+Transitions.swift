import JSON
import SparkplugB

extension CommandDesk {
    // MARK: Coming in

    mutating func admit(_ record: CommandRecord, shard: Int, czxid: Int64, version: Int32, at now: Milliseconds) {
        guard entries.count < limits.commands else {
            hasOverflowed = true
            counters.overflowed &+= 1
            return
        }
        counters.seen &+= 1
        entries[record.id] = Entry(
            record: record, shard: shard, place: Place(czxid: czxid, id: record.id), version: version,
            deadline: record.deadline ?? .max, ends: record.deadline ?? .max)
        if record.state == .sent { entries[record.id]?.sentSeenAt = now }
        idsByShard[shard, default: []].insert(record.id)
        if epochs[shard] != nil { start(record.id, at: now) } else { overhear(record.id) }
    }

    /// Keeps what the device of another owner's command answers: that owner may die before it can record it.
    private mutating func overhear(_ id: String) {
        guard let entry = entries[id], entry.definition == nil else { return }
        entries[id]?.definition = try? catalogue.definition(of: entry.record.command, for: entry.record.device)
        listen(id)
    }

    /// Another version of a node that is known.
    mutating func changeSeen(_ record: CommandRecord, version: Int32, at now: Milliseconds) {
        guard var entry = entries[record.id] else { return }
        switch entry.phase {
        case .recordingSent, .finishing:
            return  // our own write, most likely; its outcome will tell
        case .rereading(let intent, _):
            guard version >= entry.version else { return }
            reread(record, version: version, intent: intent, at: now)
        case .idle:
            guard version > entry.version else { return }
            if record.state.isFinal {
                remove(record.id, isOver: true, at: now)
            } else {
                if record.state == .sent, entry.record.state != .sent { entry.sentSeenAt = now }
                entry.record = record
                entry.version = version
                entries[record.id] = entry
            }
        case .waiting, .pausing, .judging:
            guard version > entry.version else { return }
            entry.record = record
            entry.version = version
            entries[record.id] = entry
            if record.state.isFinal { remove(record.id, isOver: true, at: now) } else { restart(record.id, at: now) }
        case .publishing, .awaitingAnswer, .awaitingFormerAnswer, .verifying:
            guard version > entry.version else { return }
            if record.state.isFinal {
                remove(record.id, isOver: true, at: now)
            } else {
                // A wish to cancel that came too late: kept in the record, nothing else.
                entry.version = version
                entry.record.cancelRequestedBy = record.cancelRequestedBy
                entry.record.cancelRequestedAt = record.cancelRequestedAt
                entries[record.id] = entry
            }
        }
    }

    /// Takes up a command of a shard of ours: a new one, or one that a former owner left.
    mutating func start(_ id: String, at now: Milliseconds) {
        guard var entry = entries[id], epochs[entry.shard] != nil else { return }
        let found = Result { () throws(CommandCatalogue.Absence) in
            try catalogue.definition(of: entry.record.command, for: entry.record.device)
        }
        entry.definition = try? found.get()
        entry.deadline = Self.deadline(of: entry.record, definition: entry.definition)
        entry.ends = entry.deadline
        entry.phase = .waiting
        entries[id] = entry
        enqueue(id)
        setTimer(id, at: entry.ends)
        if entry.record.state == .sent {
            takeOver(id, at: now)
        } else {
            // An answer to what was never sent is none.
            entries[id]?.ending = nil
            stopListening(id)
            check(id, found, at: now)
        }
    }

    private mutating func restart(_ id: String, at now: Milliseconds) {
        stopListening(id)
        entries[id]?.ticket = 0
        start(id, at: now)
    }

    /// A command that a former owner recorded as sent.
    private mutating func takeOver(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        if entry.evidenceSince == nil { entries[id]?.evidenceSince = Self.evidenceSince(entry, at: now) }
        if let ending = entry.ending { return conclude(id, ending, at: now) }
        // What the record says counts: that is how it was sent, whatever the definition has become since.
        guard entry.record.execution == .idempotent, !(entry.definition != nil && entry.isAtMostOnce) else {
            if entry.isVerifiedOnly { return verify(id, isFormer: true, at: now) }
            guard entry.definition?.answer != nil, now < entry.ends else { return finishUnanswered(id, at: now) }
            listen(id)
            entries[id]?.phase = .awaitingFormerAnswer
            return
        }
        if entry.ends <= now { return finishAtDeadline(id, at: now) }
        // The device may be answering what the former owner sent.
        listen(id)
        guard entry.definition != nil else {
            entries[id]?.phase = .awaitingAnswer
            return
        }
        pump(entry.record.device, at: now)
    }

    /// Since when samples can show what a former owner's command did. Its clock may be behind, so that what it says is not
    /// enough: the command was not sent much before its record said so here.
    private static func evidenceSince(_ entry: Entry, at now: Milliseconds) -> Milliseconds {
        max(entry.record.sentAt ?? .min, (entry.sentSeenAt ?? now).subtractingClamped(Self.treeDelay))
    }

    /// What a former owner sent at most once has not been answered, and nobody can say what became of it.
    /// - Parameter said: what the verifying tag says, if there is one.
    mutating func finishUnanswered(
        _ id: String, said: String? = nil, verification: CommandVerdict? = nil, at now: Milliseconds
    ) {
        let former = entries[id]?.record.gateway.map { " (\($0))" } ?? ""
        let why =
            "in flight when its gateway\(former) was replaced; whether it was executed is not known, and it is not sent again"
        finish(
            id, .unknown, .takeover, why + (said.map { "; " + $0 } ?? ""), verification: verification, at: now)
    }

    /// A request: whatever can be said against it is said at once, not when its turn comes.
    private mutating func check(
        _ id: String, _ found: Result<CommandDefinition, CommandCatalogue.Absence>, at now: Milliseconds
    ) {
        guard let entry = entries[id] else { return }
        let record = entry.record
        if let by = record.cancelRequestedBy {
            return finish(id, .cancelled, .cancelled, "withdrawn by \(by)", at: now)
        }
        let definition: CommandDefinition
        switch found {
        case .success(let value): definition = value
        case .failure(.unknownCommand):
            return finish(id, .rejected, .unknownCommand, "there is no command \(record.command)", at: now)
        case .failure(.unknownDevice):
            return finish(
                id, .rejected, .unknownDevice, "\(record.device) does not know the command \(record.command)", at: now)
        }
        if record.by.name.isEmpty {
            return finish(id, .rejected, .invalid, "nobody is named as the one who asks (by)", at: now)
        }
        if let timeout = record.timeout, !(1...CommandDefinition.timeoutLimit).contains(timeout) {
            return finish(
                id, .rejected, .invalid,
                "timeout is \(timeout) ms, must lie between 1 and \(CommandDefinition.timeoutLimit)", at: now)
        }
        if let doubt = doubtText { return finish(id, .rejected, .clock, doubt, at: now) }
        if entry.ends <= now { return finishAtDeadline(id, at: now) }
        // The ids of what is over are kept for twice as long: an old request that comes again is known, or too late.
        if entry.ends > now.addingClamped(CommandDefinition.timeoutLimit) {
            return finish(
                id, .rejected, .invalid, "its deadline lies more than 24 hours ahead; are the clocks right?", at: now)
        }
        do {
            var complete = record
            complete.parameters = try definition.checked(record.parameters)
            // Whether there can be a message for it: said now, not when its turn comes.
            _ = try definition.message(complete, deadline: entry.deadline, epoch: epochs[entry.shard] ?? 0)
            entries[id]?.record.parameters = complete.parameters
        } catch {
            return finish(id, .rejected, .parameters, "\(error)", at: now)
        }
        if queues[record.device, default: []].count > limits.commandsPerDevice {
            return finish(
                id, .rejected, .queueFull,
                "\(limits.commandsPerDevice) commands are waiting for \(record.device) already", at: now)
        }
        pump(record.device, at: now)
    }

    static func deadline(of record: CommandRecord, definition: CommandDefinition?) -> Milliseconds {
        if let deadline = record.deadline { return deadline }
        let end = record.requestedAt.addingClamped(
            record.timeout ?? definition?.timeout ?? CommandDefinition.defaultTimeout)
        // A timeout that cannot be is refused by name, in a record that must be readable.
        return min(max(end, Milliseconds.shownByClocks.lowerBound), Milliseconds.shownByClocks.upperBound)
    }

    // MARK: Sending

    /// Sends the first command of the device if it waits for that.
    mutating func pump(_ device: TagPath, at now: Milliseconds) {
        guard isBrokerAvailable, let first = queues[device]?.first, let entry = entries[first.id],
            entry.phase == .waiting, !settling.contains(entry.shard)
        else {
            return
        }
        if entry.ends <= now { return finishAtDeadline(first.id, at: now) }
        if let doubt = doubtText { return refuse(first.id, .clock, doubt, at: now) }
        guard let definition = entry.definition, definition.interlock != nil || definition.metric != nil else {
            return send(first.id, at: now)
        }
        let metric: CommandMessage.Metric?
        do { metric = try definition.metric(entry.record) } catch { return cannotBeSent(first.id, "\(error)", at: now) }
        entries[first.id]?.phase = .judging
        let ticket = nextTicket(first.id)
        actions.append(
            .judge(ticket, tags: definition.interlock?.inputs(device: device) ?? [], metric: metric?.address))
    }

    /// What an interlock asks for, and what is known of the metric that is to be written.
    mutating func inputsRead(
        _ id: String, _ readings: [Interlock.Reading?], _ sight: MetricSight?, at now: Milliseconds
    ) {
        guard let entry = entries[id], entry.phase == .judging, let definition = entry.definition else { return }
        entries[id]?.ticket = 0
        if settling.contains(entry.shard) {
            entries[id]?.phase = .waiting
            return
        }
        if entry.ends <= now { return finishAtDeadline(id, at: now) }
        if let doubt = doubtText { return refuse(id, .clock, doubt, at: now) }
        if let metric = try? definition.metric(entry.record) {
            switch Self.chance(of: metric, sight, isEchoed: definition.verification?.subject == .echo) {
            case .possible(let write):
                entries[id]?.metricWrite = write
                entries[id]?.awaited = nil
            case .awaited(let why):
                entries[id]?.awaited = why
                return pause(id, for: Self.birthPause, at: now)
            case .impossible(let why): return refuse(id, .metric, why, at: now)
            }
        }
        switch definition.interlock?.verdict(
            readings, device: entry.record.device, at: now, maximumAge: definition.interlockInputAge)
        {
        case nil, .satisfied?: send(id, at: now)
        case .refused(let why)?: refuse(id, .interlock, why, at: now)
        }
    }

    /// It may not be sent now.
    private mutating func refuse(_ id: String, _ reason: CommandReason, _ why: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        guard entry.mayHaveLeft else { return finish(id, .rejected, reason, why, at: now) }
        // It was sent once, when it might be; the device may yet answer that. It is not sent again.
        awaitOutcome(id, at: now)
    }

    /// Why nothing is sent while the gateway's clock is in doubt; nil while it is not.
    var doubtText: String? {
        clockDoubt.map {
            "clock uncertain: this gateway's clock was set by \(Double($0 / 100) / 10) s less than a minute ago; the command was not sent, ask again later under another id"
        }
    }

    private mutating func send(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        if entry.isAtMostOnce { recordSent(id, attempt: 1, at: now) } else { publish(id, at: now) }
    }

    /// Hands the command out. For an at-most-once command called from one place only, right after `SENT` was recorded.
    mutating func publish(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id], let definition = entry.definition, let epoch = epochs[entry.shard] else {
            return
        }
        let message: CommandMessage
        do { message = try definition.message(entry.record, deadline: entry.deadline, epoch: epoch) } catch {
            return cannotBeSent(id, "\(error)", at: now)
        }
        guard message.metric == nil || entry.metricWrite != nil else {
            return cannotBeSent(id, "of which type its metric is has not been told", at: now)
        }
        listen(id)
        entries[id]?.phase = .publishing
        entries[id]?.publications += 1
        entries[id]?.publishedAt = now
        if entry.evidenceSince == nil { entries[id]?.evidenceSince = now }
        // What was heard before it was ever sent is no answer to it.
        if entry.isAtMostOnce { entries[id]?.ending = nil }
        counters.published &+= 1
        let ticket = nextTicket(id)
        actions.append(
            .publish(
                CommandPublication(
                    ticket: ticket, shard: entry.shard, epoch: epoch, message: message,
                    metricWrite: message.metric == nil ? nil : entry.metricWrite, deadline: entry.deadline,
                    attempt: entry.isAtMostOnce ? 1 : entry.record.nextAttempt)))
    }

    /// What the definition has become since a former owner sent the command leaves no message for it: it is not sent (again).
    private mutating func cannotBeSent(_ id: String, _ why: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        if entry.isAtMostOnce {
            finish(id, .failed, .notSent, "it could not be sent (\(why)); it was not executed", at: now)
        } else if entry.mayHaveLeft {
            awaitOutcome(id, at: now)
        } else {
            finish(id, .rejected, .parameters, why, at: now)
        }
    }

    mutating func publicationOver(
        _ id: String, _ outcome: CommandPublishOutcome, handedOver: Milliseconds?, at now: Milliseconds
    ) {
        guard let entry = entries[id], entry.phase == .publishing else { return }
        entries[id]?.ticket = 0
        if let handedOver, let publishedAt = entry.publishedAt, handedOver > publishedAt {
            if entry.evidenceSince == publishedAt { entries[id]?.evidenceSince = handedOver }
            entries[id]?.publishedAt = handedOver
        }
        if let ending = entry.ending {
            // The device has answered, so it has it, whatever the broker says.
            if entry.isAtMostOnce {
                conclude(id, ending, at: now)
            } else {
                recordSent(id, attempt: entry.record.nextAttempt, at: now)
            }
            return
        }
        let isRepetition = entry.record.attempt > 0 && !entry.isAtMostOnce
        switch outcome {
        case .acknowledged:
            if let definition = entry.definition, definition.answer == nil, definition.verification == nil {
                finish(
                    id, .published, .noAnswerDefined, Self.publishedText(definition.qos), at: now, left: true)
            } else if entry.isAtMostOnce {
                awaitOutcome(id, at: now)
            } else {
                recordSent(id, attempt: entry.record.nextAttempt, at: now)
            }
        case .noSubscribers where !isRepetition:
            finish(id, .failed, .nobodyListens, "nobody listens on \(topic(of: entry))", at: now, left: true)
        case .refused(let why) where !isRepetition:
            finish(id, .failed, .brokerRefused, "the broker refused it: \(why)", at: now, left: true)
        case .noSubscribers, .refused:
            // An earlier attempt may have reached the device.
            recordSent(id, attempt: entry.record.nextAttempt, at: now)
        case .notSent(let why):
            if entry.isAtMostOnce {
                finish(id, .failed, .notSent, "it could not be sent (\(why)); it was not executed", at: now)
            } else {
                entries[id]?.publications -= 1
                // It has not left: what tags say meanwhile shows nothing of it.
                entries[id]?.publishedAt = nil
                if entry.publications == 1, entry.record.state != .sent { entries[id]?.evidenceSince = nil }
                pause(id, for: Self.retryPause, at: now)
            }
        case .unclear(let why):
            if entry.isAtMostOnce {
                finish(
                    id, .unknown, .connectionLost,
                    "the connection to the broker was lost while it was being sent (\(why)); whether it was executed is not known",
                    at: now)
            } else {
                entries[id]?.mustSendAgain = true
                recordSent(id, attempt: entry.record.nextAttempt, at: now)
            }
        }
    }

    private static func publishedText(_ qos: CommandQoS) -> String {
        switch qos {
        case .atMostOnce:
            "it has left for the broker, which does not confirm it (QoS 0); the device does not answer: whether it was executed is not known"
        case .atLeastOnce:
            "the broker has it; the device does not answer: whether it was executed is not known"
        }
    }

    private func topic(of entry: Entry) -> String {
        let message = try? entry.definition?.message(entry.record, deadline: entry.deadline, epoch: 0)
        return message?.topic ?? "its topic"
    }

    private mutating func pause(_ id: String, for time: Milliseconds, at now: Milliseconds) {
        let until = now.addingClamped(time)
        entries[id]?.phase = .pausing(until: until)
        setTimer(id, at: until)
    }

    // MARK: Answers

    mutating func answered(
        _ topic: [UInt8], _ payload: [UInt8], correlation: [UInt8]?, at now: Milliseconds
    ) {
        guard let places = listening[topic] else { return }
        guard payload.count <= CommandAnswerRule.sizeLimit,
            let document = try? SalvagedJSON(payload: payload), let answer = document.soundParts
        else {
            counters.unreadableAnswers &+= 1
            return
        }
        counters.answers &+= 1
        for place in places.keys {
            guard case let id? = CommandAnswerRule.commandID(in: answer, correlation: correlation, by: place),
                let entry = entries[id], entry.answerTopic == topic, let rule = entry.definition?.answer,
                rule.id == place
            else { continue }
            // What is broken elsewhere does not matter; what is broken here must not pass for a failure.
            guard rule.isReadable(in: document) else {
                counters.unreadableAnswers &+= 1
                return
            }
            switch rule.verdict(on: answer) {
            case .underway: return
            case .succeeded(let message):
                return end(id, Ending(state: .succeeded, reason: .device, detail: message, result: answer), at: now)
            case .failed(let message):
                return end(id, Ending(state: .failed, reason: .device, detail: message, result: answer), at: now)
            }
        }
        counters.strayAnswers &+= 1
    }

    private mutating func end(_ id: String, _ ending: Ending, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        switch entry.phase {
        case .recordingSent, .rereading, .idle: if entry.ending == nil { entries[id]?.ending = ending }
        case .publishing where ending.state == .succeeded && entry.definition?.verification != nil:
            // There is something left to wait for: first what becomes of the publication.
            if entry.ending == nil { entries[id]?.ending = ending }
        case .publishing, .awaitingAnswer, .awaitingFormerAnswer, .waiting, .pausing, .judging:
            conclude(id, ending, at: now)
        case .finishing, .verifying: counters.strayAnswers &+= 1
        }
    }

    /// The device has said how it went. A success may have to be verified.
    mutating func conclude(_ id: String, _ ending: Ending, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        guard ending.state == .succeeded, entry.definition?.verification != nil else {
            return finish(
                id, ending.state, ending.reason, ending.detail, result: ending.result, at: now, left: true)
        }
        stopListening(id)
        if entry.phase == .publishing, !entry.isAtMostOnce { entries[id]?.record.attempt = entry.record.nextAttempt }
        entries[id]?.ending = nil
        entries[id]?.success = ending
        verify(id, isFormer: false, at: now)
    }

    /// It has been published: what tells how it went is awaited now.
    mutating func awaitOutcome(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        if entry.isVerifiedOnly {
            verify(id, isFormer: false, at: now)
        } else {
            entries[id]?.phase = .awaitingAnswer
        }
    }

    // MARK: Time

    mutating func timerFired(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        switch entry.phase {
        case .idle, .recordingSent, .finishing, .rereading(_, isAsked: true):
            return
        case .rereading(let intent, isAsked: false):
            entries[id]?.phase = .rereading(after: intent, isAsked: true)
            actions.append(.read(id: id))
        case .waiting, .judging, .publishing, .awaitingAnswer:
            if entry.ends <= now { finishAtDeadline(id, at: now) }
        case .awaitingFormerAnswer:
            if entry.ends <= now { finishUnanswered(id, at: now) }
        case .verifying:
            // What was looked at is answered at once, so that nothing is asked for twice.
            if entry.ticket == 0, entry.nextLook <= now { look(id, at: now) }
        case .pausing(let until):
            if entry.ends <= now {
                finishAtDeadline(id, at: now)
            } else if until <= now {
                entries[id]?.phase = .waiting
                pump(entry.record.device, at: now)
            }
        }
    }

    mutating func finishAtDeadline(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        if let ending = entry.ending { return conclude(id, ending, at: now) }
        if entry.mayHaveLeft {
            // One last look.
            if entry.isVerifiedOnly { return verify(id, isFormer: false, at: now) }
            let why = "no answer by its deadline; whether it was executed is not known"
            return finish(id, .timedOut, .deadline, why, at: now, left: true)
        }
        var detail = "its deadline passed before it was sent"
        if !isBrokerAvailable { detail += "; the broker could not be reached" }
        if let awaited = entry.awaited { detail += "; " + awaited }
        finish(id, .expired, .deadline, detail, at: now)
    }
}
