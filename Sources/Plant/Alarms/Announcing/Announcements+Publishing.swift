import DequeModule

// MARK: - What to publish

extension Announcements {
    /// What to publish now, while no more than `limit` messages are on their way. For the active alarm processor only.
    public mutating func next(limit: Int, at now: Milliseconds) -> [Publication] {
        boundAge(at: now)
        guard isConnected else { return [] }
        endPauses(at: now)
        var publications: [Publication] = []
        while inFlight < limit, let path = ready.popFirst() {
            alarms[path]?.isReady = false
            if let publication = take(path, at: now) { publications.append(publication) }
        }
        while inFlight < limit, let publication = takeProbe(at: now) { publications.append(publication) }
        while inFlight < limit, !repeating.isEmpty,
            repetitions.take(perSecond: limits.repetitionsPerSecond, at: now), let path = repeating.popFirst()
        {
            alarms[path]?.isRepeating = false
            if let publication = takeRepetition(path, at: now) { publications.append(publication) }
        }
        return publications
    }

    /// The next message of an alarm: its record first, so that who hears the event finds the record.
    private mutating func take(_ path: AlarmPath, at now: Milliseconds) -> Publication? {
        guard let alarm = alarms[path], !alarm.isInFlight else { return nil }
        if let content = alarm.content {
            if alarm.isRecordOwed, alarm.recordPause == nil { return send(path, content) }
            if alarm.recordPause.map({ $0.until <= now }) ?? true, !alarm.isRepeating {
                alarms[path]?.isRepeating = true
                repeating.append(path)
            }
        }
        guard let sequence = alarm.events.first, alarm.eventPause.map({ $0.until <= now }) ?? true else { return nil }
        guard gate.isOpen else {
            if !alarm.isGated {
                alarms[path]?.isGated = true
                gate.wait(path)
            }
            return nil
        }
        return sendEvent(path, sequence)
    }

    private mutating func takeRepetition(_ path: AlarmPath, at now: Milliseconds) -> Publication? {
        // One that is on its way stands in line again when it has ended.
        guard let alarm = alarms[path], !alarm.isInFlight, let content = alarm.content,
            alarm.recordPause.map({ $0.until <= now }) ?? true
        else { return nil }
        return send(path, content)
    }

    /// One event for a topic that was refused, when its pause is over.
    private mutating func takeProbe(at now: Milliseconds) -> Publication? {
        guard gate.mayProbe(at: now) else { return nil }
        while let path = gate.popFirst() {
            alarms[path]?.isGated = false
            guard let alarm = alarms[path], let sequence = alarm.events.first,
                alarm.eventPause.map({ $0.until <= now }) ?? true
            else { continue }
            // One that is on its way stands in line again when it has ended.
            guard !alarm.isInFlight, let publication = sendEvent(path, sequence) else { continue }
            gate.probed(with: sequence)
            return publication
        }
        return nil
    }

    private mutating func sendEvent(_ path: AlarmPath, _ sequence: Int64) -> Publication? {
        guard let owed = entries[sequence] else { return nil }
        alarms[path]?.eventInFlight = sequence
        return send(path, .event(sequence: sequence, owed.transition))
    }

    private mutating func send(_ path: AlarmPath, _ content: Publication.Content) -> Publication {
        alarms[path]?.isInFlight = true
        inFlight += 1
        return Publication(alarm: path, content: content)
    }

    // MARK: What became of it

    /// A publication has ended.
    public mutating func ended(_ publication: Publication, _ outcome: Outcome, at now: Milliseconds) {
        let path = publication.alarm
        inFlight -= 1
        alarms[path]?.isInFlight = false
        alarms[path]?.eventInFlight = nil
        switch publication.content {
        case .record(let record), .removal(let record):
            switch outcome {
            case .acknowledged:
                setRecordPause(nil, of: path)
                recordIsOut(record)
            case .refused, .failed:
                setRecordPause(
                    AnnouncementPause(
                        after: alarms[path]?.recordPause, isRefusal: outcome != .failed, at: now, limits: limits),
                    of: path)
            }
        case .event(let sequence, _):
            eventEnded(sequence, of: path, outcome, at: now)
        }
        // What it was for may have gone meanwhile.
        tidy(path)
        enqueue(path)
    }

    private mutating func eventEnded(
        _ sequence: Int64, of path: AlarmPath, _ outcome: Outcome, at now: Milliseconds
    ) {
        switch outcome {
        case .acknowledged:
            setEventPause(nil, of: path)
            eventIsOut(sequence)
            if gate.taken() { openGate() }
            return
        case .refused(concernsTopic: true): gate.refused(sequence, at: now, limits: limits)
        case .refused(concernsTopic: false), .failed: gate.failed(sequence)
        }
        setEventPause(
            AnnouncementPause(
                after: alarms[path]?.eventPause, isRefusal: outcome != .failed, at: now, limits: limits),
            of: path)
    }

    private mutating func openGate() {
        while let path = gate.popFirst() {
            alarms[path]?.isGated = false
            enqueue(path)
        }
    }

    mutating func setRecordPause(_ pause: AnnouncementPause?, of path: AlarmPath) {
        let was = alarms[path]?.recordPause?.isRefusal ?? false
        alarms[path]?.recordPause = pause
        refusedRecords += (pause?.isRefusal ?? false ? 1 : 0) - (was ? 1 : 0)
        if let pause { pauses.began(pause, of: path) }
    }

    mutating func setEventPause(_ pause: AnnouncementPause?, of path: AlarmPath) {
        let was = alarms[path]?.eventPause?.isRefusal ?? false
        alarms[path]?.eventPause = pause
        refusedEvents += (pause?.isRefusal ?? false ? 1 : 0) - (was ? 1 : 0)
        if let pause { pauses.began(pause, of: path) }
    }

    private mutating func endPauses(at now: Milliseconds) {
        while let alarm = pauses.popFirst(endedAt: now) { enqueue(alarm) }
    }

    /// Ends the pauses of what is no longer to be published.
    mutating func tidy(_ path: AlarmPath) {
        guard let alarm = alarms[path] else { return }
        if alarm.record == nil, alarm.recordPause != nil { setRecordPause(nil, of: path) }
        if alarm.events.isEmpty, alarm.eventPause != nil { setEventPause(nil, of: path) }
    }

    mutating func enqueue(_ path: AlarmPath) {
        guard let alarm = alarms[path], !alarm.isReady, alarm.record != nil || !alarm.events.isEmpty else { return }
        alarms[path]?.isReady = true
        ready.append(path)
    }
}
