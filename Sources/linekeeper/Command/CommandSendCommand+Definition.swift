import ArgumentParser
import JSON
import OrderedCollections
import Plant
import PlantConfiguration

extension CommandSendCommand {
    /// What the configuration knows of the command; nil when there is no configuration here, and then the gateway decides.
    func definition() throws -> CommandDefinition? {
        guard let plant = try tree.ownDefinition else { return nil }
        guard let path = try? TagPath(device) else { return nil }
        let catalogue = CommandCatalogue(plant.commands)
        do throws(CommandCatalogue.Absence) {
            return try catalogue.definition(of: name, for: path)
        } catch {
            let known = catalogue.definitions(for: path).map(\.name)
            let list = known.isEmpty ? "the configuration has none for it" : "it knows \(known.joined(separator: ", "))"
            let hint = Spelling.nearest(to: name, in: known).map { " (did you mean \"\($0)\"?)" } ?? ""
            throw CommandFailure(
                .no, "\(printable(device)) does not know a command \"\(printable(name))\"\(hint); \(list)")
        }
    }

    /// The parameters as the definition has them; without one, what is JSON is taken as such.
    func values(_ definition: CommandDefinition?) throws -> OrderedDictionary<String, JSONValue> {
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
