import JSON
import OrderedCollections
public import SparkplugB

/// What the shell around a ``CommandDesk`` has to do. Each carries a ticket that goes back with the outcome; the outcome of an
/// action that has been overtaken (by a deadline, or the loss of the shard) no longer has a taker and changes nothing.
public enum CommandAction: Sendable, Hashable {
    /// Record a transition: one transaction, guarded by the shard's lease.
    case record(CommandWrite)
    /// Publish, not after the deadline and not after the lease's.
    case publish(CommandPublication)
    /// Read these tags, and look at this metric, at once, and report them to ``CommandDesk/judged(_:readings:metric:at:)``: an
    /// interlock's inputs and what the command writes, or what verifies it.
    case judge(CommandTicket, tags: [String], metric: MetricAddress?)
    /// Read `/commands/<id>` again and report it as seen.
    case read(id: String)
    /// Commands had to be left out because the desk was full; there is room again: read them all.
    case resync
}

/// Ties an outcome to the action that it is the outcome of.
public struct CommandTicket: Sendable, Hashable {
    public let id: String
    let number: UInt64
}

/// A transition to be recorded.
public struct CommandWrite: Sendable, Hashable {
    public let ticket: CommandTicket
    public let shard: Int
    /// The lease under which it may be written, and no other.
    public let epoch: Int64
    /// The version of the node that this replaces.
    public let expectedVersion: Int32
    public let from: CommandState
    /// The record after the transition.
    public let record: CommandRecord

    /// When the transition happened.
    public let at: Milliseconds
    /// Whether this refuses a request that certainly did nothing: then it has no entry in the journal. See
    /// ``RefusedRequests``.
    public let isRefusal: Bool

    /// What the journal says of the transition, in order; created in the same transaction.
    ///
    /// The request itself comes with the first transition that is none of refusing it: what was never taken up leaves no trace
    /// but in the count of what was refused.
    public var journalEntries: [JournalEntry] {
        guard !isRefusal else { return [] }
        var entries: [JournalEntry] = []
        if from == .requested {
            entries.append(record.requestEntry(at: at))
            if let by = record.cancelRequestedBy {
                entries.append(record.cancellationEntry(by: by, at: min(record.cancelRequestedAt ?? at, at)))
            }
        }
        entries.append(record.journalEntry(from: from, at: at))
        return entries
    }
}

/// What became of a ``CommandWrite``.
public enum CommandWriteFailure: Sendable, Hashable {
    /// The node has another version.
    case outdated
    /// The node is not there any more.
    case gone
    /// It may or may not have been written; or the lease did not let it through.
    case unclear
    /// It is not written, and will not be while things are as they are: the tree does not take it.
    case refused
}

/// A command on its way to the device.
public struct CommandPublication: Sendable, Hashable {
    public let ticket: CommandTicket
    public let shard: Int
    public let epoch: Int64
    public let message: CommandMessage
    /// What is written to the message's metric, when it has one. Its payload is made when it leaves, if its birth is then as it was
    /// when the command was decided.
    public let metricWrite: SparkplugCommand?
    /// For MQTT 5, as correlation data.
    public var correlation: [UInt8] { Array(ticket.id.utf8) }
    public let deadline: Milliseconds
    public let attempt: Int64

    /// The payload as it leaves; nil when the birth that holds then has another type for the metric, or none does.
    ///
    /// - Parameter metric: what is known of a metric.
    public func payload(at now: Milliseconds, metric: (MetricAddress) -> KnownMetric) -> [UInt8]? {
        guard let metricWrite, let address = message.metric?.address else { return message.payload }
        guard case .named(metricWrite.type, let alias, _) = metric(address) else { return nil }
        return metricWrite.payload(at: now, alias: alias)
    }

    /// Seconds that the broker may keep it (MQTT 5 message expiry): what is left, rounded up. The exact deadline is in the
    /// payload, for the device to refuse what comes late.
    public func expirySeconds(at now: Milliseconds) -> UInt32 {
        let (left, overflow) = deadline.subtractingReportingOverflow(now)
        guard !overflow, left > 0 else { return 1 }
        return UInt32(clamping: (left - 1) / 1000 + 1)
    }
}

/// What became of a ``CommandPublication``.
public enum CommandPublishOutcome: Sendable, Hashable {
    /// The broker has it; with QoS 0, it has left for the broker.
    case acknowledged
    /// Acknowledged with reason 0x10: nobody subscribes to the topic.
    case noSubscribers
    /// Acknowledged with a reason of 0x80 or above.
    case refused(String)
    /// It certainly did not leave: no connection, or past a deadline.
    case notSent(String)
    /// It may have left: the connection broke before the acknowledgement.
    case unclear(String)
}

extension CommandRecord {
    /// The journal entry of a transition to this record:
    /// `{"kind":"command","at","gateway","epoch","by","transition","id","device","command",…}`.
    public func journalEntry(from: CommandState?, at: Milliseconds) -> JournalEntry {
        journalEntry(transition: state.rawValue, from: from, by: by, at: at)
    }

    /// The journal entry of the request, written by the owner: no later than `now`, whatever the requester's clock said.
    func requestEntry(at now: Milliseconds) -> JournalEntry {
        var asked = self
        asked.attempt = 0
        (asked.reason, asked.detail, asked.result, asked.verification) = (nil, nil, nil, nil)
        return asked.journalEntry(
            transition: CommandState.requested.rawValue, from: nil, by: by, at: min(requestedAt, now))
    }

    /// The journal entry of an operator's wish to withdraw this command.
    func cancellationEntry(by: Principal, at: Milliseconds) -> JournalEntry {
        journalEntry(transition: "CANCEL_REQUESTED", from: nil, by: by, at: at)
    }

    private func journalEntry(transition: String, from: CommandState?, by: Principal, at: Milliseconds) -> JournalEntry
    {
        var entry = JournalEntry(
            kind: .command, at: at, gateway: gateway ?? "", epoch: epoch, by: by, transition: transition)
        entry.details["from"] = from.map { .string($0.rawValue) }
        entry.details["id"] = .string(id)
        entry.details["device"] = .string(device.text)
        entry.details["command"] = .string(command)
        entry.details["parameters"] = .object(parameters)
        entry.details["attempt"] = .integer(attempt)
        entry.details["reason"] = reason.map { .string($0.rawValue) }
        entry.details["detail"] = detail.map(JSONValue.string)
        entry.details["result"] = result
        entry.details["verification"] = verification.map { .string($0.rawValue) }
        return entry
    }
}
