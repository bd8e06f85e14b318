import JSON

extension CommandDefinition {
    /// Finds what is wrong with the definition, so that no request can meet it.
    func check() throws(Mistake) {
        guard !name.isEmpty, name.utf8.count <= 128, name.utf8.allSatisfy(Self.isNameByte) else { throw .name(name) }
        guard (1...Self.timeoutLimit).contains(timeout) else { throw .timeout(timeout) }
        if let interlockInputAge, interlockInputAge < 1 { throw .inputAge(interlockInputAge) }
        if let answer, answer.succeeded.isEmpty { throw .answerWithoutSuccess }
        var names: Set<String> = []
        for parameter in parameters {
            guard names.insert(parameter.name).inserted else { throw .parameterTwice(parameter.name) }
            try Self.check(parameter)
        }
        try checkNames()
        try checkTopics()
        try checkMetric()
        try checkPayload()
        try checkVerification()
    }

    // MARK: Parameters

    private static func check(_ parameter: CommandParameter) throws(Mistake) {
        let name = parameter.name
        guard (1...128).contains(name.utf8.count),
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw .parameterName(name)
        }
        if parameter.minimum != nil || parameter.maximum != nil {
            guard parameter.kind == .number || parameter.kind == .integer else { throw .boundsWithoutNumber(name) }
            guard parameter.minimum ?? -.infinity <= parameter.maximum ?? .infinity else { throw .bounds(name) }
        }
        try checkWords(of: parameter)
        if let values = parameter.values {
            guard !values.isEmpty else { throw .noValues(name) }
            for value in values {
                do { _ = try parameter.check(value) } catch { throw .value(name, error) }
            }
        }
        if let value = parameter.defaultValue {
            do { _ = try parameter.check(value) } catch { throw .value(name, error) }
        }
    }

    /// A value without a word would be refused every time: better found now.
    private static func checkWords(of parameter: CommandParameter) throws(Mistake) {
        guard let words = parameter.words else { return }
        let name = parameter.name
        guard !words.isEmpty else { throw .words(name, why: "it has no words") }
        var wordless = parameter
        wordless.words = nil
        for (index, word) in words.enumerated() {
            do { _ = try wordless.check(word.value) } catch {
                throw .words(name, why: "a value that it cannot have: \(error)")
            }
            if words[..<index].contains(where: { CommandParameter.areEqual($0.value, word.value) }) {
                throw .words(name, why: "\(word.value) has two words")
            }
            switch word.word {
            case .bool, .integer, .number, .string: break
            case .null, .array, .object:
                throw .words(name, why: "\(word.word) is no word: text, a number, true or false")
            }
        }
        if let missing = parameter.fewValues?.first(where: { parameter.word(for: $0) == nil }) {
            throw .words(name, why: "\(missing) has no word")
        }
    }

    // MARK: Templates

    /// What stands for something in this command's templates.
    private var known: [String] { CommandPlaceholders.own + devices.names + parameters.map(\.name) }

    /// Earlier versions had no templates beside `{device}`, and commands without any keep the names that they have.
    private var hasTemplates: Bool {
        switch payload {
        case .text, .json, .metric: true
        case .envelope, .nothing: !devices.names.isEmpty || !topic.placeholders.isEmpty || verification != nil
        }
    }

    private func checkNames() throws(Mistake) {
        for name in devices.names where CommandPlaceholders.own.contains(name) { throw .reservedLevel(name) }
        guard hasTemplates else { return }
        for parameter in parameters
        where CommandPlaceholders.own.contains(parameter.name) || devices.names.contains(parameter.name) {
            throw .ambiguousName(parameter.name)
        }
    }

    private func checkTopics() throws(Mistake) {
        let parameterNames = parameters.map(\.name)
        try check(topic.placeholders, .topic, known: ["device"] + devices.names + parameterNames)
        if let mistake = Self.mistake(in: topic, for: devices) { throw mistake }
        if topic.text.utf8.first == UInt8(ascii: "$") || topic.text.utf8.starts(with: "linekeeper/".utf8) {
            throw .ownTopic(topic.text)
        }
        for name in topic.placeholders + (verification?.tag?.placeholders ?? []) { try checkLevels(of: name) }
        if let answer {
            // An answer's topic is listened to before anything is asked: parameters are not known then.
            try check(answer.topic.placeholders, .answerTopic, known: ["device"] + devices.names)
        }
    }

    /// Values that are known now and cannot be a level would be refused every time.
    func checkLevels(of name: String) throws(Mistake) {
        guard let parameter = parameter(name) else { return }
        let values = (parameter.values ?? []) + (parameter.words ?? []).map(\.word)
        for text in (values + (parameter.defaultValue.map { [$0] } ?? [])).map(\.plainText) {
            guard let why = CommandParameter.mistake(inLevel: text) else { continue }
            throw .value(name, .notALevel(name, text: text, why: why))
        }
    }

    /// Whether several devices would hear what is published on the topic.
    package static func mistake(in topic: DeviceTemplate, for devices: CommandDevices) -> Mistake? {
        if devices.isOne || topic.hasDevice { return nil }
        let isTold = devices.isToldByNames && devices.names.allSatisfy { topic.placeholders.contains($0) }
        return isTold ? nil : .topicForAll(devices.names)
    }

    /// Holds placeholders that must have a value against what there is.
    func check(_ placeholders: [String], _ use: TemplateUse, known: [String]) throws(Mistake) {
        for name in placeholders {
            guard known.contains(name) else { throw .unknownPlaceholder(name, in: use, known: known) }
            guard parameter(name)?.isAlwaysGiven ?? true else { throw .optionalPlaceholder(name, in: use) }
        }
    }

    private func parameter(_ name: String) -> CommandParameter? { parameters.first { $0.name == name } }

    private func checkPayload() throws(Mistake) {
        for name in payload.placeholders where !known.contains(name) {
            throw .unknownPlaceholder(name, in: .payload, known: known)
        }
        try check(payload.neededPlaceholders, .payload, known: known)
        if case .text(let text) = payload, text.onlyPlaceholder == nil {
            for name in text.placeholders where isFreeText(name) { throw .freeText(name) }
        }
        if let answer, case .place = answer.id, !payload.carriesID { throw .idNotSent }
    }

    /// Whether somebody outside decides what stands there, and may write anything: beside other text it could end what the
    /// template begins, as the second command in Tasmota's `Backlog Power on; …` does.
    private func isFreeText(_ name: String) -> Bool {
        // Whether there is such a device nobody asks.
        if name == "by" || name == "device" || devices.names.contains(name) { return true }
        guard let parameter = parameter(name), parameter.kind == .text else { return false }
        return parameter.values == nil && parameter.words == nil
    }

    private func checkVerification() throws(Mistake) {
        guard let verification else { return }
        if let within = verification.within, !(1...timeout).contains(within) { throw .within(within) }
        let isNumber: Bool
        switch verification.subject {
        case .tag(let tag, let wanted):
            let parameterNames = parameters.map(\.name)
            try check(tag.placeholders, .verifiedTag, known: ["device"] + devices.names + parameterNames)
            if case .parameter(let name) = wanted { try check([name], .verifiedValue, known: parameterNames) }
            isNumber = self.isNumber(wanted, asWord: false)
        case .echo:
            guard let metric else { throw .echoWithoutMetric }
            isNumber = self.isNumber(metric.value, asWord: true)
        }
        if let tolerance = verification.tolerance, !isNumber || !(tolerance >= 0 && tolerance.isFinite) {
            throw .tolerance
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
