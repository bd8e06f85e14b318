import Plant

/// Which commands have no name of their own, are for nothing, or refuse every time.
extension PlantSections {
    func checkCommands(_ delivered: DeliveredTags) {
        var devices = TopicPatternIndex()
        for pattern in routes.flatMap(\.definition.devicePatterns) { devices.insert(pattern) }
        var heard = TopicPatternIndex()
        var hearers: [(route: Int, pattern: TopicPattern)] = []
        if commands.contains(where: { $0.definition.answer != nil }) {
            for (number, route) in routes.enumerated() {
                for pattern in route.definition.subscriptionFilters.map({ TopicPattern($0) }) {
                    heard.insert(pattern)
                    hearers.append((number, pattern))
                }
            }
        }
        var named: [String: (index: TopicPatternIndex, commands: [Int])] = [:]
        for (number, command) in commands.enumerated() {
            let definition = command.definition
            let pattern = TopicPattern(definition.devices)
            var earlier = named[definition.name] ?? (TopicPatternIndex(), [])
            if let first = earlier.index.overlapping(pattern).first {
                command.place(["name"]).report(
                    "command \"\(definition.name)\" stands at \(commands[earlier.commands[first]].value.location) already, for some of the same devices",
                    expected: "one command of a name for a device")
            }
            // Taken out of the table first, so that the index is not copied.
            named[definition.name] = nil
            earlier.index.insert(pattern)
            earlier.commands.append(number)
            named[definition.name] = earlier
            if devices.overlapping(pattern).isEmpty, !routes.isEmpty {
                command.place(["devices"]).warn(
                    "command \"\(definition.name)\" is for \(definition.devices), which no route delivers",
                    expected: "devices of a route")
            }
            // A tag that never has a value refuses the command every time: better found now than at the machine.
            for tag in definition.interlock?.tags ?? [] where !routes.isEmpty {
                checkInput(tag, of: command, delivered)
            }
            checkVerification(of: command, delivered)
            checkOwnVoice(of: command, delivered)
            checkAnswer(of: command, heard, hearers)
            checkMetric(of: command)
        }
    }

    /// A gateway hears what it publishes: that must not pass for the device's answer, nor for what the device shows.
    private func checkOwnVoice(of command: Located<CommandDefinition>, _ delivered: DeliveredTags) {
        let definition = command.definition
        let topic = TopicPattern(definition.topic, devices: definition.devices)
        if let answer = definition.answer,
            TopicPattern(answer.topic, devices: definition.devices).overlaps(topic)
        {
            command.place(["answer", "topic"]).report(
                "the answers to command \"\(definition.name)\" can come on the topic of the command itself: the gateway would take what it has sent for an answer",
                expected: "a topic of its own for answers")
        }
        // Routes before which another one takes the topic, and makes nothing of it, do not hear it.
        let silent = routes.firstIndex {
            $0.definition.payload == .nothing && TopicPattern($0.definition.topic).contains(topic)
        }
        guard let tag = definition.verification?.tag,
            let source = delivered.sources(of: TopicPattern(tag, devices: definition.devices)).first(where: { source in
                let route = routes[source.route].definition
                // What hosts write to metrics is none of the values that edge nodes tell.
                return source.route < silent ?? .max && TopicPattern(route.topic).overlaps(topic)
                    && !(route.payload == .sparkplug && definition.metric != nil)
            })
        else { return }
        let route = routes[source.route]
        command.place(["verify", "tag"]).report(
            "route \"\(route.definition.name)\" at \(route.value.location) takes the topic of command \"\(definition.name)\" as well: what the gateway sends would verify itself",
            expected: "another topic for the command, or before that route one with payload: none that takes the topic")
    }

    /// A tag that never has a value verifies nothing.
    private func checkVerification(of command: Located<CommandDefinition>, _ delivered: DeliveredTags) {
        guard !routes.isEmpty, let tag = command.definition.verification?.tag,
            let filter = try? TopicFilter(tag.filter(devices: command.definition.devices)),
            !delivered.overlap(TopicPattern(filter))
        else { return }
        command.place(["verify", "tag"]).warn(
            "command \"\(command.definition.name)\" is verified by \(filter), which no route delivers: it never will be",
            expected: "tags of a route")
    }

    /// What comes where devices answer is an answer, and no sample.
    private func checkAnswer(
        of command: Located<CommandDefinition>, _ heard: TopicPatternIndex,
        _ hearers: [(route: Int, pattern: TopicPattern)]
    ) {
        guard let filter = command.definition.answerFilter.flatMap({ try? TopicFilter($0) }) else { return }
        let pattern = TopicPattern(filter)
        if pattern.levels.last == .rest, let taken = heard.overlapping(pattern).first {
            // The topic of a device of several levels is known by its beginning only.
            let route = routes[hearers[taken].route]
            command.place(["answer", "topic"]).report(
                "the answers to command \"\(command.definition.name)\" are listened for on \(filter), and what comes there is no sample: route \"\(route.definition.name)\" at \(route.value.location) would lose what it has in common with it",
                expected: "a beginning of its own for answers, such as \"answers/{device}\"")
            return
        }
        guard let taken = heard.overlapping(pattern).first(where: { pattern.contains(hearers[$0].pattern) }) else {
            return
        }
        let route = routes[hearers[taken].route]
        command.place(["answer", "topic"]).warn(
            "the answers to command \"\(command.definition.name)\" come on \(filter), and what comes there is no sample: route \"\(route.definition.name)\" at \(route.value.location) gets nothing of it",
            expected: "a topic of its own for answers, or verify in place of answer")
    }

    private func checkInput(_ tag: String, of command: Located<CommandDefinition>, _ delivered: DeliveredTags) {
        let text = tag.replacing("{device}", with: command.definition.devices.filter.text)
        guard let filter = try? TopicFilter(text) else { return }
        let sources = delivered.sources(of: TopicPattern(filter))
        guard sources.isEmpty else { return checkThatSilenceShows(filter, sources, in: command) }
        command.place(["interlock"]).warn(
            "the interlock of command \"\(command.definition.name)\" asks for \(text), which no route delivers: it will always refuse",
            expected: "tags of a route")
    }

    /// If nothing can make a value stale, a command could pass on an old one, so the gateway refuses the command.
    private func checkThatSilenceShows(
        _ input: TopicFilter, _ sources: [(route: Int, pattern: TopicPattern)], in command: Located<CommandDefinition>
    ) {
        guard command.definition.interlockInputAge == nil else { return }
        let pattern = TopicPattern(input)
        for source in sources {
            let route = routes[source.route]
            if !route.definition.vouchesForItsTags {
                command.place(["interlock"]).reportTolerated(
                    "the interlock of command \"\(command.definition.name)\" refuses: nothing tells whether \(input) has fallen silent, because route \"\(route.definition.name)\" at \(route.value.location) has neither presence nor staleAfter with reporting",
                    expected: "one of them there, or interlockInputAge here")
                return
            }
            if source.pattern.contains(pattern) { return }
        }
    }
}
