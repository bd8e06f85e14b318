import JSON

/// A tag has to show what a command wanted.
extension CommandDesk {
    /// Waits for the tag to show it, until the verification's time or the command's is over.
    mutating func verify(_ id: String, isFormer: Bool, at now: Milliseconds) {
        guard let entry = entries[id], let rule = entry.definition?.verification else { return }
        // A device that answers does so before it shows anything.
        let sent = entry.success == nil ? entry.publishedAt ?? entry.record.sentAt ?? now : now
        let within = rule.within ?? (entry.success == nil ? nil : CommandVerification.afterAnswer)
        entries[id]?.phase = .verifying(isFormer: isFormer)
        entries[id]?.evidenceSince = entry.evidenceSince ?? now
        entries[id]?.verificationEnds = min(entry.ends, within.map { sent.addingClamped($0) } ?? .max)
        look(id, at: now)
    }

    mutating func look(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id], let definition = entry.definition else { return }
        let (tag, metric): (String?, MetricAddress?) =
            switch definition.verification?.subject {
            case .tag?: ((try? definition.verified(entry.record))?.tag, nil)
            case .echo?: (nil, (try? definition.metric(entry.record))?.address)
            case nil: (nil, nil)
            }
        // A definition that has changed since the command was sent may name no tag for it.
        guard tag != nil || metric != nil else {
            return finishUnverified(id, "there is no tag that could verify it", .none, at: now)
        }
        let ticket = nextTicket(id)
        actions.append(.judge(ticket, tags: tag.map { [$0] } ?? [], metric: metric))
    }

    /// The latest value of the tag, or of that of the metric that the command writes.
    mutating func tagRead(
        _ id: String, _ reading: Interlock.Reading?, _ metric: MetricSight?, at now: Milliseconds
    ) {
        guard let entry = entries[id], let definition = entry.definition, let rule = definition.verification else {
            return
        }
        var reading = reading
        let verified: CommandMessage.Verified
        var unknown: String?
        if rule.subject == .echo {
            guard let written = try? definition.metric(entry.record) else { return }
            (verified, unknown) = Self.echo(of: written, metric)
            reading = metric?.reading
        } else {
            guard let wanted = try? definition.verified(entry.record) else { return }
            verified = wanted
        }
        entries[id]?.ticket = 0
        let sight =
            unknown.map { .silent($0) }
            ?? rule.sight(reading, wanted: verified.value, since: entry.evidenceSince ?? now, at: now)
        switch sight {
        case .shown: finishVerified(id, verified, shown: reading?.value ?? verified.value, at: now)
        case .other, .silent:
            guard now >= entry.verificationEnds else {
                let next = min(now.addingClamped(Self.lookPause), entry.verificationEnds)
                entries[id]?.nextLook = next
                return setTimer(id, at: next)
            }
            if case .other(let value) = sight {
                let said = "\(verified.tag) shows \(Self.shown(value)), wanted was \(Self.shown(verified.value))"
                finishUnverified(id, said, .mismatch, at: now)
            } else if case .silent(let why) = sight {
                finishUnverified(id, "\(verified.tag) does not tell: \(why)", .none, at: now)
            }
        }
    }

    private mutating func finishVerified(
        _ id: String, _ verified: CommandMessage.Verified, shown: TagValue, at now: Milliseconds
    ) {
        let isExact = shown.doubleValue == verified.value.doubleValue
        let said =
            "\(verified.tag) shows \(Self.shown(shown))" + (isExact ? "" : ", wanted was \(Self.shown(verified.value))")
        guard let success = entries[id]?.success else {
            return finish(id, .succeeded, .verified, said, verification: .verified, at: now, left: true)
        }
        finish(
            id, success.state, success.reason, success.detail, result: success.result, verification: .verified,
            at: now, left: true)
    }

    /// - Parameter said: what the tag says, or why it says nothing.
    private mutating func finishUnverified(
        _ id: String, _ said: String, _ verification: CommandVerdict?, at now: Milliseconds
    ) {
        guard let entry = entries[id] else { return }
        if let success = entry.success {
            let detail = success.detail.map { $0 + "; " + said } ?? said
            finish(
                id, success.state, success.reason, detail, result: success.result, verification: verification, at: now,
                left: true)
        } else if entry.phase == .verifying(isFormer: true) {
            finishUnanswered(id, said: said, verification: verification, at: now)
        } else {
            finish(
                id, .timedOut, .notVerified, "\(said); whether it was executed is not known",
                verification: verification, at: now, left: true)
        }
    }

    /// A value in a sentence. Text may be as long as a payload, and a record must be readable.
    private static func shown(_ value: TagValue) -> String {
        let limit = 200
        let text = value.json.description
        guard text.utf8.count > limit else { return text }
        return String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "…"
    }
}
