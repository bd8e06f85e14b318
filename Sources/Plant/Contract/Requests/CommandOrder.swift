package import JSON
package import OrderedCollections

/// A command as somebody asks for it; the owner of the device's shard makes a ``CommandRecord`` of it.
package struct CommandOrder: Sendable, Hashable {
    /// The command's id; nil: that of the request. In a mailbox requests have ids of their own: one that is withdrawn and
    /// asked for again must not be taken for the former.
    package var id: String?
    package var device: TagPath
    package var command: String
    package var parameters: OrderedDictionary<String, JSONValue>
    /// How long the requester is ready to wait, when the request has no deadline.
    package var timeout: Milliseconds?

    package init(
        id: String? = nil, device: TagPath, command: String, parameters: OrderedDictionary<String, JSONValue> = [:],
        timeout: Milliseconds? = nil
    ) {
        self.id = id
        self.device = device
        self.command = command
        self.parameters = parameters
        self.timeout = timeout
    }

    init(reading members: OrderedDictionary<String, JSONValue>) throws(RecordMistake) {
        let members = try RecordReader<Member>(.object(members))
        let id = try members.text(.id)
        if let mistake = id.flatMap(CommandRecord.mistake(inID:)) { throw members.mistake(.id, mistake) }
        self.init(
            id: id, device: try CommandRecord.device(try members.requiredText(.device)),
            command: try members.requiredText(.command), parameters: try members.object(.parameters) ?? [:],
            timeout: try members.integer(.timeout))
        guard command.utf8.count <= CommandRecord.nameLengthLimit else {
            throw members.mistake(.command, "has more than \(CommandRecord.nameLengthLimit) bytes")
        }
    }

    var members: OrderedDictionary<String, JSONValue> {
        var members: OrderedDictionary<String, JSONValue> = [:]
        members[Member.id.rawValue] = id.map(JSONValue.string)
        members[Member.device.rawValue] = .string(device.text)
        members[Member.command.rawValue] = .string(command)
        members[Member.parameters.rawValue] = .object(parameters)
        members[Member.timeout.rawValue] = timeout.map(JSONValue.integer)
        return members
    }

    private enum Member: String, CaseIterable { case id, device, command, parameters, timeout }
}
