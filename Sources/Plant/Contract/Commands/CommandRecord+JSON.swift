public import JSON
import OrderedCollections

extension CommandRecord {
    /// Largest record that is read or written, in bytes; a znode holds a megabyte, a command needs none of it.
    public static let sizeLimit = 256 * 1024
    /// Longest name of a requester or of a command.
    public static let nameLengthLimit = 256

    /// Reads the data of `/commands/<id>`. Strict in what names the command, because nothing can be done for a record
    /// whose id, device or state is not known; lenient in what the owner will judge anyway.
    public init(parsing bytes: [UInt8], id: String) throws(RecordMistake) {
        try self.init(RecordReader(parsing: bytes, sizeLimit: Self.sizeLimit), id: id)
    }

    /// The same, from a document that has been read already.
    public init(json: JSONValue, id: String) throws(RecordMistake) {
        try self.init(RecordReader(json), id: id)
    }

    private init(_ members: RecordReader<Member>, id: String) throws(RecordMistake) {
        if let mistake = Self.mistake(inID: id) { throw members.mistake(.id, mistake) }
        if let given = members[.id], given != .string(id) {
            throw members.mistake(.id, "is \(given), must be \"\(id)\"")
        }
        let device = try Self.device(try members.requiredText(.device))
        let requestedAt = try members.time(.requestedAt)
        self.init(
            id: id, device: device, command: try members.requiredText(.command),
            by: Principal(try members.text(.by) ?? "", proof: members[.principal]),
            requestedAt: requestedAt ?? 0)
        guard command.utf8.count <= Self.nameLengthLimit, by.name.utf8.count <= Self.nameLengthLimit else {
            throw members.mistake(.command, "command and by have at most \(Self.nameLengthLimit) bytes")
        }
        parameters = try members.object(.parameters) ?? parameters
        deadline = try members.time(.deadline)
        timeout = try members.integer(.timeout)
        execution = try members.name(.execution)
        state = try members.name(.state) ?? .requested
        attempt = try members.count(.attempt) ?? 0
        sentAt = try members.time(.sentAt)
        finishedAt = try members.time(.finishedAt)
        // A reason that a later version has added is not a mistake; its sentence is in `detail`.
        reason = members[.reason]?.stringValue.flatMap(CommandReason.init(rawValue:))
        detail = try members.text(.detail)
        result = members[.result]
        // As with the reason.
        verification = members[.verification]?.stringValue.flatMap(CommandVerdict.init(rawValue:))
        gateway = try members.text(.gateway)
        epoch = try members.integer(.epoch)
        let cancelledAt = try members.time(.cancelRequestedAt)
        cancelRequestedBy = try members.text(.cancelRequestedBy).map {
            Principal($0, proof: members[.cancelPrincipal], at: cancelledAt)
        }
        cancelRequestedAt = cancelledAt
        additional = members.additional
    }

    /// The record as it stands in the tree, on MQTT and in `--json` listings.
    public var json: JSONValue {
        var members = OrderedDictionary<String, JSONValue>()
        func put(_ member: Member, _ value: JSONValue?) {
            if let value { members[member.rawValue] = value }
        }
        put(.id, .string(id))
        put(.device, .string(device.text))
        put(.command, .string(command))
        put(.parameters, .object(parameters))
        put(.by, .string(by.name))
        put(.principal, by.proof)
        put(.requestedAt, .integer(requestedAt))
        put(.timeout, timeout.map(JSONValue.integer))
        put(.deadline, deadline.map(JSONValue.integer))
        put(.execution, execution.map { .string($0.rawValue) })
        put(.state, .string(state.rawValue))
        put(.attempt, .integer(attempt))
        put(.sentAt, sentAt.map(JSONValue.integer))
        put(.finishedAt, finishedAt.map(JSONValue.integer))
        put(.reason, reason.map { .string($0.rawValue) })
        put(.detail, detail.map(JSONValue.string))
        put(.result, result)
        put(.verification, verification.map { .string($0.rawValue) })
        put(.gateway, gateway.map(JSONValue.string))
        put(.epoch, epoch.map(JSONValue.integer))
        put(.cancelRequestedBy, (cancelRequestedBy?.name).map(JSONValue.string))
        put(.cancelPrincipal, cancelRequestedBy?.proof(at: cancelRequestedAt))
        put(.cancelRequestedAt, cancelRequestedAt.map(JSONValue.integer))
        for (name, value) in additional where members[name] == nil { members[name] = value }
        return .object(members)
    }

    /// ``json`` as bytes.
    public func serialized() -> [UInt8] { json.serialized() }

    private enum Member: String, CaseIterable {
        case id, device, command, parameters, by, principal, requestedAt, timeout, deadline, execution, state, attempt,
            sentAt,
            finishedAt
        case reason, detail, result, verification, gateway, epoch, cancelRequestedBy, cancelPrincipal, cancelRequestedAt
    }
}
