import MQTT
import TestFixtures
import Testing

@Suite("Encrypted connections")
struct TLSTests {
    private let certificates: TestCertificates

    init() async throws { certificates = try await TestCertificates() }

    private func broker(requireClientCertificate: Bool = false, otherName: Bool = false) async throws -> Mosquitto {
        var options = Mosquitto.Options()
        options.tls = certificates
        options.requireClientCertificate = requireClientCertificate
        options.serverHasOtherName = otherName
        return try await Mosquitto(options)
    }

    private func configuration(_ broker: Mosquitto, _ tls: MQTTTLS) -> MQTTClient.Configuration {
        var configuration = MQTTClient.Configuration(
            broker: MQTTBroker(host: "127.0.0.1", port: broker.port, secure: true), clientID: "secure")
        configuration.tls = tls
        return configuration
    }

    /// Waits for an attempt that failed because of the encryption.
    private func expectRefusal(_ configuration: MQTTClient.Configuration, containing text: String? = nil) async throws {
        try await withClient(configuration, connects: false) { running in
            try await eventually("the refusal", seen: { "\(String(describing: running.lastReason))" }) {
                guard case .tls(let said)? = running.lastReason else { return false }
                return text.map { said.contains($0) } ?? true
            }
            #expect(running.client.statistics.connections == 0)
            // Nothing heals by itself here: no hurry.
            try await Task.sleep(for: .milliseconds(300))
            #expect(running.client.statistics.disconnections == 1)
        }
    }

    @Test("with our authority and our certificate", arguments: [MQTTProtocolVersion.v311, .v5])
    func clientCertificate(version: MQTTProtocolVersion) async throws {
        let broker = try await broker(requireClientCertificate: true)
        var configuration = configuration(
            broker,
            MQTTTLS(
                caFile: certificates.authority, certificateFile: certificates.client, keyFile: certificates.clientKey))
        configuration.protocolVersion = version
        try await withClient(configuration, subscriptions: [MQTTSubscription(filter: "big")]) { running in
            // More than one TLS record, so that the library's buffer and poll must agree.
            let payload = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
            for _ in 0..<20 { try await running.client.publish(topic: "big", payload: payload) }
            let messages = try await running.messages(20)
            #expect(messages.allSatisfy { $0.payload == payload })
        }
    }

    @Test("an encrypted key is opened with its password")
    func encryptedKey() async throws {
        let broker = try await broker(requireClientCertificate: true)
        let key = try await certificates.encryptedClientKey(password: "open sesame")
        var tls = MQTTTLS(
            caFile: certificates.authority, certificateFile: certificates.client, keyFile: key,
            keyPassword: "open sesame")
        try await withClient(configuration(broker, tls)) { running in
            #expect(running.client.connectionState.isConnected)
        }
        tls.keyPassword = "wrong"
        try await expectRefusal(configuration(broker, tls))
    }

    @Test("without a certificate where one is asked for")
    func missingClientCertificate() async throws {
        let broker = try await broker(requireClientCertificate: true)
        try await expectEnd(configuration(broker, MQTTTLS(caFile: certificates.authority)))
    }

    /// Waits for a broker that ends the connection: whether its alert or the reset of its socket is seen first is the
    /// network's choice.
    private func expectEnd(_ configuration: MQTTClient.Configuration) async throws {
        try await withClient(configuration, connects: false) { running in
            try await eventually("the refusal", seen: { "\(String(describing: running.lastReason))" }) {
                switch running.lastReason {
                case .tls?, .network?: true
                default: false
                }
            }
            #expect(running.client.statistics.connections == 0)
        }
    }

    @Test("a broker with another name is not trusted, unless told so")
    func wrongName() async throws {
        let broker = try await broker(otherName: true)
        var tls = MQTTTLS(caFile: certificates.authority)
        try await expectRefusal(configuration(broker, tls), containing: "host name verification failed")
        tls.verifyHostname = false
        try await withClient(configuration(broker, tls)) { running in
            #expect(running.client.connectionState.isConnected)
        }
    }

    @Test("an authority that we do not know is not trusted")
    func unknownAuthority() async throws {
        let broker = try await broker()
        let others = try await TestCertificates()
        try await expectRefusal(
            configuration(broker, MQTTTLS(caFile: others.authority)),
            containing: "the broker's certificate is not accepted: self")
        // The operating system's authorities do not know a test's, either.
        try await expectRefusal(configuration(broker, MQTTTLS()))
    }

    @Test("a certificate that is over is told as that")
    func expired() async throws {
        try await certificates.expireServer()
        let broker = try await broker()
        try await expectRefusal(
            configuration(broker, MQTTTLS(caFile: certificates.authority)), containing: "certificate has expired")
    }

    @Test("a broker that speaks no TLS")
    func plainBroker() async throws {
        let broker = try await Mosquitto()
        try await expectEnd(configuration(broker, MQTTTLS(caFile: certificates.authority)))
    }

    @Test("nobody there")
    func nobodyThere() async throws {
        var configuration = MQTTClient.Configuration(
            broker: MQTTBroker(host: "127.0.0.1", port: try FreePort.tcp(), secure: true), clientID: "secure")
        configuration.tls = MQTTTLS(caFile: certificates.authority)
        try await withClient(configuration, connects: false) { running in
            try await eventually("the refusal", within: .seconds(10), seen: { "\(running.client.connectionState)" }) {
                if case .network(111, _)? = running.lastReason { true } else { false }
            }
        }
    }

    @Test("files that are not there are named before anything is tried")
    func missingFiles() async throws {
        let broker = try await broker()
        let running = RunningClient(configuration(broker, MQTTTLS(caFile: "/nowhere/ca.pem")), reads: false)
        await #expect(throws: MQTTError.invalidConfiguration("cannot read /nowhere/ca.pem")) {
            try await running.result()
        }
    }
}
