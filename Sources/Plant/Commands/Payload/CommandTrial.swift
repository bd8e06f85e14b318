package import JSON
package import OrderedCollections

/// What would be published for a command, tried out without any connection. A value without I/O.
package struct CommandTrial {
    package let definition: CommandDefinition
    package let device: TagPath
    package let message: CommandMessage

    /// - Parameters:
    ///   - id: that the message would have where it has one.
    ///   - epoch: of the gateway that would send it.
    /// - Throws: Why the command would be refused.
    package init(
        _ definition: CommandDefinition, device: TagPath, given: OrderedDictionary<String, JSONValue>,
        id: String = "example", by: String, epoch: Int64 = 1, at now: Milliseconds
    ) throws(CommandParameter.Mistake) {
        self.definition = definition
        self.device = device
        var record = CommandRecord(
            id: id, device: device, command: definition.name, by: Principal(claimed: by), requestedAt: now)
        record.parameters = try definition.checked(given)
        message = try definition.message(record, deadline: now.addingClamped(definition.timeout), epoch: epoch)
    }
}
