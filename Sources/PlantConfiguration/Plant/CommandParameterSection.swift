import JSON
import Plant

/// `parameters` of a command.
enum CommandParameterSection {
    static let keys = ["type", "minimum", "maximum", "unit", "enum", "default", "required", "map"]

    static func read(_ value: ConfigurationValue) -> [CommandParameter]? {
        guard let entries = value.entries(of: "parameter names with their types and limits") else { return nil }
        var parameters: [CommandParameter] = []
        var isComplete = true
        for (key, value) in entries {
            if let name = key.string(), let parameter = read(name, value) {
                parameters.append(parameter)
            } else {
                isComplete = false
            }
        }
        return isComplete ? parameters : nil
    }

    private static func read(_ name: String, _ value: ConfigurationValue) -> CommandParameter? {
        guard
            let section = value.section(keys: keys),
            let kind = section.required("type", "number, integer, bool or text").flatMap({
                $0.choice(CommandParameter.Kind.allCases.map { ($0.rawValue, $0) })
            })
        else { return nil }
        var parameter = CommandParameter(name: name, kind: kind)
        parameter.minimum = section["minimum"]?.number()
        parameter.maximum = section["maximum"]?.number()
        parameter.unit = section["unit"]?.string()
        parameter.values = section["enum"]?.list(of: "allowed values")?.compactMap { $0.json() }
        parameter.defaultValue = section["default"]?.json()
        parameter.isRequired = section["required"]?.boolean() ?? true
        if let map = section["map"] {
            guard let words = readWords(map, of: kind) else { return nil }
            parameter.words = words
        }
        return parameter
    }

    private static func readWords(
        _ value: ConfigurationValue, of kind: CommandParameter.Kind
    ) -> [CommandParameter.Word]? {
        guard let entries = value.entries(of: "values with the device's words, such as {true: ON, false: OFF}") else {
            return nil
        }
        var words: [CommandParameter.Word] = []
        for (key, value) in entries {
            guard let meant = kind == .text ? key.string().map(JSONValue.string) : key.json(), let word = value.json()
            else { return nil }
            words.append(CommandParameter.Word(meant, word))
        }
        return words
    }
}
