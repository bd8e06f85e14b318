import FoundationEssentials
import Plant
import Yams

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension GatewayConfiguration {
    static let keys = [
        "plant", "gateway", "mqtt", "tree", "flushSpacing", "limits", "include", "routes", "tags",
        "alarms", "commands",
    ]
    static let includedKeys = ["routes", "tags", "alarms", "commands"]

    /// Reads `file` and what it includes.
    ///
    /// Throws ``ConfigurationError`` with every mistake of every file; what is merely doubtful comes back in
    /// ``GatewayConfiguration/warnings``. Nothing is opened except the YAML files: a broken tree or broker does not show here.
    package static func load(
        file: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> GatewayConfiguration {
        let loader = loader(file: file, environment: environment)
        let configuration = loader.load()
        guard let configuration, !loader.problems.hasMistakes else {
            throw ConfigurationError(problems: loader.problems.all)
        }
        return configuration
    }

    /// Reads only where the tree is and how to come in: of a file that needs to hold nothing else.
    package static func loadTree(
        file: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> (place: TreePlace, access: TreeAccess) {
        let loader = loader(file: file, environment: environment)
        let tree = loader.loadTree()
        guard let tree, !loader.problems.hasMistakes else { throw ConfigurationError(problems: loader.problems.all) }
        return (tree.place, tree.access)
    }

    private static func loader(file: String, environment: [String: String]) -> ConfigurationLoader {
        var environment = environment
        if environment["HOSTNAME", default: ""].isEmpty {
            // Shells set HOSTNAME but do not export it, and systemd does not know it.
            environment["HOSTNAME"] = hostName()
        }
        return ConfigurationLoader(file: file, environment: environment, problems: ConfigurationProblems())
    }

    private static func hostName() -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}

/// Reads the files of one configuration, section by section.
struct ConfigurationLoader {
    let file: String
    let environment: [String: String]
    let problems: ConfigurationProblems

    func load() -> GatewayConfiguration? {
        let main = ConfigurationFile(path: file, environment: environment, problems: problems)
        guard let root = main.root()?.section(keys: GatewayConfiguration.keys) else { return nil }

        let place = root.required("plant", "the plant's name, such as bottling").flatMap(readPlant)
        let plant = place?.name
        let gateway = identifier(root.required("gateway", "this gateway's name, such as ${HOSTNAME}"))
        let mqtt = root.required("mqtt", "a mapping with the broker's address").flatMap(readMQTT)
        let tree = root.required("tree", "a mapping with embedded or ensemble").flatMap { readTree($0, plant: plant) }
        let flushSpacing =
            root["flushSpacing"].flatMap { $0.duration(in: .zero ... .seconds(60)) } ?? .milliseconds(5)
        let limits = root["limits"].map(readLimits) ?? GatewayLimits()

        var plantSections = PlantSections()
        plantSections.read(root)
        for include in root["include"]?.list(of: "file names") ?? [] {
            guard let name = include.text("a file name") else { continue }
            let included = ConfigurationFile(
                path: Self.path(name, relativeTo: file), environment: environment, problems: problems)
            if included.path == file {
                include.report("\(name) includes itself", expected: "another file")
                continue
            }
            guard let section = included.root()?.section(keys: GatewayConfiguration.includedKeys) else { continue }
            plantSections.read(section)
        }
        plantSections.check()
        if let prefix = mqtt?.replyPrefix {
            plantSections.check(replyPrefix: prefix, at: PlantSections.place(["mqtt", "replyPrefix"], in: root.value))
        }

        guard let place, let plant, let gateway, let mqtt, let tree else { return nil }
        return GatewayConfiguration(
            file: file, plant: plant, timeZone: place.timeZone, gateway: gateway, mqtt: mqtt, tree: tree.place,
            treeAccess: tree.access, sessionTimeout: tree.sessionTimeout, chroot: tree.chroot,
            flushSpacing: flushSpacing, limits: limits,
            routes: plantSections.routes.map(\.definition), tags: TagRules(plantSections.tags.map(\.definition)),
            alarms: plantSections.alarms.map(\.definition),
            commands: plantSections.commands.map(\.definition),
            warnings: problems.all.filter { $0.severity != .mistake })
    }

    func loadTree() -> TreeSection? {
        let main = ConfigurationFile(path: file, environment: environment, problems: problems)
        guard let root = main.root()?.section(keys: GatewayConfiguration.keys) else { return nil }
        return root.required("tree", "a mapping with embedded or ensemble").flatMap { readTree($0, plant: nil) }
    }

    // MARK: plant

    /// The plant's name, alone or with its time zone.
    private func readPlant(_ value: ConfigurationValue) -> (name: String, timeZone: TimeZoneName)? {
        let machine = TimeZoneName.machine(environment: environment)
        guard case .mapping = value.node else { return identifier(value).map { ($0, machine) } }
        guard let section = value.section(keys: ["name", "timeZone"]),
            let name = identifier(section.required("name", "the plant's name, such as bottling"))
        else { return nil }
        guard let zone = section["timeZone"] else { return (name, machine) }
        let expected = "a name such as Europe/Berlin or UTC"
        guard let text = zone.text(expected) else { return nil }
        do throws(TimeZoneName.Mistake) {
            return (name, try TimeZoneName(text, database: TimeZoneName.database(environment: environment)))
        } catch {
            zone.report("\(zone.name) \"\(text)\" \(error)", expected: expected)
            return nil
        }
    }

    /// A name that stands in a path of the tree and in a topic.
    private func identifier(_ value: ConfigurationValue?) -> String? {
        guard let value, let text = value.string() else { return nil }
        guard let reason = ConfigurationNames.objection(to: text) else { return text }
        value.report(
            "\(value.name) \"\(text)\" \(reason)",
            expected: "a name that can stand in a path of the tree and in a topic: no / + # % or control characters")
        return nil
    }

    /// A path as the configuration's author meant it: relative to the file in which it stands.
    static func path(_ name: String, relativeTo file: String) -> String {
        guard !name.hasPrefix("/") else { return name }
        let folder = file.lastIndex(of: "/").map { file[..<$0] } ?? ""
        var parts: [Substring] = []
        for part in folder.split(separator: "/") + name.split(separator: "/") {
            // Only for the eye, and only where it is certain: `bridge-config/../var` is `var`, unless a link is in the way,
            // which the folder of a configuration is not.
            if part == ".", !parts.isEmpty || folder.isEmpty { continue }
            if part == "..", let last = parts.last, last != "..", last != "." {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        return (file.hasPrefix("/") ? "/" : "") + (parts.isEmpty ? "." : parts.joined(separator: "/"))
    }

    // MARK: mqtt

    static let mqttKeys = [
        "broker", "protocol", "username", "passwordFile", "ca", "certificate", "key", "keepAlive", "echoTimeout",
        "clientId", "replyPrefix",
    ]

    private func readMQTT(_ value: ConfigurationValue) -> MQTTSettings? {
        if case .mapping(let mapping) = value.node,
            let key = mapping.keys.first(where: { $0.scalar?.string == "password" })
        {
            value.file.report(
                .mistake, at: key.mark, "a password does not belong into the configuration",
                expected: "passwordFile: FILE, whose first line is the password")
        }
        let known = value.node.mapping?["password"] == nil ? Self.mqttKeys : Self.mqttKeys + ["password"]
        guard let section = value.section(keys: known) else { return nil }
        guard let brokers = section.required("broker", BrokerAddress.Mistake.expected).flatMap(readBrokers),
            let broker = brokers.first
        else { return nil }
        var settings = MQTTSettings(broker: broker)
        settings.alternatives = Array(brokers.dropFirst())
        settings.protocolVersion =
            section["protocol"]?.choice([("5", .v5), ("3.1.1", .v311)]) ?? settings.protocolVersion
        settings.username = section["username"]?.string()
        settings.passwordFile = section["passwordFile"].flatMap(readSecretFile)
        settings.keepAlive =
            section["keepAlive"]?.duration(in: .seconds(5) ... .seconds(18 * 3600)) ?? settings.keepAlive
        settings.echoTimeout =
            section["echoTimeout"]?.duration(in: .seconds(2) ... .seconds(3600)) ?? settings.echoTimeout
        if let value = section["clientId"] { settings.clientID = value.string() }
        settings.replyPrefix = section["replyPrefix"].flatMap(readReplyPrefix)
        if let value = section["passwordFile"], settings.username == nil {
            value.report("mqtt.passwordFile is given without mqtt.username", expected: "both or neither")
        }
        for (key, path) in [
            ("ca", \MQTTSettings.ca), ("certificate", \MQTTSettings.certificate), ("key", \MQTTSettings.key),
        ] as [(String, WritableKeyPath<MQTTSettings, String?>)] {
            guard let value = section[key], let name = value.text("a PEM file") else { continue }
            let file = Self.path(name, relativeTo: file)
            settings[keyPath: path] = file
            if !broker.isSecure {
                value.warn(
                    "mqtt.\(key) has no effect on a connection without TLS",
                    expected: "mqtts:// in mqtt.broker")
            } else if !FileManager.default.fileExists(atPath: file) {
                value.report("mqtt.\(key): there is no file \(file)", expected: "a PEM file")
            } else if key == "key" {
                refuseOpenSecret(file, value)
            }
        }
        for (one, other) in [("certificate", "key"), ("key", "certificate")] {
            if let value = section[one], section[other] == nil {
                value.report("mqtt.\(one) is given without mqtt.\(other)", expected: "both or neither")
            }
        }
        return settings
    }

    private static let mostBrokers = 16

    /// One address, or several that act as one broker, the preferred one first: as a list, or with commas.
    private func readBrokers(_ value: ConfigurationValue) -> [BrokerAddress]? {
        let expected = BrokerAddress.Mistake.expected
        var elements = [value]
        if case .sequence = value.node { elements = value.list(of: "addresses") ?? [] }
        var brokers: [BrokerAddress] = []
        for element in elements {
            guard let text = element.text(expected) else { return nil }
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                // Spaces around an address, not in one.
                let words = part.split(separator: " ")
                let address: BrokerAddress
                do throws(BrokerAddress.Mistake) {
                    address = try BrokerAddress(parsing: String(words.count == 1 ? words[0] : part))
                } catch {
                    element.report("\(element.name): \(error)", expected: expected)
                    return nil
                }
                if brokers.contains(address) {
                    element.report("\(element.name): \(address) is listed twice", expected: "each broker once")
                }
                // Or what is encrypted with one broker would be sent in the clear to another.
                if let first = brokers.first, first.isSecure != address.isSecure {
                    element.report(
                        "\(element.name): \(address) and \(first) are of different kinds",
                        expected: "all mqtts://, or all mqtt://")
                }
                brokers.append(address)
            }
        }
        if brokers.isEmpty { value.report("\(value.name) is empty", expected: expected) }
        if brokers.count > Self.mostBrokers {
            value.report("\(value.name) lists \(brokers.count) brokers", expected: "at most \(Self.mostBrokers)")
        }
        return brokers.isEmpty ? nil : brokers
    }

    /// Topics on which requesters may have their answers. That nothing else lies below is checked with the routes.
    private func readReplyPrefix(_ value: ConfigurationValue) -> String? {
        let expected = "a topic that ends with /, outside linekeeper/, such as hmi/answers/"
        guard let text = value.text(expected) else { return nil }
        guard text.hasSuffix("/"), text.first != "$", text.first != "/", !text.hasPrefix("linekeeper/"),
            text.utf8.count <= 256, (try? TagPath(text + "x")) != nil
        else {
            value.report("\(value.name) is \"\(text)\"", expected: expected)
            return nil
        }
        return text
    }

    /// A secret's file: a bare name is first looked for among systemd's credentials, then beside the configuration.
    func readSecretFile(_ value: ConfigurationValue) -> String? {
        guard let name = value.text("the name of a file whose first line is the secret") else { return nil }
        if !name.contains("/"), let folder = environment["CREDENTIALS_DIRECTORY"], !folder.isEmpty {
            let credential = folder + "/" + name
            if FileManager.default.fileExists(atPath: credential) {
                refuseOpenSecret(credential, value)
                return credential
            }
        }
        let path = Self.path(name, relativeTo: file)
        if !FileManager.default.fileExists(atPath: path) {
            // Only a warning: a credential exists while the service runs, not while somebody checks by hand.
            value.warn("\(value.name): there is no file \(path) now", expected: "the file when the gateway starts")
        }
        refuseOpenSecret(path, value)
        return path
    }

    /// What everybody can read is no secret, and what everybody can change is somebody else's.
    func refuseOpenSecret(_ path: String, _ value: ConfigurationValue) {
        guard let rights = FileRights.ofOthers(toSecret: path) else { return }
        value.reportTolerated(
            "\(value.name): everybody on this machine may \(rights) \(path)",
            expected: "a file for its owner alone: chmod o= \(path)")
    }

    // MARK: limits

    private func readLimits(_ value: ConfigurationValue) -> GatewayLimits {
        var limits = GatewayLimits()
        guard
            let section = value.section(keys: [
                "maxTopics", "maxTags", "maxPayload", "inboxMessages", "inboxBytes", "maxInFlightPublishes",
                "historyEntries", "historyAge", "requestsPerMinute",
            ])
        else { return limits }
        limits.maxTopics = section["maxTopics"]?.integer(in: 1...10_000_000) ?? limits.maxTopics
        limits.maxTags = section["maxTags"]?.integer(in: 1...10_000_000) ?? limits.maxTags
        limits.maxPayload = section["maxPayload"]?.size(in: 64...(256 << 20)) ?? limits.maxPayload
        limits.inboxMessages = section["inboxMessages"]?.integer(in: 100...10_000_000) ?? limits.inboxMessages
        limits.inboxBytes = section["inboxBytes"]?.size(in: (1 << 16)...(4 << 30)) ?? limits.inboxBytes
        limits.maxInFlightPublishes =
            section["maxInFlightPublishes"]?.integer(in: 1...1000) ?? limits.maxInFlightPublishes
        limits.requestsPerMinute = section["requestsPerMinute"]?.integer(in: 1...1_000_000) ?? limits.requestsPerMinute
        limits.historyEntries = section["historyEntries"]?.integer(in: 100...1_000_000) ?? limits.historyEntries
        limits.historyAge =
            section["historyAge"]?.duration(in: .seconds(60) ... .seconds(366 * 86400)) ?? limits.historyAge
        return limits
    }
}
