import Plant

/// Reads the configuration of one gateway: the main document, then those that it includes.
///
/// Opens nothing itself: its caller hands the documents over, and what must be known of the machine comes through
/// ``MachineFacts``. In order: ``read(main:)``, ``read(included:)`` or ``report(unreadable:because:)`` for each name that it
/// answers, ``configuration()``.
package struct ConfigurationReader {
    private static let keys = LocalReader.keys + PlantReader.keys

    private let intake: DocumentIntake
    private let localReader: LocalReader
    private var plantReader: PlantReader
    private var local: LocalConfiguration?
    /// Where the main document says on which topics requesters may be answered.
    private var replyPrefix: ConfigurationValue?
    /// Where it says which version of MQTT is spoken.
    private var protocolVersion: ConfigurationValue?

    /// - Parameter variables: What `${…}` stands for.
    package init(variables: [String: String], machine: any MachineFacts) {
        intake = DocumentIntake(variables: variables, zones: machine)
        localReader = LocalReader(machine: machine)
        plantReader = PlantReader(intake)
    }

    /// Reads the main document, and answers the names of those that it includes, relative to where its own name is.
    package mutating func read(main document: ConfigurationDocument) -> [String] {
        guard let root = intake.section(document, keys: Self.keys) else { return [] }
        local = localReader.read(root)
        replyPrefix = root.value.place(["mqtt", "replyPrefix"])
        protocolVersion = root.value.place(["mqtt", "protocol"])
        plantReader.read(root)
        return (root["include"]?.list(of: "file names") ?? []).compactMap { include in
            guard let name = include.text("a file name") else { return nil }
            let path = include.path(name)
            guard path == document.name else { return path }
            include.report("\(name) includes itself", expected: "another file")
            return nil
        }
    }

    package mutating func read(included document: ConfigurationDocument) { plantReader.read(document) }

    /// A document that could not be had.
    package mutating func report(unreadable name: String, because reason: String) {
        intake.report(unreadable: name, because: reason)
    }

    /// What was read, after everything that concerns several parts of it was checked.
    package func configuration() throws(ConfigurationError) -> GatewayConfiguration {
        let plant = plantReader.checked()
        if let prefix = local?.mqtt.replyPrefix, let taker = ReplyPrefix.taker(of: prefix, in: plant) {
            replyPrefix?.report(
                "mqtt.replyPrefix: answers below \(prefix) would be taken for messages of \(taker)",
                expected: "a prefix of its own for answers")
        }
        if local?.mqtt.protocolVersion == .v311,
            let command = plant.commands.first(where: { $0.answer?.id == .correlation })
        {
            protocolVersion?.warn(
                "answers to command \"\(command.name)\" are told by their correlation data, which MQTT 3.1.1 does not have: none will be known",
                expected: "mqtt.protocol: 5")
        }
        guard let local, !intake.problems.hasMistakes else { throw ConfigurationError(problems: intake.problems.all) }
        return GatewayConfiguration(
            local: local, plant: plant, warnings: intake.problems.all.filter { $0.severity != .mistake })
    }

    /// Where the tree is and how to come in, of a main document that needs to hold nothing else.
    ///
    /// - Parameter document: nil when it could not be had.
    package func tree(
        main document: ConfigurationDocument?
    ) throws(ConfigurationError) -> (place: TreePlace, access: TreeAccess) {
        let root = document.flatMap { intake.section($0, keys: Self.keys) }
        let tree = root.flatMap { localReader.readTree(of: $0, plant: nil) }
        guard let tree, !intake.problems.hasMistakes else { throw ConfigurationError(problems: intake.problems.all) }
        return (tree.place, tree.access)
    }
}
