public import JSON
import OrderedCollections

/// Why bytes are not a command record.
public struct CommandRecordMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// The member concerned; nil when it is the document as a whole.
    public var member: String?
    public var text: String

    public init(_ member: String?, _ text: String) {
        self.member = member
        self.text = text
    }

    public var description: String { member.map { "\($0): \(text)" } ?? text }
}

extension CommandRecord {
    /// Largest record that is read or written, in bytes; a znode holds a megabyte, a command needs none of it.
    public static let sizeLimit = 256 * 1024
    /// Longest name of a requester or of a command.
    public static let nameLengthLimit = 256

    /// Reads the data of `/commands/<id>`. Strict in what names the command, because nothing can be done for a record
    /// whose id, device or state is not known; lenient in what the owner will judge anyway.
    public init(parsing bytes: [UInt8], id: String) throws(CommandRecordMistake) {
        guard bytes.count <= Self.sizeLimit else {
            throw CommandRecordMistake(nil, "larger than \(Self.sizeLimit) bytes")
        }
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch { throw CommandRecordMistake(nil, "\(error)") }
        try self.init(json: json, id: id)
    }

    /// The same, from a document that has been read already.
    public init(json: JSONValue, id: String) throws(CommandRecordMistake) {
        guard case .object(var members) = json else { throw CommandRecordMistake(nil, "not a JSON object") }
        if let mistake = Self.mistake(inID: id) { throw CommandRecordMistake("id", mistake) }
        if let given = members.removeValue(forKey: Member.id.rawValue), given != .string(id) {
            throw CommandRecordMistake(Member.id, "is \(given), must be \"\(id)\"")
        }
        let device = try Self.device(try members.text(.device, required: true))
        let requestedAt = try members.time(.requestedAt)
        self.init(
            id: id, device: device, command: try members.text(.command, required: true),
            by: try members.text(.by, required: false),
            requestedAt: requestedAt ?? 0)
        guard command.utf8.count <= Self.nameLengthLimit, by.utf8.count <= Self.nameLengthLimit else {
            throw CommandRecordMistake(Member.command, "command and by have at most \(Self.nameLengthLimit) bytes")
        }
        switch members.take(.parameters) {
        case nil, .null?: break
        case .object(let given)?: parameters = given
        case let other?: throw CommandRecordMistake(Member.parameters, "is \(other), must be an object")
        }
        deadline = try members.time(.deadline)
        timeout = try members.integer(.timeout)
        execution = try members.named(.execution)
        state = try members.named(.state) ?? .requested
        attempt = try members.count(.attempt) ?? 0
        sentAt = try members.time(.sentAt)
        finishedAt = try members.time(.finishedAt)
        // A reason that a later version has added is not a mistake; its sentence is in `detail`.
        reason = members.take(.reason)?.stringValue.flatMap(CommandReason.init(rawValue:))
        detail = try members.optionalText(.detail)
        result = members.take(.result)
        gateway = try members.optionalText(.gateway)
        epoch = try members.integer(.epoch)
        cancelRequestedBy = try members.optionalText(.cancelRequestedBy)
        cancelRequestedAt = try members.time(.cancelRequestedAt)
        additional = members
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
        put(.by, .string(by))
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
        put(.gateway, gateway.map(JSONValue.string))
        put(.epoch, epoch.map(JSONValue.integer))
        put(.cancelRequestedBy, cancelRequestedBy.map(JSONValue.string))
        put(.cancelRequestedAt, cancelRequestedAt.map(JSONValue.integer))
        for (name, value) in additional where members[name] == nil { members[name] = value }
        return .object(members)
    }

    /// ``json`` as bytes.
    public func serialized() -> [UInt8] { json.serialized() }

    fileprivate enum Member: String {
        case id, device, command, parameters, by, requestedAt, timeout, deadline, execution, state, attempt, sentAt,
            finishedAt
        case reason, detail, result, gateway, epoch, cancelRequestedBy, cancelRequestedAt
    }
}

extension CommandRecordMistake {
    fileprivate init(_ member: CommandRecord.Member, _ text: String) { self.init(member.rawValue, text) }
}

extension OrderedDictionary<String, JSONValue> {
    fileprivate mutating func take(_ member: CommandRecord.Member) -> JSONValue? {
        removeValue(forKey: member.rawValue)
    }

    fileprivate mutating func optionalText(_ member: CommandRecord.Member) throws(CommandRecordMistake) -> String? {
        switch take(member) {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case let other?: throw CommandRecordMistake(member, "is \(other), must be text")
        }
    }

    fileprivate mutating func text(_ member: CommandRecord.Member, required: Bool) throws(CommandRecordMistake)
        -> String
    {
        if let text = try optionalText(member) { return text }
        if required { throw CommandRecordMistake(member, "is missing") }
        return ""
    }

    fileprivate mutating func integer(_ member: CommandRecord.Member) throws(CommandRecordMistake) -> Int64? {
        switch take(member) {
        case nil, .null?: return nil
        case let value?:
            guard let integer = value.intValue else {
                throw CommandRecordMistake(member, "is \(value), must be an integer")
            }
            return integer
        }
    }

    fileprivate mutating func time(_ member: CommandRecord.Member) throws(CommandRecordMistake) -> Milliseconds? {
        switch take(member) {
        case nil, .null?: return nil
        case let value?:
            guard let time = value.timeValue else {
                throw CommandRecordMistake(member, "is \(value), must be a time in milliseconds since 1970")
            }
            return time
        }
    }

    fileprivate mutating func count(_ member: CommandRecord.Member) throws(CommandRecordMistake) -> Int64? {
        switch take(member) {
        case nil, .null?: return nil
        case let value?:
            guard let count = value.countValue else {
                throw CommandRecordMistake(member, "is \(value), must be an integer from 0 to 2^53")
            }
            return count
        }
    }

    fileprivate mutating func named<Name: RawRepresentable<String> & CaseIterable>(
        _ member: CommandRecord.Member
    ) throws(CommandRecordMistake) -> Name? {
        guard let text = try optionalText(member) else { return nil }
        guard let name = Name(rawValue: text) else {
            let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandRecordMistake(member, "is \"\(text)\", must be one of \(known)")
        }
        return name
    }
}
