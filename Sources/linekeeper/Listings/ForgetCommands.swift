import ArgumentParser
import Gateway
import Plant
import ZooKeeperClient

/// What all `forget` commands take.
struct ForgetOptions: ParsableArguments {
    @Flag(
        name: .long,
        help: "All that the configuration does not define any more, of those that match the filter (default: #).")
    var orphaned = false

    @Option(name: .long, help: ArgumentHelp("Who asks for it. Default: you.", valueName: "name"))
    var by: String = Person.current

    @Option(name: .long, help: ArgumentHelp("What to remember about it.", valueName: "text"))
    var comment: String?
}

struct AlarmsForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove an alarm that nothing defines any more, or whose tag is gone.",
        discussion: """
            The record goes from the tree and from the broker, and the journal says who wanted it. An alarm that is \
            defined stays while its tag is known: forget its tag or device, which takes its alarms with it. Should the \
            tag be heard again beyond a limit, the alarm is raised again.

            Examples:

              linekeeper alarms forget factory/line1/press1/temperature overtemperature
              linekeeper alarms forget --orphaned 'factory/line1/#'

            Exit status 1 when something was refused.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var options: ForgetOptions

    @Argument(help: "The tag, as the listing shows it; with --orphaned a filter.")
    var tag: String?

    @Argument(help: "The alarm's name.")
    var alarm: String?

    func validate() throws {
        guard options.orphaned == (alarm == nil), options.orphaned || tag != nil else {
            throw ValidationError("say which alarm: its tag and its name, or --orphaned")
        }
        try Forgetting.check([tag, alarm])
    }

    func run() async throws {
        if let tag, let alarm { return try await Forgetting.run([.alarm(alarm, tag: tag)], options, tree) }
        let definitions = try Forgetting.definitions(tree)
        let listing = AlarmRow.listing(try Forgetting.filter(tag), normal: true, definitions: definitions)
        try await Forgetting.run(listing, options, tree) { row in
            row.isOrphaned ? .alarm(row.record.path.alarm, tag: row.record.path.tag.text) : nil
        }
    }
}

struct TagsForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove a tag that nothing defines any more, or that is silent.",
        discussion: """
            The tag and its alarms go from the tree, and the journal says who wanted it. A tag of a device that is \
            online goes only once it is stale or no route makes it. It comes back with its next message, a retained \
            one included: clear that on the broker first (mosquitto_pub -r -n -t TOPIC).

            Examples:

              linekeeper tags forget factory/line1/press1/temperature
              linekeeper tags forget --orphaned

            Exit status 1 when something was refused.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var options: ForgetOptions

    @Argument(help: "The tag, as the listing shows it, or a filter.")
    var tag: String?

    func validate() throws {
        guard options.orphaned || tag != nil else { throw ValidationError("say which tag, or --orphaned") }
        try Forgetting.check([tag])
    }

    func run() async throws {
        if let tag, !options.orphaned, !Forgetting.isFilter(tag) {
            return try await Forgetting.run([.tag(tag)], options, tree)
        }
        let orphaned = options.orphaned
        let definitions = orphaned ? try Forgetting.definitions(tree) : .none
        let listing = TagRow.listing(try Forgetting.filter(tag), definitions: definitions)
        try await Forgetting.run(listing, options, tree) { $0.isOrphaned || !orphaned ? .tag($0.tag.text) : nil }
    }
}

struct DevicesForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove a device that is gone, with its tags and their alarms.",
        discussion: """
            All of it goes from the tree in one act, and the journal says who wanted it. A device that is online stays, \
            unless its route is gone; so does a gateway that runs. What is heard of the device later, retained messages \
            included, brings it back.

            Examples:

              linekeeper devices forget factory/line1/press1
              linekeeper devices forget linekeeper/gateways/old-gateway
              linekeeper devices forget --orphaned

            Exit status 1 when something was refused.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var options: ForgetOptions

    @Argument(help: "The device, as the listing shows it, or a filter.")
    var device: String?

    func validate() throws {
        guard options.orphaned || device != nil else { throw ValidationError("say which device, or --orphaned") }
        try Forgetting.check([device])
    }

    func run() async throws {
        if let device, !options.orphaned, !Forgetting.isFilter(device) {
            return try await Forgetting.run([.device(device)], options, tree)
        }
        let orphaned = options.orphaned
        let definitions = orphaned ? try Forgetting.definitions(tree) : .none
        let listing = DeviceRow.listing(try Forgetting.filter(device), definitions: definitions)
        try await Forgetting.run(listing, options, tree) {
            $0.isOrphaned || !orphaned ? .device($0.record.device) : nil
        }
    }
}

/// Asks for each removal and says what became of it.
enum Forgetting {
    static func definitions(_ tree: TreeOptions) throws -> Definitions {
        let definitions = try Definitions(tree)
        guard definitions.areKnown else {
            throw CommandFailure(
                .usage,
                "--orphaned needs the configuration that says what is defined: name it with --config FILE, without --server and --plant"
            )
        }
        return definitions
    }

    static func isFilter(_ text: String) -> Bool {
        text.split(separator: "/").contains { $0 == "+" || $0 == "#" }
    }

    /// - Throws: a mistake of the command line, for names that nothing has.
    static func check(_ names: [String?]) throws {
        for case let name? in names {
            guard !name.isEmpty else { throw ValidationError("a name is empty") }
            guard name.utf8.count <= AlarmRequest.textLimit else {
                throw ValidationError("a name has more than \(AlarmRequest.textLimit) bytes")
            }
        }
    }

    static func filter(_ text: String?) throws -> TopicFilter {
        var argument = FilterArgument()
        argument.filter = text ?? "#"
        return try argument.parsed()
    }

    static func run<Row: ListedRow>(
        _ listing: TreeListing<Row>, _ options: ForgetOptions, _ tree: TreeOptions,
        subject: @escaping @Sendable (Row) -> AlarmRequest.Subject?
    ) async throws {
        let subjects = try await tree.withTree { try await listing.rows($0).compactMap(subject) }
        guard !subjects.isEmpty else {
            return Terminal.errorLine(
                options.orphaned ? "no \(Row.noun) is orphaned" : "no \(Row.noun) matches")
        }
        try await run(subjects, options, tree)
    }

    static func run(
        _ subjects: [AlarmRequest.Subject], _ options: ForgetOptions, _ tree: TreeOptions
    ) async throws {
        let (by, comment, orphaned) = (options.by, options.comment, options.orphaned)
        let refused = try await tree.withTree { client in
            var refused = 0
            for subject in subjects {
                var request = AlarmRequest(.forget, subject, by: by, comment: comment, at: WallClock.now())
                request.onlyIfOrphaned = orphaned
                let answer = try await AlarmRequests.ask(request, client)
                if answer.result == .done {
                    Terminal.line(printable("forgotten: \(text(subject))\(companions(answer))"))
                } else {
                    refused += 1
                    Terminal.errorLine(
                        printable("not forgotten: \(text(subject)): \(answer.reason ?? "refused")"))
                }
            }
            return refused
        }
        if refused > 0 { throw CommandFailure(.no) }
    }

    private static func text(_ subject: AlarmRequest.Subject) -> String {
        switch subject {
        case .alarm(let alarm, let tag): "alarm \(alarm) on \(tag)"
        case .tag(let tag): "tag \(tag)"
        case .device(let device): "device \(device)"
        }
    }

    /// What went with a tag or device.
    private static func companions(_ answer: AlarmRequest) -> String {
        guard let removed = answer.removed else { return "" }
        var parts: [String] = []
        if case .device = answer.subject, removed.tags > 0 { parts.append(count(removed.tags, "tag")) }
        if case .alarm = answer.subject {} else if removed.alarms > 0 { parts.append(count(removed.alarms, "alarm")) }
        return parts.isEmpty ? "" : " with \(parts.joined(separator: " and "))"
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
