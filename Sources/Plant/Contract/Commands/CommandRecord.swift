public import JSON
public import OrderedCollections

/// One command, from the operator's request to its end: the data of `/commands/<id>`.
///
/// The owner of the device's shard creates it (`REQUESTED`) when it answers the ``Request`` for it, and writes it from then
/// on, fenced by its lease. The id is the requester's and the idempotency key. Requesters of earlier versions create it
/// themselves, and set ``cancelRequestedBy`` and ``cancelRequestedAt`` while the state is `REQUESTED`.
public struct CommandRecord: Sendable, Hashable {
    public var id: String
    /// Such as `factory/line1/press1`.
    public var device: TagPath
    public var command: String
    /// As requested; from the first write of the owner on, complete with defaults.
    public var parameters: OrderedDictionary<String, JSONValue>
    /// Who asked.
    public var by: Principal
    public var requestedAt: Milliseconds
    /// The moment after which the device must not execute it and nobody may send it. Without it the owner takes
    /// `requestedAt` + ``timeout``, or + the definition's timeout.
    public var deadline: Milliseconds?
    /// How long the requester is ready to wait, when it did not give a ``deadline``.
    public var timeout: Milliseconds?
    /// From the definition, filled in by the owner.
    public var execution: CommandExecution?
    public var state: CommandState
    /// How often it has been published, or, for an at-most-once command, is about to be: 0 or 1.
    public var attempt: Int64
    public var sentAt: Milliseconds?
    public var finishedAt: Milliseconds?
    public var reason: CommandReason?
    /// The reason as a sentence.
    public var detail: String?
    /// The device's answer.
    public var result: JSONValue?
    /// What the verifying tag said; nil when the command has none, or it said nothing.
    public var verification: CommandVerdict?
    /// The gateway that wrote this, and the epoch (czxid) of its shard's lock node.
    public var gateway: String?
    public var epoch: Int64?
    public var cancelRequestedBy: Principal?
    public var cancelRequestedAt: Milliseconds?
    /// Members that we do not know, kept as they are.
    public var additional: OrderedDictionary<String, JSONValue>

    /// A new request.
    public init(
        id: String, device: TagPath, command: String, parameters: OrderedDictionary<String, JSONValue> = [:],
        by: Principal,
        requestedAt: Milliseconds, deadline: Milliseconds? = nil, timeout: Milliseconds? = nil
    ) {
        self.id = id
        self.device = device
        self.command = command
        self.parameters = parameters
        self.by = by
        self.requestedAt = requestedAt
        self.deadline = deadline
        self.timeout = timeout
        state = .requested
        attempt = 0
        additional = [:]
    }

    /// The number of the next publication; no more than can be read again.
    var nextAttempt: Int64 { min(attempt &+ 1, JSONValue.countLimit) }

    /// True when `request` asks again for what this record was created for: a repetition, not another command under the same
    /// id. Times do not count, since a requester that asks again has a later clock; nor do defaults that the owner filled in.
    public func isRepeated(by request: CommandRecord) -> Bool {
        guard id == request.id, device == request.device, command == request.command, by.name == request.by.name else {
            return false
        }
        if epoch == nil, parameters.count != request.parameters.count { return false }
        return request.parameters.allSatisfy { name, value in
            guard let known = parameters[name] else { return false }
            if known == value { return true }
            guard let known = known.doubleValue, let value = value.doubleValue else { return false }
            return known == value
        }
    }
}

extension CommandRecord {
    /// Longest id, in characters.
    public static let idLengthLimit = 64

    /// Why a text cannot be a command's id; nil when it can.
    ///
    /// An id is the name of a znode, the last level of a topic and the correlation data of a message: 1 to 64 characters of
    /// `A–Z a–z 0–9 . _ -`, not beginning with a dot (nor with `@`, which is ours). `request` is taken: it is the topic on
    /// which commands are asked for.
    public static func mistake(inID id: String) -> String? {
        if id.isEmpty { return "a command needs an id" }
        if id.utf8.count > idLengthLimit { return "a command's id has at most \(idLengthLimit) characters" }
        if id.utf8.first == UInt8(ascii: ".") { return "a command's id must not begin with a dot" }
        if id == "request" { return "'request' cannot be a command's id" }
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isPlain ? nil : "a command's id consists of letters, digits, '.', '_' and '-'"
    }

    /// Why a text cannot be a device that commands go to; nil when it can.
    public static func mistake(inDevice text: String) -> String? {
        do {
            _ = try device(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// The device of that name. It becomes part of a topic that we publish on and of a line in a log, so that, beyond what
    /// every path must be, it has no empty levels and no control characters, and does not begin with `$` (the broker's own).
    public static func device(_ text: String) throws(RecordMistake) -> TagPath {
        let path: TagPath
        do { path = try TagPath(text) } catch { throw RecordMistake("device", "\(error)") }
        guard path.levels.allSatisfy({ !$0.isEmpty }) else {
            throw RecordMistake("device", "it has an empty level")
        }
        guard text.unicodeScalars.first != "$" else { throw RecordMistake("device", "it begins with $") }
        for scalar in text.unicodeScalars where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
            throw RecordMistake("device", "it contains control characters")
        }
        return path
    }
}
