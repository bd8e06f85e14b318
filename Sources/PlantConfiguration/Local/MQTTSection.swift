import Plant
import Yams

/// Reads the section `mqtt`.
extension LocalReader {
    private static let mqttKeys = [
        "broker", "protocol", "username", "passwordFile", "ca", "certificate", "key", "keepAlive", "echoTimeout",
        "clientId", "replyPrefix", "observe",
    ]

    func readMQTT(_ value: ConfigurationValue) -> MQTTSettings? {
        if case .mapping(let mapping) = value.node,
            let key = mapping.keys.first(where: { $0.scalar?.string == "password" })
        {
            value.document.report(
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
        settings.observe = section["observe"].map(ObserveList.read) ?? []
        if let value = section["passwordFile"], settings.username == nil {
            value.report("mqtt.passwordFile is given without mqtt.username", expected: "both or neither")
        }
        for (key, path) in [
            ("ca", \MQTTSettings.ca), ("certificate", \MQTTSettings.certificate), ("key", \MQTTSettings.key),
        ] as [(String, WritableKeyPath<MQTTSettings, String?>)] {
            guard let value = section[key], let name = value.text("a PEM file") else { continue }
            let file = value.path(name)
            settings[keyPath: path] = file
            if !broker.isSecure {
                value.warn(
                    "mqtt.\(key) has no effect on a connection without TLS",
                    expected: "mqtts:// in mqtt.broker")
            } else if !machine.exists(file) {
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
}
