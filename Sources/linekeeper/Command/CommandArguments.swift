import ArgumentParser
import JSON
import OrderedCollections
import Plant
import PlantConfiguration

/// What a person types of a command: its name, and `key=value` for its parameters.
enum CommandArguments {
    /// The command of that name for that device; when there is none, says which there are.
    static func definition(
        of name: String, for device: TagPath, in plant: PlantDefinition
    ) throws -> CommandDefinition {
        let catalogue = CommandCatalogue(plant.commands)
        do throws(CommandCatalogue.Absence) {
            return try catalogue.definition(of: name, for: device)
        } catch {
            let known = catalogue.definitions(for: device).map(\.name)
            let list = known.isEmpty ? "the configuration has none for it" : "it knows \(known.joined(separator: ", "))"
            let hint = Spelling.nearest(to: name, in: known).map { " (did you mean \"\($0)\"?)" } ?? ""
            throw CommandFailure(
                .no, "\(printable(device.text)) does not know a command \"\(printable(name))\"\(hint); \(list)")
        }
    }

    /// Finds what is no `key=value`.
    static func validate(_ parameters: [String]) throws {
        for parameter in parameters where !parameter.contains("=") || parameter.hasPrefix("=") {
            throw ValidationError("\"\(parameter)\" is not a parameter; expected key=value, such as rpm=1200")
        }
    }

    /// The parameters as the definition has them; without one, what is JSON is taken as such.
    static func values(
        _ parameters: [String], _ definition: CommandDefinition?
    ) throws -> OrderedDictionary<String, JSONValue> {
        var values: OrderedDictionary<String, JSONValue> = [:]
        for parameter in parameters {
            guard let equals = parameter.firstIndex(of: "=") else { continue }
            let key = String(parameter[..<equals])
            let text = String(parameter[parameter.index(after: equals)...])
            if values[key] != nil { throw ValidationError("parameter \(key) is given twice") }
            do throws(CommandParameter.Mistake) {
                if let declared = definition?.parameters.first(where: { $0.name == key }) {
                    values[key] = try declared.value(fromText: text)
                } else {
                    values[key] = (try? JSONValue(parsing: text)) ?? .string(text)
                }
            } catch {
                throw CommandFailure(.no, "\(error)")
            }
        }
        do throws(CommandParameter.Mistake) { _ = try definition?.checked(values) } catch {
            throw CommandFailure(.no, "\(error)")
        }
        return values
    }
}
