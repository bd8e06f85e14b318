import JSON
import OrderedCollections

/// What the placeholders of a command's templates stand for, in one command.
struct CommandPlaceholders {
    /// What is known of every command. No parameter that stands in a template can have one of these names.
    static let own = ["device", "id", "deadline", "epoch", "by", "command"]

    let definition: CommandDefinition
    let record: CommandRecord
    let deadline: Milliseconds
    let epoch: Int64
    private let levels: [String: String]

    init(_ definition: CommandDefinition, _ record: CommandRecord, deadline: Milliseconds, epoch: Int64) {
        self.definition = definition
        self.record = record
        self.deadline = deadline
        self.epoch = epoch
        levels = definition.devices.levels(of: record.device)
    }

    /// As the device gets it: parameters in its own words, where it has some. nil for a parameter that is not given.
    func sent(_ name: String) -> JSONValue? {
        switch name {
        case "device": return .string(record.device.text)
        case "id": return .string(record.id)
        case "deadline": return .integer(deadline)
        case "epoch": return .integer(epoch)
        case "by": return .string(record.by.name)
        case "command": return .string(record.command)
        default:
            if let level = levels[name] { return .string(level) }
            guard let value = record.parameters[name] else { return nil }
            return definition.parameters.first { $0.name == name }?.word(for: value) ?? value
        }
    }
}
