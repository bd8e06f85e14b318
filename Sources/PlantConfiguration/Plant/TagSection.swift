import Plant
import Yams

/// One element of `tags`.
enum TagSection {
    static let keys = ["filter", "description", "area", "range"]
    /// Longest description in bytes: a line for a person, not a manual.
    static let descriptionLimit = 500

    static func read(_ value: ConfigurationValue) -> TagRule? {
        let label = value.place(["filter"]).node.scalar?.string
        let value = value.renamed(label.map { "tags \"\(ConfigurationValue.label($0))\"" } ?? value.name)
        guard let section = value.section(keys: keys) else { return nil }
        let filter = section.required("filter", "a filter such as factory/+/+/temperature").flatMap { $0.topicFilter() }
        guard section["description"] != nil || section["area"] != nil || section["range"] != nil else {
            value.report("\(value.name) says nothing of its tags", expected: "description, area or range")
            return nil
        }
        let traits = TagTraits(
            description: section["description"].flatMap(description), area: section["area"].flatMap(area),
            range: section["range"].flatMap(range))
        return filter.map { TagRule(tags: $0, traits: traits) }
    }

    private static func description(_ value: ConfigurationValue) -> String? {
        guard let text = value.string() else { return nil }
        guard text.utf8.count <= descriptionLimit else {
            value.report("\(value.name) is longer than \(descriptionLimit) bytes", expected: "a line of text")
            return nil
        }
        return text
    }

    private static func area(_ value: ConfigurationValue) -> TagPath? {
        let expected = "levels from the outside in, such as hall1/press"
        guard let text = value.text(expected) else { return nil }
        do throws(TagPath.Refusal) {
            let area = try TagPath(text)
            if !area.levels.contains(where: \.isEmpty) { return area }
            value.report("\(value.name) is \"\(text)\": a level is empty", expected: expected)
        } catch {
            value.report("\(value.name) is \"\(text)\": \(error)", expected: expected)
        }
        return nil
    }

    private static func range(_ value: ConfigurationValue) -> TagRange? {
        guard let section = value.section(keys: ["low", "high"]),
            let low = section.required("low", "the lowest value that the sensor shows")?.number(),
            let high = section.required("high", "the highest value that the sensor shows")?.number()
        else { return nil }
        if let range = TagRange(low: low, high: high) { return range }
        value.report("\(value.name) ends where it begins, or before", expected: "low below high")
        return nil
    }
}
