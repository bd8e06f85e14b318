package import Plant

/// Reads what is the same for every gateway of a plant from documents, one after the other: each may hold any of the five
/// sections, and what several hold together is one definition.
///
/// Pure: opens no file, asks no environment and no clock. The caller has the bytes, of files or of elsewhere.
struct PlantReader {
    static let keys = ["routes", "tags", "alarms", "commands", "sparkplug"]

    private let intake: DocumentIntake
    private var sections = PlantSections()

    init(_ intake: DocumentIntake) { self.intake = intake }

    mutating func read(_ document: ConfigurationDocument) {
        if let section = intake.section(document, keys: Self.keys) { sections.read(section) }
    }

    /// A document that holds more than the plant's sections.
    mutating func read(_ section: ConfigurationSection) { sections.read(section) }

    /// What all documents define together, after it was checked. Definitions that have mistakes are not in it.
    func checked() -> PlantDefinition {
        sections.check()
        return sections.definition
    }
}

extension PlantDefinition {
    /// What came of documents: a definition, or mistakes.
    package struct Reading: Sendable {
        /// nil when there is a mistake.
        package var definition: PlantDefinition?
        /// In the order in which they were found.
        package var problems: [ConfigurationProblem]
    }

    /// Reads documents that hold `routes`, `tags`, `alarms`, `commands` and `sparkplug`.
    ///
    /// - Parameter variables: What `${…}` stands for. Empty where every gateway must read the same.
    /// - Parameter zones: The time zones that routes can name.
    package static func read(
        _ documents: [ConfigurationDocument], variables: [String: String], zones: any TimeZones = NoTimeZones()
    ) -> Reading {
        let intake = DocumentIntake(variables: variables, zones: zones)
        var reader = PlantReader(intake)
        for document in documents { reader.read(document) }
        let definition = reader.checked()
        return Reading(
            definition: intake.problems.hasMistakes ? nil : definition, problems: intake.problems.all)
    }
}
